/** Writing what a COPY or ADD copies into the stage's new layer. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { ImageError } from '../../../images/errors.ts';
import { decompress } from '../../../images/unpack/compression.ts';
import { fromText, toText } from '../../../images/unpack/paths.ts';
import { isChecksumRight } from '../../../images/unpack/tar-numbers.ts';
import type { TarEntry } from '../../../images/unpack/tar-entry.ts';
import { extractArchive } from '../../engine/files/archive.ts';
import { TreeSink } from '../../engine/files/tree-sink.ts';
import { openPath } from '../context/source-tree.ts';
import { BuildError } from '../errors.ts';
import { ChangedFile, Seen, readWhole, walkItem, type CopyItem, type Ownership } from './copy-files.ts';
import { Directories, isDirectoryIn, throughLinks } from './destination.ts';

export interface TextFile {
  readonly name: string;
  readonly content: string;
}

export interface CopyWork {
  /** The stage with its new layer on top. */
  readonly root: number;
  readonly items: readonly CopyItem[];
  readonly texts: readonly TextFile[];
  /** Absolute; with a `/` at its end it is a directory. */
  readonly destination: string;
  readonly owner: Ownership;
  readonly seen: readonly Seen[];
  /** Items that are archives are extracted (ADD). */
  readonly extracts: boolean;
  /** For what has no time of its own. */
  readonly time: bigint;
}

export async function copyFiles(work: CopyWork): Promise<void> {
  const { root, items, texts } = work;
  const destination = throughLinks(root, work.destination);
  // A pattern that matches nothing makes nothing.
  if (items.length + texts.length === 0) return;
  refuseOneName({ ...work, destination });
  const directories = new Directories(root);
  const parentOwner = { uid: work.owner.uid ?? 0, gid: work.owner.gid ?? 0 };
  const parent = destination.endsWith('/')
    ? destination
    : destination.slice(0, destination.lastIndexOf('/')) || '/';
  directories.make(parent, parentOwner);
  const latest = { time: 0n };
  for (const [index, item] of items.entries())
    await copyItem({ ...work, destination }, item, work.seen[index] ?? new Seen(), directories, latest);
  for (const { name, content } of texts) {
    const into = isDirectoryIn(root, destination) === true;
    const path = into ? `${destination.replace(/\/$/, '')}/${name}` : destination;
    writeText({ ...work, destination }, path, content, directories);
    if (work.time > latest.time) latest.time = work.time;
  }
  directories.end(latest.time === 0n ? work.time : latest.time);
}

/** Several files cannot all be one; directories can, since their contents are copied. */
function refuseOneName({ root, items, texts, destination }: CopyWork): void {
  if (items.length + texts.length < 2 || destination.endsWith('/')) return;
  if (isDirectoryIn(root, destination) === true) return;
  const isFile = ({ tree, path }: CopyItem): boolean => isDirectoryIn(tree.root, `/${path}`) !== true;
  if (texts.length === 0 && !items.some(isFile)) return;
  throw new BuildError({
    code: 'NO_DIRECTORY',
    message:
      'When using COPY with more than one source file, the destination must be a directory and end with a /',
  });
}

async function copyItem(
  work: CopyWork,
  item: CopyItem,
  seen: Seen,
  directories: Directories,
  latest: { time: bigint },
): Promise<void> {
  const { root, destination, owner } = work;
  if (work.extracts && item.isRemote !== true && (await isArchive(item)))
    return extract(work, item, seen, directories);
  const isDirectory = isDirectoryIn(item.tree.root, `/${item.path}`) === true;
  const into = isDirectory || isDirectoryIn(root, destination) === true;
  // A file that becomes the destination itself; a link there is followed, as in a shell.
  const base = into ? destination : destination.slice(0, destination.lastIndexOf('/')) || '/';
  const name = into ? undefined : destination.slice(destination.lastIndexOf('/') + 1);
  directories.note(base);
  const sink = new TreeSink({ root, base: fromText(base), keepOwners: true });
  const again = new Seen();
  // What was fetched is this process's own, and .git is no part of the key.
  const isOwn = item.isRemote === true;
  try {
    await walkItem(item, owner, (given, open) => {
      again.entry(given);
      const entry = name === undefined ? given : { ...given, path: fromText(name) };
      if (entry.mtime > latest.time) latest.time = entry.mtime;
      if (entry.path === '') {
        // Only a directory that was not there takes the source's mode.
        if (isDirectoryIn(root, base) === undefined)
          directories.make(base, { uid: entry.uid, gid: entry.gid }, entry.mode);
        return;
      }
      const slash = entry.path.lastIndexOf('/');
      directories.note(
        `${base.replace(/\/$/, '')}${slash < 0 ? '' : `/${toText(entry.path.slice(0, slash))}`}` || '/',
      );
      if (entry.type !== 'file' || isOwn) {
        sink.entry(entry, entry.type === 'file' ? open() : undefined);
        return;
      }
      const to = sink.entry(entry);
      if (to === undefined) return;
      // What is written is hashed: the key must not name other contents.
      const digest = readWhole(open(), entry.size, given.path, (piece, position) => {
        if (!isZero(piece)) writeAt(to, piece, position);
      });
      sink.complete(entry, to, entry.size);
      seen.content(given.path, digest);
      seen.check(given.path, open());
    });
    if (!isOwn && again.list() !== seen.list()) throw new ChangedFile(item.path);
    sink.end();
  } finally {
    sink.close();
  }
}

