/**
 * Calls for copying trees, by a directory's descriptor and one name. A name is a byte string here: one character per
 * byte (latin1), since the name of a Linux file is bytes and need not be UTF-8. in-root.ts takes `namedCalls` as it
 * takes any FileCalls.
 *
 * Deliberately absent: choosing what to copy, and where (src/engine/files).
 */
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, DEVICE_TYPES, makedev, O_CLOEXEC } from './constants.ts';
import { errnoOf } from './error.ts';
import { bytesOf, call } from './ffi.ts';
import { fileCalls } from './file-calls.ts';
import type { FileCalls } from './kernel.ts';

const AT_REMOVEDIR = 0x200;
const PATH_MAX = 4096;
const SECOND = 1_000_000_000n;
/** What the kernel copies in one call at most. */
const MAX_COPY = 0x7ffff000;

const cName = (name: string): Uint8Array => Buffer.from(`${name}\0`, 'latin1');

/** The files of a tree by descriptor and byte string. Each throws SyscallError. */
export interface NamedCalls extends FileCalls {
  unlinkat(directory: number, name: string, isDirectory: boolean): void;
  linkat(fromDirectory: number, from: string, directory: number, name: string): void;
  /** Of whatever the descriptor stands for, O_PATH included; a symbolic link itself. */
  chown(fd: number, uid: number, gid: number): void;
  /** The last modification, in nanoseconds; the time of access is left. Not of an O_PATH descriptor. */
  setTime(fd: number, mtime: bigint): void;
  setTimeAt(directory: number, name: string, mtime: bigint): void;
  /** Not of an O_PATH descriptor. */
  listXattrs(fd: number): readonly string[];
  getXattr(fd: number, name: string): Uint8Array;
  setXattrOf(fd: number, name: string, value: Uint8Array): void;
  /** Copies `length` bytes at the positions of both descriptors inside of the kernel; gives how many there were. */
  copyData(from: number, to: number, length: number): number;
  seek(fd: number, position: number): void;
}

export const namedCalls: NamedCalls = {
  ...fileCalls,
  openat2(directory, path, flags, resolve, mode = 0) {
    const how = BigUint64Array.of(BigInt(flags | O_CLOEXEC), BigInt(mode), BigInt(resolve));
    return call('openat2', directory, cName(path), bytesOf(how), how.byteLength);
  },
  readlink(fd) {
    const text = new Uint8Array(PATH_MAX);
    const length = call('readlinkat', fd, '', text, text.byteLength);
    return Buffer.from(text.buffer, 0, length).toString('latin1');
  },
  mkdirat: (directory, name, mode) => void call('mkdirat', directory, cName(name), mode),
  symlinkat: (target, directory, name) => void call('symlinkat', cName(target), directory, cName(name)),
  mknodat: (directory, name, type, mode, major, minor) =>
    void call('mknodat', directory, cName(name), DEVICE_TYPES[type] | mode, makedev(major, minor)),
  lchownat: (directory, name, uid, gid) =>
    void call('fchownat', directory, cName(name), uid, gid, AT_SYMLINK_NOFOLLOW),
  unlinkat: (directory, name, isDirectory) =>
    void call('unlinkat', directory, cName(name), isDirectory ? AT_REMOVEDIR : 0),
  linkat: (fromDirectory, from, directory, name) =>
    void call('linkat', fromDirectory, cName(from), directory, cName(name), 0),
  chown: (fd, uid, gid) => void call('fchownat', fd, '', uid, gid, AT_EMPTY_PATH),
  setTime: (fd, mtime) => void call('utimensat', fd, 0, times(mtime), 0),
  setTimeAt: (directory, name, mtime) =>
    void call('utimensat', directory, cName(name), times(mtime), AT_SYMLINK_NOFOLLOW),
  listXattrs(fd) {
    const size = optional(() => call('flistxattr', fd, 0, 0));
    if (size === 0) return [];
    const names = new Uint8Array(size + 1024);
    const length = call('flistxattr', fd, names, names.byteLength);
    return Buffer.from(names.buffer, 0, length).toString('latin1').split('\0').filter(Boolean);
  },
  getXattr(fd, name) {
    // The kernel's own limit of a value (xattr(7)).
    const value = new Uint8Array(1 << 16);
    return value.slice(0, call('fgetxattr', fd, cName(name), value, value.byteLength));
  },
  setXattrOf: (fd, name, value) => void call('fsetxattr', fd, cName(name), value, value.byteLength, 0),
  copyData(from, to, length) {
    let done = 0;
    while (done < length) {
      const count = call('sendfile', to, from, 0, Math.min(length - done, MAX_COPY));
      if (count === 0) break;
      done += count;
    }
    return done;
  },
  seek: (fd, position) => void call('lseek', fd, position, 0),
};

/** struct timespec twice: the access time is UTIME_OMIT. */
function times(mtime: bigint): Uint8Array {
  const nanoseconds = ((mtime % SECOND) + SECOND) % SECOND;
  return bytesOf(BigInt64Array.of(0n, UTIME_OMIT, (mtime - nanoseconds) / SECOND, nanoseconds));
}

const UTIME_OMIT = (1n << 30n) - 2n;

/** A file system without attributes has none. */
function optional(count: () => number): number {
  try {
    return count();
  } catch (error) {
    if (['ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error))) return 0;
    throw error;
  }
}
