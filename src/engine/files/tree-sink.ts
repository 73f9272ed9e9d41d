/**
 * Writes entries of an archive below a directory. The directory may be a container's, whose processes rename and link
 * meanwhile: so each parent is opened by in-root.ts, where `/` and `..` lead no further than to the root, each file is
 * made anew (O_EXCL) in the parent that was opened, and what is set afterwards is set by the descriptor of what was
 * made. A link is replaced, never written through. Files of the kernel are refused by their file system.
 *
 * What stands in the way gives way, but a directory only to a directory, as with `docker cp`.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  chmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs';
import { toText } from '../../../images/unpack/paths.ts';
import type { TarEntry } from '../../../images/unpack/tar-entry.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { createInRoot, openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { refuseKernelFiles } from '../../../runtime/rootfs/safe-target.ts';
import { O_PATH, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '../../../runtime/syscall/constants.ts';
import { nextData } from '../../../runtime/syscall/descriptors.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { asFileOwner } from '../../../runtime/syscall/for-container.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';

export interface SinkOptions {
  /** A descriptor of `/` as the receiving side sees it. */
  readonly root: number;
  /** Byte string: the directory below it that entries are named from. */
  readonly base: string;
  /** Files keep the owners they have in the source; otherwise who copies owns them. */
  readonly keepOwners: boolean;
  /** With --userns=auto: the machine's id of the container's root; 0 for all others. */
  readonly firstId?: number;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const CAPABILITY = 'security.capability';
const INSIDE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;

export class TreeSink {
  private parent: { readonly path: string; readonly fd: number } | undefined;
  /** Directories get their times last: what is made in them changes these. */
  private readonly times: { readonly path: string; readonly mtime: bigint }[] = [];

  constructor(private readonly options: SinkOptions) {}

  /** `data` is read from where it is to its end; without one the caller writes to what comes back and calls `complete`. */
  entry(entry: TarEntry, data?: number): number | undefined {
    const { firstId = 0 } = this.options;
    // Root of the machine is nobody in such a container: its file systems take no files of that owner.
    return firstId === 0 ? this.place(entry, data) : asFileOwner(firstId, () => this.place(entry, data));
  }

  private place(entry: TarEntry, data?: number): number | undefined {
    const { path } = entry;
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (name === '') return undefined;
    const parent = this.open(slash < 0 ? '' : path.slice(0, slash));
    const exists = this.makeRoom(parent, name, entry);
    switch (entry.type) {
      case 'dir':
        if (!exists) calls.mkdirat(parent, name, 0o700);
        this.finish(entry, calls.openat2(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, INSIDE));
        this.times.push(entry);
        return undefined;
      case 'file': {
        const fd = calls.openat2(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, INSIDE, 0o600);
        if (data === undefined) return fd;
        try {
          copyData(data, fd, entry.size);
        } catch (error) {
          closeSync(fd);
          throw error;
        }
        this.finish(entry, fd);
        return undefined;
      }
      case 'link':
        this.link(entry, parent, name);
        return undefined;
      case 'symlink':
        calls.symlinkat(entry.linkpath, parent, name);
        this.finishNode(entry, parent, name);
        return undefined;
      case 'char':
      case 'block':
      case 'fifo': {
        const kind = entry.type === 'char' ? 'c' : entry.type === 'block' ? 'b' : 'p';
        calls.mknodat(parent, name, kind, 0o600, entry.major, entry.minor);
        this.finishNode(entry, parent, name);
      }
    }
    return undefined;
  }

  /** Of a file that the caller has written. Closes it. */
  complete(entry: TarEntry, fd: number, size?: number): void {
    if (size !== undefined) ftruncateSync(fd, size);
    this.finish(entry, fd);
  }

  /** After the last entry. */
  end(): void {
    for (const { path, mtime } of this.times.reverse()) {
      const slash = path.lastIndexOf('/');
      try {
        calls.setTimeAt(this.open(slash < 0 ? '' : path.slice(0, slash)), path.slice(slash + 1), mtime);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error; // Somebody removed the directory meanwhile.
      }
    }
    this.close();
  }

  close(): void {
    if (this.parent !== undefined) closeSync(this.parent.fd);
    this.parent = undefined;
  }

