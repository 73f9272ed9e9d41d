/**
 * A file at a place that the user names, to be added to by root: /tmp/trace.json, say, where anyone may have put
 * something else before. A new file is made with O_EXCL, which follows no link at its name. One that is there is opened
 * with O_NOFOLLOW and must be what minidock itself would have made: a regular file of this user's that nobody else may
 * read or write, and that has no second name (a hard link to /etc/shadow is a file of root's as well).
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { MinidockError } from '../../runtime/errors.ts';
import { nameOf } from './unsafe-place.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/** A descriptor that writes to the end of it. @throws MinidockError 'UNSAFE_FILE', and what open(2) says. */
export function openOwnFile(path: string): number {
  for (;;) {
    try {
      return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const fd = openExisting(path);
    if (fd !== undefined) return fd;
  }
}

/** undefined if it has gone meanwhile. */
function openExisting(path: string): number | undefined {
  let fd: number;
  try {
    // O_NONBLOCK: a FIFO without a reader would keep us here for ever.
    fd = openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unsafeFile(path, 'is a symbolic link', error);
    if (code === 'ENXIO') throw unsafeFile(path, 'is not a regular file', error);
    throw error;
  }
  const fault = faultOf(fstatSync(fd));
  if (fault === undefined) return fd;
  closeSync(fd);
  throw unsafeFile(path, fault);
}

function faultOf(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file';
  if (stats.uid !== process.geteuid?.()) return `belongs to ${nameOf(stats.uid)}`;
  if (stats.nlink !== 1) return 'has a second name (a hard link)';
  const mode = stats.mode & 0o7777;
  return (mode & 0o077) === 0 ? undefined : `is not for its owner alone (mode 0${mode.toString(8)})`;
}

const unsafeFile = (path: string, fault: string, cause?: unknown): MinidockError =>
  new MinidockError({
    code: 'UNSAFE_FILE',
    message: `${path} ${fault}: remove it, or name a file that is not there yet`,
    cause,
  });
