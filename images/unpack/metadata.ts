/**
 * Owner, extended attributes, mode and times, in the one order that works: writing and chown(2) both clear setuid
 * bits and security.capability, so these come after; an access list among the attributes has bits of the mode, which
 * the header's own then set; times come last because everything before may change them.
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
import { corruptLayer } from './corrupt.ts';
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

const NANOSECONDS = 1_000_000_000n;
const ownUid = process.geteuid?.() ?? 0;
const ownGid = process.getegid?.() ?? 0;

/** The last nanosecond that fits 64 bits, in 2262; also before 1970, of a symbolic link. */
const LAST_TIME = (1n << 63n) - 1n;

/**
 * Times that Docker gives up on count as 1970, as they do there: those before 1970 and those after 2262. Of symbolic
 * links Docker keeps the first kind, and lets the other overflow into some time between, which nobody can want.
 */
function timeOf(mtime: bigint, isSymlink: boolean): bigint {
  const first = isSymlink ? -LAST_TIME : 0n;
  return mtime < first || mtime > LAST_TIME ? 0n : mtime;
}

/** The kernel's own limit. Docker goes round it: of 2^32, which stands for a user without a number, it makes root. */
function checkOwner({ uid, gid }: Metadata): void {
  if (isId(uid) && isId(gid)) return;
  throw corruptLayer(`an entry belongs to ${String(uid)}:${String(gid)}, which no user and group can be`);
}

const isId = (id: number): boolean => Number.isInteger(id) && id >= -1 && id < 2 ** 32;

/** Without the directory that the unpacking process has the layer in. */
const inLayer = (path: FsPath): string => String(path).replace(/^\/fs(?=\/)/, '');

/** chown(2): the kernel gives a file to nobody whom the user namespace does not count (EINVAL). */
function own(path: FsPath, { uid, gid }: Metadata, chown: () => void): void {
  try {
    chown();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    throw new ImageError({
      code: 'ID_UNMAPPED',
      message: `unpacking a layer: ${JSON.stringify(inLayer(path))} belongs to ${String(uid)}:${String(gid)}, and this user namespace has no such user or group`,
      hint: 'the ids that there are here stand in /proc/self/uid_map and gid_map; root of the machine has all of them',
      cause: error,
    });
  }
}

export class MetadataWriter {
  private readonly calls: FileSystemCalls;
  private readonly spare: string;

  /** `spare` is a path on the same file system that nothing else uses. */
  constructor(calls: FileSystemCalls, spare: string) {
    this.calls = calls;
    this.spare = spare;
  }

  /** For a regular file that was made by this process and is still open. */
  onFile(fd: number, path: FsPath, metadata: Metadata): void {
    const { mode, uid, gid, xattrs } = metadata;
    checkOwner(metadata);
    if (uid !== ownUid || gid !== ownGid) own(path, metadata, () => fchownSync(fd, uid, gid));
    this.setXattrs(path, xattrs);
    fchmodSync(fd, mode);
    const mtime = timeOf(metadata.mtime, false);
    const seconds = Number(mtime / NANOSECONDS);
    // futimes takes seconds as a double, which holds whole ones exactly and NANOSECONDS not at all.
    if (mtime % NANOSECONDS === 0n) futimesSync(fd, seconds, seconds);
    else
      this.withName(path, (name) => {
        this.calls.setTimes(name, mtime, mtime);
      });
  }

  /** For everything else; `hasMode` is false for symbolic links. */
  onPath(path: FsPath, metadata: Metadata, hasMode: boolean): void {
    const { mode, uid, gid, mtime, xattrs } = metadata;
    checkOwner(metadata);
    if (uid !== ownUid || gid !== ownGid) own(path, metadata, () => lchownSync(path, uid, gid));
    this.setXattrs(path, xattrs);
    if (hasMode) chmodSync(path, mode);
    const time = timeOf(mtime, !hasMode);
    this.withName(path, (name) => {
      this.calls.setTimes(name, time, time);
    });
  }

  /**
   * For another name of a file that is there. Its header counts like any other, so the last one of a file decides, as
   * in Docker: owner (which takes away security.capability, also when it is the same), attributes, mode and time; of a
   * symbolic link only the first two.
   */
  onLink(path: FsPath, metadata: Metadata, isSymlink: boolean): void {
    checkOwner(metadata);
    own(path, metadata, () => lchownSync(path, metadata.uid, metadata.gid));
    if (isSymlink) this.setXattrs(path, metadata.xattrs);
    else this.onPath(path, metadata, true);
  }

  /** A directory with which nothing of the layers below is merged. */
  markOpaque(path: FsPath): void {
    this.setXattr(path, `${overlayPrefix(this.calls)}opaque`, Buffer.from('y'));
  }

  setXattr(path: FsPath, name: string, value: Uint8Array): void {
    this.withName(path, (text) => {
      this.calls.setXattr(text, name, value);
    });
  }

  /** Makes something that only a call taking text can make; EEXIST if the path is taken, as mknod(2) itself has it. */
  create(path: FsPath, make: (name: string) => void): void {
    if (typeof path === 'string') {
      make(path);
      return;
    }
    make(this.spare);
    try {
      linkSync(this.spare, path);
    } finally {
      unlinkSync(this.spare);
    }
  }

  withName(path: FsPath, work: (name: string) => void): void {
    if (typeof path === 'string') {
      work(path);
      return;
    }
    renameSync(path, this.spare);
    try {
      work(this.spare);
    } finally {
      renameSync(this.spare, path);
    }
  }

  private setXattrs(path: FsPath, xattrs: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, value] of xattrs) {
      // overlayfs's own words are for the store to speak: from a layer they could redirect a directory elsewhere.
      if (/^(trusted|user)\.overlay\./.test(name)) continue;
      try {
        this.setXattr(path, name, value);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The file system or the kernel does not know this kind (NFS, no SELinux). Docker leaves those out that it may
        // not set, and from 25 on refuses the others; the files are worth more than a label that nothing here reads.
        if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EPERM') throw error;
      }
    }
  }
}