  /** A directory below the base; entries come in the order of a tree, so the last one is the next one nearly always. */
  private open(path: string): number {
    if (this.parent?.path === path) return this.parent.fd;
    this.close();
    const { root, base } = this.options;
    const refuse = (fd: number): void => refuseKernelFiles(calls, fd, toText(path));
    const full = `${base}/${path}`;
    const found = createInRoot(calls, root, full, 'dir', refuse);
    closeSync(found.fd);
    const fd = openInRoot(calls, root, full, O_RDONLY | O_DIRECTORY);
    this.parent = { path, fd };
    refuse(fd);
    return fd;
  }

  /** Whether there is a directory already, which the entry is to be merged with. */
  private makeRoom(parent: number, name: string, { type, path }: TarEntry): boolean {
    let fd: number;
    try {
      fd = calls.openat2(parent, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
    const isDirectory = fstatSync(fd).isDirectory();
    closeSync(fd);
    if (isDirectory && type === 'dir') return true;
    const there = toText(`${this.options.base.replace(/\/$/, '')}/${path}`);
    if (isDirectory)
      throw refused(`cannot overwrite directory "${there}" with non-directory "${toText(path)}"`);
    if (type === 'dir')
      throw refused(`cannot overwrite non-directory "${there}" with directory "${toText(path)}"`);
    calls.unlinkat(parent, name, false);
    return false;
  }

  private link({ linkpath }: TarEntry, parent: number, name: string): void {
    const slash = linkpath.lastIndexOf('/');
    const { root, base } = this.options;
    const from = openInRoot(
      calls,
      root,
      `${base}/${linkpath.slice(0, Math.max(slash, 0))}`,
      O_PATH | O_DIRECTORY,
    );
    try {
      calls.linkat(from, linkpath.slice(slash + 1), parent, name);
    } finally {
      closeSync(from);
    }
  }

  /** Owner before attributes and mode, of which chown(2) takes some away. Closes the descriptor. */
  private finish(entry: TarEntry, fd: number): void {
    try {
      this.own(fd, entry);
      for (const [name, value] of entry.xattrs)
        if (this.options.keepOwners || name !== CAPABILITY) setXattr(fd, name, value);
      fchmodSync(fd, this.modeOf(entry));
      if (entry.type === 'file') calls.setTime(fd, entry.mtime);
    } finally {
      closeSync(fd);
    }
  }

  private own(fd: number, { uid, gid }: TarEntry): void {
    const { keepOwners, firstId = 0 } = this.options;
    if (keepOwners) calls.chown(fd, uid + firstId, gid + firstId);
  }

  /**
   * A file that changes its owner lends no powers, as with cp(1): a program that was another user's would be a setuid
   * program of root's, and everybody on the host could open the disk by a node that only the container's rules closed.
   */
  private modeOf({ type, mode }: TarEntry): number {
    if (this.options.keepOwners || type === 'dir') return mode;
    return type === 'char' || type === 'block' ? mode & 0o600 : mode & 0o1777;
  }

  private finishNode(entry: TarEntry, parent: number, name: string): void {
    const fd = calls.openat2(parent, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
    try {
      this.own(fd, entry);
      // No system call before fchmodat2(2) of Linux 6.6 takes such a descriptor; the kernel's link to it does.
      if (entry.type !== 'symlink') chmodSync(`/proc/self/fd/${String(fd)}`, this.modeOf(entry));
    } finally {
      closeSync(fd);
    }
    calls.setTimeAt(parent, name, entry.mtime);
  }
}

/** Holes stay holes. A file that shrinks meanwhile ends in one, and what is added to it meanwhile is left out. */
function copyData(from: number, to: number, size: number): void {
  ftruncateSync(to, size);
  for (let at = 0; at < size;) {
    const part = nextData(from, at);
    if (part === undefined || part.start >= size) return;
    const end = Math.min(part.end, size);
    calls.seek(from, part.start);
    calls.seek(to, part.start);
    if (calls.copyData(from, to, end - part.start) < end - part.start) return;
    at = end;
  }
}

export function writeAll(fd: number, chunk: Uint8Array): void {
  for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done, chunk.length - done);
}

function setXattr(fd: number, name: string, value: Uint8Array): void {
  if (name !== CAPABILITY && !/^user\.(?!overlay\.)/.test(name)) return;
  try {
    calls.setXattrOf(fd, name, value);
  } catch (error) {
    // The receiving file system does not have attributes: the file is worth more than they are.
    if (!['ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error))) throw error;
  }
}

const refused = (message: string): MinidockError => new MinidockError({ code: 'IN_THE_WAY', message });

/** Opened for a directory of the host. */
export const openDirectory = (path: string): number => openSync(path, O_PATH | O_DIRECTORY);
