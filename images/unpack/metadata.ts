/**
 * Owner, mode, extended attributes and times, in the one order that works: writing and chown(2) both clear setuid
 * bits and security.capability, so these come after; times come last because everything before may change them.
 *
 * System calls that src hands in take text, so an entry whose name is not UTF-8 is given a plain name for the moment.
 */
import {
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  chmodSync,
  linkSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { ImageError } from '../errors.ts';
import type { FileSystemCalls } from '../file-system-calls.ts';
import type { FsPath } from './paths.ts';

export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds. */
  readonly mtime: bigint;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/** Where overlayfs keeps its notes: `userxattr` in a user namespace, since `trusted.*` is refused there. */
export const overlayPrefix = ({ inUserNamespace }: Pick<FileSystemCalls, 'inUserNamespace'>): string =>
  inUserNamespace ? 'user.overlay.' : 'trusted.overlay.';

const nanoseconds = 1_000_000_000n;
const ownUid = process.geteuid?.() ?? 0;
const ownGid = process.getegid?.() ?? 0;

/** chown(2): the kernel gives a file to nobody whom the user namespace does not count (EINVAL). */
function own(path: FsPath, { uid, gid }: Metadata, chown: () => void): void {
  try {
    chown();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    throw new ImageError({
      code: 'ID_UNMAPPED',
      message: `unpacking a layer: ${JSON.stringify(String(path))} belongs to ${String(uid)}:${String(gid)}, and this user namespace has no such user or group`,
      hint: 'the ids that there are here stand in /proc/self/uid_map and gid_map; root of the machine has all of them',
      cause: error,
    });
  }
}

export class MetadataWriter {
  readonly #calls: FileSystemCalls;
  readonly #spare: string;

  /** `spare` is a path on the same file system that nothing else uses. */
  constructor(calls: FileSystemCalls, spare: string) {
    this.#calls = calls;
    this.#spare = spare;
  }

  /** For a regular file that was made by this process and is still open. */
  onFile(fd: number, path: FsPath, metadata: Metadata): void {
    const { mode, uid, gid, mtime, xattrs } = metadata;
    if (uid !== ownUid || gid !== ownGid) own(path, metadata, () => fchownSync(fd, uid, gid));
    fchmodSync(fd, mode);
    this.#setXattrs(path, xattrs);
    const seconds = Number(mtime / nanoseconds);
    // futimes takes seconds as a double, which holds whole ones exactly and nanoseconds not at all.
    if (mtime % nanoseconds === 0n) futimesSync(fd, seconds, seconds);
    else
      this.withName(path, (name) => {
        this.#calls.setTimes(name, mtime, mtime);
      });
  }

  /** For everything else; `hasMode` is false for symbolic links. */
  onPath(path: FsPath, metadata: Metadata, hasMode: boolean): void {
    const { mode, uid, gid, mtime, xattrs } = metadata;
    if (uid !== ownUid || gid !== ownGid) own(path, metadata, () => lchownSync(path, uid, gid));
    if (hasMode) chmodSync(path, mode);
    this.#setXattrs(path, xattrs);
    this.withName(path, (name) => {
      this.#calls.setTimes(name, mtime, mtime);
    });
  }

  /** A directory with which nothing of the layers below is merged. */
  markOpaque(path: FsPath): void {
    this.setXattr(path, `${overlayPrefix(this.#calls)}opaque`, Buffer.from('y'));
  }

  setXattr(path: FsPath, name: string, value: Uint8Array): void {
    this.withName(path, (text) => {
      this.#calls.setXattr(text, name, value);
    });
  }

  /** Makes something that only a call taking text can make; EEXIST if the path is taken, as mknod(2) itself has it. */
  create(path: FsPath, make: (name: string) => void): void {
    if (typeof path === 'string') {
      make(path);
      return;
    }
    make(this.#spare);
    try {
      linkSync(this.#spare, path);
    } finally {
      unlinkSync(this.#spare);
    }
  }

  withName(path: FsPath, work: (name: string) => void): void {
    if (typeof path === 'string') {
      work(path);
      return;
    }
    renameSync(path, this.#spare);
    try {
      work(this.#spare);
    } finally {
      renameSync(this.#spare, path);
    }
  }

  #setXattrs(path: FsPath, xattrs: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, value] of xattrs) {
      // overlayfs's own words are for the store to speak: from a layer they could redirect a directory elsewhere.
      if (/^(trusted|user)\.overlay\./.test(name)) continue;
      try {
        this.setXattr(path, name, value);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The file system or the kernel does not know this kind (NFS, no SELinux): left out, as Docker does.
        if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EPERM') throw error;
      }
    }
  }
}
