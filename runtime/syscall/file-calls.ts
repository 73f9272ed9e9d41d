/**
 * Files and mounts by descriptor: the system calls that take a directory's descriptor and one name, or a descriptor
 * alone. Nothing here lets the kernel walk a path from `/` on, so nobody who may rename things can lead it astray.
 *
 * Deliberately absent: deciding which path is safe. That is runtime/rootfs/in-root.ts and safe-target.ts.
 */
import { readSync } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  DEVICE_TYPES,
  MOUNT_ATTR_IDMAP,
  makedev,
  O_CLOEXEC,
} from './constants.ts';
import { SyscallError } from './error.ts';
import { bytesOf, call } from './ffi.ts';
import type { ContainerKernel, FileCalls, MountAttributes } from './kernel.ts';
import { kernel } from './libc.ts';

const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const STATX_MNT_ID = 0x1000;
const STATX_INO = 0x100;
const PATH_MAX = 4096;

export const fileCalls: FileCalls = {
  openat2(directory, path, flags, resolve, mode = 0) {
    // struct open_how: flags, mode, resolve, each of 64 bits.
    const how = BigUint64Array.of(BigInt(flags | O_CLOEXEC), BigInt(mode), BigInt(resolve));
    return call('openat2', directory, path, bytesOf(how), how.byteLength);
  },
  readlink(fd) {
    const text = new Uint8Array(PATH_MAX);
    return Buffer.from(text.buffer, 0, call('readlinkat', fd, '', text, text.byteLength)).toString();
  },
  mkdirat: (directory, name, mode) => void call('mkdirat', directory, name, mode),
  symlinkat: (target, directory, name) => void call('symlinkat', target, directory, name),
  mknodat: (directory, name, type, mode, major, minor) =>
    void call('mknodat', directory, name, DEVICE_TYPES[type] | mode, makedev(major, minor)),
  lchownat: (directory, name, uid, gid) =>
    void call('fchownat', directory, name, uid, gid, AT_SYMLINK_NOFOLLOW),
  place(fd) {
    const statx = Buffer.alloc(256);
    call('statx', fd, '', AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, statx);
    return { mount: Number(statx.readBigUInt64LE(144)), inode: statx.readBigUInt64LE(32) };
  },
  fileSystem(fd) {
    const statfs = Buffer.alloc(120);
    call('fstatfs', fd, statfs);
    return { type: statfs.readUInt32LE(0), flags: statfs.readUInt32LE(80) };
  },
  newMount(type, source, words, attributes) {
    const context = call('fsopen', type, FSOPEN_CLOEXEC);
    try {
      call('fsconfig', context, FSCONFIG_SET_STRING, 'source', source, 0);
      for (const word of words) configure(context, word);
      call('fsconfig', context, FSCONFIG_CMD_CREATE, 0, 0, 0);
      return call('fsmount', context, FSMOUNT_CLOEXEC, attributes);
    } catch (error) {
      throw withKernelWords(error, context, type);
    } finally {
      call('close', context);
    }
  },
  copyMount: (fd, recursive) =>
    call('open_tree', fd, '', OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | subtree(recursive)),
  setMountAttributes(fd, recursive, { set, clear, propagation, userNamespace }: MountAttributes) {
    const all = userNamespace === undefined ? set : set | MOUNT_ATTR_IDMAP;
    const attributes = BigUint64Array.of(...[all, clear, propagation, userNamespace ?? 0].map(BigInt));
    const flags = AT_EMPTY_PATH | subtree(recursive);
    call('mount_setattr', fd, '', flags, bytesOf(attributes), attributes.byteLength);
  },
  attachMount: (mount, target) =>
    void call('move_mount', mount, '', target, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
};

const subtree = (recursive: boolean): number => (recursive ? AT_RECURSIVE : 0);

/** `size=64m` or a bare word, one parameter of the file system. */
function configure(context: number, word: string): void {
  const equals = word.indexOf('=');
  if (equals < 0) call('fsconfig', context, FSCONFIG_SET_FLAG, word, 0, 0);
  else call('fsconfig', context, FSCONFIG_SET_STRING, word.slice(0, equals), word.slice(equals + 1), 0);
}

/** The kernel says in the file system context what it did not like; reading one message at a time (fsopen(2)). */
function withKernelWords(error: unknown, context: number, type: string): unknown {
  if (!(error instanceof SyscallError)) return error;
  const message = Buffer.alloc(512);
  let length = 0;
  try {
    length = readSync(context, message);
  } catch {
    return error; // ENODATA: it said nothing.
  }
  const words = message.toString('utf8', 0, length).replace(/^[ewi] /, '');
  return new SyscallError(
    `mount -t ${type}: ${error.call}`,
    error.errno,
    `${error.reason} (${words.trim()})`,
  );
}

/** All of them, for code that builds or enters a container. */
export const containerKernel: ContainerKernel = { ...kernel, ...fileCalls };
