/**
 * `cp`: files between a container and the host, or an archive. What is read is walked by descriptors (source.ts) and
 * written by descriptors (tree-sink.ts), so that neither side's changes meanwhile lead the copy elsewhere.
 */
import { closeSync, constants, fstatSync, openSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { fromText } from '../../../images/unpack/paths.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { checkWritable, linkTarget, lookUp, openPath } from './in-container.ts';
import { absolute, meansContents, meansDirectory, nameOf, placeCopy } from './paths.ts';
import { walkTree } from './source.ts';
import { TAR_END, TarSink, tarSize, type Write } from './tar-sink.ts';
import { openDirectory, TreeSink, type SinkOptions } from './tree-sink.ts';

export interface ContainerSide {
  readonly root: number;
  /** As the user named it. */
  readonly name: string;
  readonly path: string;
  readonly readOnlyRoot: boolean;
  /** With --userns=auto: the machine's id of its root, while it runs; else 0. */
  readonly firstId: number;
}

export interface Copied {
  /** Bytes, as an archive of them has. */
  readonly size: number;
  /** Where the host has them, or the container. */
  readonly to: string;
}

export async function copyFromContainer(
  side: ContainerSide,
  local: string,
  followLink: boolean,
  write: Write,
): Promise<Copied> {
  const to = local === '-' ? '-' : absolute(local, process.cwd());
  if (to !== '-') checkOutput(to);
  const path = absolute(side.path);
  let source = openPath(side.root, path, side.name);
  try {
    const target = followLink ? linkTarget(source, path) : undefined;
    if (target !== undefined) {
      const led = openPath(side.root, target, side.name);
      closeSync(source);
      source = led;
    }
    if (to === '-') return { size: await writeArchive(source, nameOf(path), write, side.firstId), to };
    const found = statOf(to);
    const place = placeCopy(
      { path, isDirectory: fstatSync(source).isDirectory() },
      { path: to, exists: found !== undefined, isDirectory: found?.isDirectory() ?? false },
    );
    const root = openDirectory(place.directory);
    try {
      return { size: await copyTree(source, place.name, { root, base: '', keepOwners: false }), to };
    } finally {
      closeSync(root);
    }
  } finally {
    closeSync(source);
  }
}

export async function copyToContainer(
  side: ContainerSide,
  local: string | Readable,
  followLink: boolean,
): Promise<Copied> {
  const destination = lookUp(side.root, absolute(side.path), side.name);
  const to = `${side.name}:${destination.path}`;
  const into = (directory: string): SinkOptions => {
    checkWritable(side.root, directory, side.name, side.readOnlyRoot);
    return { root: side.root, base: fromText(directory), keepOwners: true, firstId: side.firstId };
  };
  if (typeof local !== 'string') {
    if (!destination.isDirectory)
      throw new MinidockError({
        code: 'BAD_COPY',
        message: `destination "${side.name}:${side.path}" must be a directory`,
      });
    const { extractArchive } = await import('./archive.ts');
    return { size: await extractArchive(local, new TreeSink(into(destination.path))), to };
  }
  const path = absolute(local, process.cwd());
  const source = openLocal(path, followLink);
  try {
    const place = placeCopy({ path, isDirectory: fstatSync(source).isDirectory() }, destination);
    return { size: await copyTree(source, place.name, into(place.directory)), to };
  } finally {
    closeSync(source);
  }
}

async function copyTree(source: number, name: string, options: SinkOptions): Promise<number> {
  const sink = new TreeSink(options);
  let size = TAR_END;
  try {
    await walkTree(source, fromText(name), (entry, open) => {
      size += tarSize(entry);
      sink.entry(entry, entry.type === 'file' ? open() : undefined);
    });
    sink.end();
  } finally {
    sink.close();
  }
  return size;
}

/** Also of a whole container (`export`). Gives the archive's size. */
export async function writeArchive(source: number, name: string, write: Write, firstId = 0): Promise<number> {
  const sink = new TarSink(write);
  let size = TAR_END;
  await walkTree(source, fromText(name), (entry, open) => {
    size += tarSize(entry);
    return sink.entry({ ...entry, uid: entry.uid - firstId, gid: entry.gid - firstId }, open());
  });
  await sink.end();
  return size;
}

function openLocal(path: string, followLink: boolean): number {
  const noFollow = followLink || meansDirectory(path) ? 0 : constants.O_NOFOLLOW;
  try {
    return openSync(meansContents(path) ? path : path.replace(/(.)\/$/, '$1'), O_PATH | noFollow);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new MinidockError({ code: 'ENOENT', message: `lstat ${path}: no such file or directory` });
  }
}

/** A link of the user's own is followed to where it leads. */
const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });

/** @throws MinidockError in Docker's words, before anything is read. */
function checkOutput(path: string): void {
  const directory = dirname(meansContents(path) ? path.slice(0, -2) : path);
  const bad = (reason: string): MinidockError =>
    new MinidockError({ code: 'BAD_OUTPUT_PATH', message: `invalid output path: ${reason}` });
  if (statOf(directory) === undefined) throw bad(`directory "${directory}" does not exist`);
  const found = statOf(path);
  if (found === undefined || found.isFile() || found.isDirectory()) return;
  const kind = found.isCharacterDevice() || found.isBlockDevice() ? 'a device' : 'an irregular file';
  throw bad(`"${path}" must be a directory or a regular file: got ${kind}`);
}
