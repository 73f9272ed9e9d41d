/**
 * Opening a path as it will mean inside the container, before the container's root is the root. The image, or
 * another container that shares a volume, may hold a symbolic link at any place of it (CVE-2021-30465 swapped one
 * in between check and use). So each component is opened on its own, relative to a descriptor of its parent and
 * never through a link; a link's text is read and walked likewise, with the root as its `/`; `..` goes back to a
 * descriptor that is still held. What comes back is a descriptor, which no later rename can move.
 *
 * Needs a procfs at /proc: /proc/self/fd/N/name is how openat(2) is spelt with node:fs.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../syscall/error.ts';
import { O_PATH } from '../syscall/constants.ts';
import { MinidockError } from '../errors.ts';

/** What to make of a missing last component; missing directories above it are made too. */
export type Missing = 'dir' | 'file' | 'fail';

/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

export const fdPath = (fd: number): string => `/proc/self/fd/${fd}`;

/** An O_PATH descriptor of `path` below `root`; the caller closes it. Throws as node:fs does. */
export function openInRoot(root: string, path: string, missing: Missing): number {
  const parents: number[] = [openSync(root, O_PATH | constants.O_DIRECTORY)];
  try {
    return walk(parents, path, missing);
  } finally {
    for (const fd of parents) closeSync(fd);
  }
}

/** Runs `use` with a path, valid for that long, that names exactly what was found. */
export function withPathInRoot<T>(root: string, path: string, missing: Missing, use: (path: string) => T): T {
  const fd = openInRoot(root, path, missing);
  try {
    return use(fdPath(fd));
  } finally {
    closeSync(fd);
  }
}

function walk(parents: number[], path: string, missing: Missing): number {
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
    const child = `${fdPath(here)}/${name}`;
    const fd = openOrCreate(child, todo.length === 0 ? missing : missing === 'fail' ? 'fail' : 'dir');
    if (!fstatSync(fd).isSymbolicLink()) {
      parents.push(fd);
      continue;
    }
    closeSync(fd);
    if (++links > MAX_LINKS) {
      throw new MinidockError({ code: 'ELOOP', message: `${path}: too many levels of symbolic links` });
    }
    const target = readlinkSync(child);
    if (target.startsWith('/')) for (const parent of parents.splice(1)) closeSync(parent);
    todo.push(...components(target).reverse());
  }
}

function openOrCreate(child: string, missing: Missing): number {
  const handle = O_PATH | constants.O_NOFOLLOW;
  try {
    return openSync(child, handle);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || missing === 'fail') throw error;
  }
  try {
    if (missing === 'dir') mkdirSync(child, { mode: 0o755 });
    else closeSync(openSync(child, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // Someone was faster: what they made is opened just the same.
  }
  return openSync(child, handle);
}

const components = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');
