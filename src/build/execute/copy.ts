/** Writing what a COPY or ADD copies into the stage's new layer. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fromText, toText } from '../../../images/unpack/paths.ts';
import type { TarEntry } from '../../../images/unpack/tar-entry.ts';
import { extractArchive } from '../../engine/files/archive.ts';
import { TreeSink } from '../../engine/files/tree-sink.ts';
import { openPath } from '../context/source-tree.ts';
import { ChangedFile, Seen, walkItem, type CopyItem, type Ownership } from './copy-files.ts';
import { Directories, isDirectoryIn } from './destination.ts';

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
  const { root, items, texts, destination } = work;
  const directories = new Directories(root);
  const parentOwner = { uid: work.owner.uid ?? 0, gid: work.owner.gid ?? 0 };
  const parent = destination.endsWith('/')
    ? destination
    : destination.slice(0, destination.lastIndexOf('/')) || '/';
  directories.make(parent, parentOwner);
  const latest = { time: 0n };
  for (const [index, item] of items.entries())
    await copyItem(work, item, work.seen[index] ?? new Seen(), directories, latest);
  for (const { name, content } of texts) {
    const into = isDirectoryIn(root, destination) === true;
    const path = into ? `${destination.replace(/\/$/, '')}/${name}` : destination;
    writeText(work, path, content, directories);
    if (work.time > latest.time) latest.time = work.time;
  }
  directories.end(latest.time === 0n ? work.time : latest.time);
}

async function copyItem(
  work: CopyWork,
  item: CopyItem,
  seen: Seen,
  directories: Directories,
  latest: { time: bigint },
): Promise<void> {
  const { root, destination, owner } = work;
  if (work.extracts && item.isRemote !== true && isArchive(item))
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
      sink.entry(entry, entry.type === 'file' ? open() : undefined);
      if (entry.type === 'file' && !isOwn) seen.check(given.path, open());
    });
    if (!isOwn && again.list() !== seen.list()) throw new ChangedFile(item.path);
    sink.end();
  } finally {
    sink.close();
  }
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

/** By its first bytes: gzip, bzip2, xz, zstd, or a tar that is not compressed. */
export function isArchive({ tree, path }: CopyItem): boolean {
  const fd = openPath(tree, path);
  if (fd === undefined) return false;
  try {
    if (!process.getBuiltinModule('node:fs').fstatSync(fd).isFile()) return false;
    const file = openSync(`/proc/self/fd/${String(fd)}`, 'r');
    try {
      const head = Buffer.alloc(512);
      const length = readSync(file, head);
      return MAGIC.some((magic) => head.indexOf(magic) === 0 && length > magic.length) || isTar(head, length);
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(fd);
  }
}

const MAGIC = ['1f8b08', '425a68', 'fd377a585a00', '28b52ffd'].map((hex) => Buffer.from(hex, 'hex'));

const isTar = (head: Buffer, length: number): boolean =>
  length === 512 && head.toString('latin1', 257, 262) === 'ustar';

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
