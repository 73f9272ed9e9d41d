/** Prepares the standard streams of a program that is about to begin. */
import { closeSync, fchownSync, fstatSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { errnoOf } from '../syscall/error.ts';
import type { Kernel } from '../syscall/kernel.ts';

/** So that the user may reopen /dev/stdout, which is a pipe of root's. Not /dev/null: that belongs to everyone. `firstId`: who root of the container is. */
export function ownStdio(uid: number, firstId = 0): void {
  for (const fd of [0, 1, 2]) {
    try {
      const stat = fstatSync(fd);
      const owner = firstId + uid;
      if (stat.uid === owner || isNull(stat)) continue;
      fchownSync(fd, owner, stat.gid === 0 ? firstId : stat.gid);
    } catch (error) {
      // EBADF: not open at all. The rest: a socket, or a file system that has no owners or is read-only.
      if (!['EBADF', 'EINVAL', 'EPERM', 'EROFS'].includes(errnoOf(error))) throw error;
    }
  }
}

export const isNull = (stat: { readonly rdev: number; isCharacterDevice(): boolean }): boolean =>
  stat.isCharacterDevice() && stat.rdev === 0x103;

/**
 * In place of the host's /dev/null, of which root of the container could change mode and owner for the whole machine,
 * the container's own. `open` gives a descriptor of it, or undefined if something else lies there.
 */
export function leaveHostNull(kernel: Kernel, open: () => number | undefined): void {
  const fds = [0, 1, 2].filter(isOpenNull);
  if (fds.length === 0) return;
  const own = open();
  if (own === undefined) {
    throw new MinidockError({
      code: 'NO_NULL',
      message: '/dev/null in the container is not the null device, which its standard input is to be',
    });
  }
  for (const fd of fds) kernel.dup2(own, fd);
  closeSync(own);
}

function isOpenNull(fd: number): boolean {
  try {
    return isNull(fstatSync(fd));
  } catch (error) {
    if (errnoOf(error) !== 'EBADF') throw error;
    return false;
  }
}