/** A hole of the source stays one. */
const isZero = (piece: Uint8Array): boolean =>
  piece.length <= ZEROS.length && ZEROS.subarray(0, piece.length).equals(piece);

const ZEROS = Buffer.alloc(1 << 18);

function writeAt(fd: number, piece: Uint8Array, position: number): void {
  for (let done = 0; done < piece.length;)
    done += writeSync(fd, piece, done, piece.length - done, position + done);
}

function writeText(
  { root, owner, time }: CopyWork,
  path: string,
  content: string,
  directories: Directories,
): void {
  const slash = path.lastIndexOf('/');
  const base = path.slice(0, slash) || '/';
  directories.note(base);
  const sink = new TreeSink({ root, base: fromText(base), keepOwners: true });
  const bytes = Buffer.from(content);
  const entry: TarEntry = {
    type: 'file',
    path: fromText(path.slice(slash + 1)),
    linkpath: '',
    mode: owner.mode ?? 0o644,
    uid: owner.uid ?? 0,
    gid: owner.gid ?? 0,
    size: bytes.length,
    mtime: time,
    major: 0,
    minor: 0,
    xattrs: new Map(),
    sparse: undefined,
  };
  try {
    const fd = sink.entry(entry);
    if (fd !== undefined) {
      process.getBuiltinModule('node:fs').writeFileSync(fd, bytes);
      sink.complete(entry, fd);
    }
    sink.end();
  } finally {
    sink.close();
  }
}

/** Whether a tar begins in it, compressed or not; what is compressed and no tar is copied as it is. */
export async function isArchive({ tree, path }: CopyItem): Promise<boolean> {
  const found = openPath(tree, path);
  if (found === undefined) return false;
  try {
    if (!process.getBuiltinModule('node:fs').fstatSync(found).isFile()) return false;
    const fd = openSync(`/proc/self/fd/${String(found)}`, 'r');
    return await beginsTar(createReadStream('', { fd, highWaterMark: 1 << 16 }));
  } finally {
    closeSync(found);
  }
}

const BLOCK = 512;

async function beginsTar(input: Readable): Promise<boolean> {
  let head = Buffer.alloc(0);
  try {
    const { stream } = await decompress(input);
    for await (const chunk of stream) {
      head = Buffer.concat([head, chunk as Buffer]);
      if (head.length >= BLOCK) break;
    }
  } catch (error) {
    // Damaged is no archive either; a missing program is another matter.
    if (error instanceof ImageError && error.code !== 'LAYER_CORRUPT') throw error;
    return false;
  } finally {
    input.destroy();
  }
  return head.length >= BLOCK && isChecksumRight(head.subarray(0, BLOCK));
}

async function extract(
  work: CopyWork,
  { tree, path, name }: CopyItem,
  seen: Seen,
  directories: Directories,
): Promise<void> {
  const base = work.destination;
  directories.make(base, { uid: 0, gid: 0 });
  const fd = openPath(tree, path);
  if (fd === undefined) throw new ChangedFile(path);
  const file = openSync(`/proc/self/fd/${String(fd)}`, 'r');
  try {
    // What is extracted is what the key has.
    seen.check(fromText(name), fd);
    const sink = new TreeSink({ root: work.root, base: fromText(base), keepOwners: true });
    await extractArchive(Readable.from(createReadStream('', { fd: file, highWaterMark: 1 << 20 })), sink);
    seen.check(fromText(name), fd);
  } finally {
    closeSync(fd);
  }
}
