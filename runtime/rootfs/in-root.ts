/**
 * The one place that opens paths in a container's root. The image, or another container that shares a volume, may
 * put a symbolic link at any place of a path and swap it at any time (CVE-2021-30465). So the kernel walks a path
 * only under openat2(2)'s rules, and what comes back is a descriptor, which no later rename can move:
 *
 *     openInRoot     links are followed as the container will see them: its root is the `/` they start from
 *     openBeneath    no links, no other mount: for the kernel's own files, below a mount that we made ourselves
 *     createInRoot   openInRoot, and what is missing is made, one component at a time
 *
 * None follows a magic link (proc(5), /proc/PID/fd/N): those lead where the text does not say. Nothing here needs a
 * procfs. Whether a place is fit to be mounted on is for safe-target.ts to say.
 */
import { closeSync, constants, fstatSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import {
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import type { FileCalls } from '../syscall/kernel.ts';

/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;
/** openat2(2) gives up when somebody renames a directory while `..` is walked; trying again is the caller's part. */
const MAX_TRIES = 64;

/** An O_PATH descriptor, unless `flags` say otherwise, of `path` below `root`; the caller closes it. @throws SyscallError. */
export function openInRoot(kernel: FileCalls, root: number, path: string, flags = O_PATH): number {
  return openat2(kernel, root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/** As openInRoot for a path below a mount of our own, which has no links and no other mounts on its way. */
export function openBeneath(kernel: FileCalls, mount: number, path: string, flags = O_PATH): number {
  return openat2(kernel, mount, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/** As openInRoot where no component may be a link: ELOOP if one is. */
export function openWithoutLinks(kernel: FileCalls, root: number, path: string, flags = O_PATH): number {
  return openat2(kernel, root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

function openat2(kernel: FileCalls, root: number, path: string, flags: number, resolve: number): number {
  const relative = path.replace(/^\/+/, '');
  for (let tries = 1; ; tries++) {
    try {
      return kernel.openat2(root, relative === '' ? '.' : relative, flags, resolve);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN' || tries === MAX_TRIES) throw error;
    }
  }
}

export interface Opened {
  readonly fd: number;
  /** It was missing and has been made: a directory of mode 0755 or an empty file of mode 0644. */
  readonly isNew: boolean;
}

/**
 * `refuse` is asked about each directory before anything is made in it, and throws where nothing may be made.
 * The caller closes what comes back. @throws SyscallError, or MinidockError ELOOP.
 */
export function createInRoot(
  kernel: FileCalls,
  root: number,
  path: string,
  kind: 'dir' | 'file',
  refuse: (directory: number) => void,
): Opened {
  try {
    return { fd: openInRoot(kernel, root, path), isNew: false };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const parents: number[] = [openInRoot(kernel, root, '/')];
  try {
    return { fd: walk(kernel, parents, path, kind, refuse), isNew: true };
  } finally {
    for (const fd of parents) closeSync(fd);
  }
}

/** `parents` holds the directories from the root to where the walk is, so that `..` needs no name. */
function walk(
  kernel: FileCalls,
  parents: number[],
  path: string,
  kind: 'dir' | 'file',
  refuse: (directory: number) => void,
): number {
  const todo = components(path).reverse();
  let links = 0;
  for (;;) {
    const here = parents.at(-1) ?? -1;
    const name = todo.pop();
    if (name === undefined) return parents.pop() ?? -1;
    if (name === '..') {
      if (parents.length > 1) closeSync(parents.pop() ?? -1);
      continue;
    }
    const fd = openOrCreate(kernel, here, name, todo.length === 0 ? kind : 'dir', refuse);
    if (!fstatSync(fd).isSymbolicLink()) {
      parents.push(fd);
      continue;
    }
    const target = kernel.readlink(fd);
    closeSync(fd);
    if (++links > MAX_LINKS) {
      throw new MinidockError({ code: 'ELOOP', message: `${path}: too many levels of symbolic links` });
    }
    if (target.startsWith('/')) for (const parent of parents.splice(1)) closeSync(parent);
    todo.push(...components(target).reverse());
  }
}

function openOrCreate(
  kernel: FileCalls,
  directory: number,
  name: string,
  kind: 'dir' | 'file',
  refuse: (directory: number) => void,
): number {
  const open = (): number =>
    kernel.openat2(directory, name, O_PATH | constants.O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  try {
    return open();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  refuse(directory);
  try {
    if (kind === 'dir') kernel.mkdirat(directory, name, 0o755);
    else closeSync(kernel.openat2(directory, name, CREATE, RESOLVE_BENEATH, 0o644));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // Another process was faster: open its file.
  }
  return open();
}

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;

const components = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');
