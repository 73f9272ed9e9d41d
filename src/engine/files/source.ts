/**
 * A tree of files as entries of an archive, by descriptors only: each name is opened in the directory that was opened
 * before it, links are never followed, and what is read is what was looked at. So a process that changes the tree meanwhile,
 * a container above all, decides what its own copy holds and nothing else. FIFOs and devices are described, not opened.
 *
 * Names are byte strings. Sockets are left out, as by Docker: they are nothing without their process.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, type BigIntStats } from 'node:fs';
import { toText } from '../../../images/unpack/paths.ts';
import type { EntryType, TarEntry } from '../../../images/unpack/tar-entry.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';

/** `open` opens the data of a file for reading; the caller closes it. */
export type Visit = (entry: TarEntry, open: () => number) => void | Promise<void>;

/** Whether to look at a name at all; of a directory also at what is in it. Asked before the file is opened. */
export type Wants = (path: string) => boolean;

/** Of the thing that an O_PATH descriptor stands for, named `name`; '' names the entries below a directory only. */
export async function walkTree(fd: number, name: string, visit: Visit, wants?: Wants): Promise<void> {
  await new Walk(visit, wants).walk(fd, name);
}

/** Milliseconds. A bit more than the kernel's (/proc/sys/fs/lease-break-time). */
const PATIENCE = 50_000;
const POLL = 10;

const isHeld = (path: string, cause: unknown): MinidockError =>
  new MinidockError({
    code: 'FILE_HELD',
    message: `a program holds a lease on "${toText(path)}", so nobody else can read it`,
    hint: 'It asked to be the only one that has the file open (fcntl(2), F_SETLEASE). End the program, or stop its container.',
    cause,
  });

class Walk {
  /** The first name of each file that has several. */
  private readonly linked = new Map<string, string>();
  /** Milliseconds to wait for leases, all in all: a program may hold one on each of its files. */
  private patience = PATIENCE;

  constructor(
    private readonly visit: Visit,
    private readonly wants: Wants = () => true,
  ) {}

  async walk(fd: number, path: string): Promise<void> {
    const stats = fstatSync(fd, { bigint: true });
    const type = typeOf(stats);
    if (type === undefined) return;
    if (type === 'dir') return this.directory(fd, path, stats);
    const first = this.firstName(stats, path);
    if (first !== undefined) return this.tell(entryOf('link', path, stats, { linkpath: first }), fd);
    if (type === 'symlink')
      return this.tell(entryOf(type, path, stats, { linkpath: calls.readlink(fd) }), fd);
    if (type !== 'file') return this.tell(entryOf(type, path, stats), fd);
    const data = await this.data(fd, path);
    try {
      const xattrs = attributes(data);
      await this.visit(entryOf(type, path, stats, { size: Number(stats.size), xattrs }), () => data);
    } finally {
      closeSync(data);
    }
  }

  /** A write lease on a file (fcntl(2), F_SETLEASE) ends within 45 seconds after somebody has asked for the file. */
  private async data(fd: number, path: string): Promise<number> {
    for (;;) {
      try {
        return reopen(fd, constants.O_RDONLY | constants.O_NONBLOCK);
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN') throw error;
        if (this.patience <= 0) throw isHeld(path, error);
      }
      await delay(POLL);
      this.patience -= POLL;
    }
  }

  private async directory(fd: number, path: string, stats: BigIntStats): Promise<void> {
    const directory = reopen(fd, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      if (path !== '') await this.tell(entryOf('dir', path, stats, { xattrs: attributes(directory) }), fd);
      for (const name of names(directory))
        await this.child(directory, name, path === '' ? name : `${path}/${name}`);
    } finally {
      closeSync(directory);
    }
  }

  private async child(directory: number, name: string, path: string): Promise<void> {
    if (!this.wants(path)) return;
    let fd: number;
    try {
      fd = calls.openat2(
        directory,
        name,
        O_PATH | constants.O_NOFOLLOW,
        RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
      );
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return; // Removed since the directory was read.
      throw error;
    }
    try {
      await this.walk(fd, path);
    } finally {
      closeSync(fd);
    }
  }

  private tell(entry: TarEntry, fd: number): void | Promise<void> {
    return this.visit(entry, () => fd);
  }

  private firstName(stats: BigIntStats, path: string): string | undefined {
    // The kernel makes one whiteout and links it everywhere (overlayfs); each is a mark of its own.
    if (stats.nlink < 2n || (stats.isCharacterDevice() && stats.rdev === 0n)) return undefined;
    const key = `${String(stats.dev)}:${String(stats.ino)}`;
    const first = this.linked.get(key);
    if (first === undefined) this.linked.set(key, path);
    return first;
  }
}

/** The same file with other rights: the kernel's own link of this process leads to it, whatever its name is by now. */
const reopen = (fd: number, flags: number): number => openSync(`/proc/self/fd/${String(fd)}`, flags);

/** None in a directory that has been removed since it was opened: the kernel then answers ENOENT. */
function names(directory: number): readonly string[] {
  try {
    return readdirSync(`/proc/self/fd/${String(directory)}`, { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Those that Docker carries, and the user's own. What overlayfs notes for itself is no part of a file. */
function attributes(fd: number): ReadonlyMap<string, Uint8Array> {
  const wanted = calls
    .listXattrs(fd)
    .filter((name) => name === 'security.capability' || /^user\.(?!overlay\.)/.test(name));
  return new Map(wanted.map((name) => [name, calls.getXattr(fd, name)]));
}

function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : undefined;
}

/** What fstat(2) says of a file, as an archive's entry; extended attributes and links are in `more`. */
export function entryOf(
  type: EntryType,
  path: string,
  stats: BigIntStats,
  more: Partial<TarEntry> = {},
): TarEntry {
  const rdev = Number(stats.rdev);
  return {
    type,
    path,
    linkpath: '',
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: 0,
    mtime: stats.mtimeNs,
    // makedev(3), the other way round.
    major: (rdev >> 8) & 0xfff,
    minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
    xattrs: new Map(),
    sparse: undefined,
    ...more,
  };
}
