/**
 * The files of a COPY, walked twice: first for the digest that is part of the cache's key, then to write them. Both
 * walks must see the same entries, so that what is written is what the key says. Times are no part of it.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { fromText, toText } from '../../../images/unpack/paths.ts';
import type { TarEntry } from '../../../images/unpack/tar-entry.ts';
import { entryOf, walkTree } from '../../engine/files/source.ts';
import type { IgnoreRules } from '../context/ignore.ts';
import { openPath, type SourceTree } from '../context/source-tree.ts';
import { BuildError } from '../errors.ts';

export interface CopyItem {
  readonly tree: SourceTree;
  /** Below the tree's root. */
  readonly path: string;
  /** Of a file, or of a directory with --parents: what it is called below the destination; '' for a directory's contents. */
  readonly name: string;
  /** A directory is copied under its name, and not its contents alone. */
  readonly keepsName: boolean;
  readonly exclude: IgnoreRules;
  /** Not of the context: never extracted. */
  readonly isRemote?: boolean;
  /** Of all its files, nanoseconds. */
  readonly time?: bigint | undefined;
}

export interface Ownership {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mode?: number | undefined;
}

/** `entry` is named below the destination; '' is the directory whose contents are copied. */
export type VisitCopied = (entry: TarEntry, open: () => number) => void | Promise<void>;

/** A file was changed between the two walks. */
export class ChangedFile extends BuildError {
  constructor(path: string) {
    super({
      code: 'CONTEXT_CHANGED',
      message: `"${path}" was changed while it was copied`,
      hint: 'Build again when no program writes to it.',
    });
  }
}

export async function walkItem(item: CopyItem, owner: Ownership, visit: VisitCopied): Promise<void> {
  const { tree, path, name, exclude } = item;
  const fd = openPath(tree, path);
  if (fd === undefined || hidden(tree, path)) {
    if (fd !== undefined) closeSync(fd);
    throw notFound(path);
  }
  try {
    const stats = fstatSync(fd);
    const isDirectory = stats.isDirectory();
    const from = fromText(path);
    const to = isDirectory && !item.keepsName ? '' : fromText(name);
    /** Directories that the rules leave out, which something below them needs all the same. */
    let held: TarEntry[] = [];
    const rename = (given: string): string => {
      if (!isDirectory) return to;
      const below = from === '' ? given : given.slice(from.length + 1);
      return to === '' ? below : below === '' ? to : `${to}/${below}`;
    };
    const relative = (given: string): string => toText(from === '' ? given : given.slice(from.length + 1));
    const isIgnored = (given: string): boolean =>
      tree.rules.ignores(toText(given)) || (isDirectory && exclude.ignores(relative(given)));
    const prunes = tree.rules.prunes && exclude.prunes;
    const changed = (entry: TarEntry): TarEntry => ({
      ...entry,
      path: rename(entry.path),
      linkpath: entry.type === 'link' ? rename(entry.linkpath) : entry.linkpath,
      uid: owner.uid ?? (tree.ownedByRoot ? 0 : entry.uid),
      gid: owner.gid ?? (tree.ownedByRoot ? 0 : entry.gid),
      mtime: item.time ?? entry.mtime,
      mode: owner.mode === undefined || entry.type === 'symlink' ? entry.mode : owner.mode,
    });
    if (isDirectory) await visit(changed(entryOf('dir', from, fstatSync(fd, { bigint: true }))), () => fd);
    await walkTree(
      fd,
      isDirectory ? from : to,
      async (entry, open) => {
        if (isDirectory && entry.path === from) return;
        if (isDirectory && isIgnored(entry.path)) {
          if (entry.type === 'dir') held = [...held.filter((dir) => isBelow(entry.path, dir.path)), entry];
          return;
        }
        for (const dir of held) if (isBelow(entry.path, dir.path)) await visit(changed(dir), open);
        held = [];
        await visit(changed(entry), open);
      },
      (given) => !isDirectory || !prunes || !isIgnored(given),
    );
  } finally {
    closeSync(fd);
  }
}

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

const hidden = ({ rules }: SourceTree, path: string): boolean => rules.prunes && rules.ignores(path);

const notFound = (path: string): BuildError =>
  new BuildError({
    code: 'NO_SUCH_FILE',
    message: `"/${path}": not found`,
    hint: 'It must be in the context, and .dockerignore must not leave it out.',
  });

/**
 * What a walk has seen of an item: all but contents and times of its entries, and of each file what a change of its
 * content would change. Two walks that have seen the same are of the same files.
 */
export class Seen {
  private readonly stamps = new Map<string, string>();
  private readonly contents = new Map<string, string>();
  private readonly entries = createHash('sha256');
  private listed: string | undefined;

  entry(entry: TarEntry): void {
    describe(this.entries, entry);
  }

  /** By its name below the destination, before it is read. */
  file(path: string, fd: number): void {
    this.stamps.set(path, stampOf(fd));
  }

  /** After it was read. @throws ChangedFile. */
  check(path: string, fd: number): void {
    if (this.stamps.get(path) !== stampOf(fd)) throw new ChangedFile(toText(path));
  }

  /** Its digest, the first time; later it must be the same: a shared mapping changes a file and none of its times. */
  content(path: string, digest: string): void {
    const before = this.contents.get(path);
    if (before === undefined) this.contents.set(path, digest);
    else if (before !== digest) throw new ChangedFile(toText(path));
  }

  /** Of all entries; no more come. */
  list(): string {
    return (this.listed ??= this.entries.digest('hex'));
  }
}

function stampOf(fd: number): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

const chunk = Buffer.allocUnsafe(1 << 18);

/** Of all that matters of an item: names, kinds, modes, owners, attributes and contents. */
export async function digestItem(item: CopyItem, owner: Ownership, seen: Seen): Promise<string> {
  const hash = createHash('sha256');
  await walkItem(item, owner, (entry, open) => {
    const { type, path, size } = entry;
    describe(hash, entry);
    seen.entry(entry);
    if (type !== 'file') return;
    const fd = open();
    seen.file(path, fd);
    const digest = readWhole(fd, size, path, () => undefined);
    seen.content(path, digest);
    put(hash, digest);
    seen.check(path, fd);
  });
  return hash.digest('hex');
}

/** Its digest; `take` gets each piece and its place. @throws ChangedFile for a file that has become shorter. */
export function readWhole(
  fd: number,
  size: number,
  path: string,
  take: (piece: Uint8Array, position: number) => void,
): string {
  const hash = createHash('sha256');
  for (let at = 0; at < size;) {
    const count = readSync(fd, chunk, 0, Math.min(size - at, chunk.length), at);
    if (count === 0) throw new ChangedFile(toText(path));
    const piece = chunk.subarray(0, count);
    hash.update(piece);
    take(piece, at);
    at += count;
  }
  return hash.digest('hex');
}

function describe(
  hash: Hash,
  { type, path, linkpath, mode, uid, gid, size, major, minor, xattrs }: TarEntry,
): void {
  put(hash, type, path, linkpath, String(mode), `${String(uid)}:${String(gid)}`, String(size));
  put(hash, `${String(major)}:${String(minor)}`, String(xattrs.size));
  for (const [name, value] of [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1)))
    put(hash, name, Buffer.from(value).toString('latin1'));
}

/** With their lengths, so that no two lists of words look the same. */
function put(hash: Hash, ...words: readonly string[]): void {
  hash.update(words.map((word) => `${String(word.length)}:${word};`).join(''), 'latin1');
}
