/**
 * Locks that die with their holder: flock(2) on a file, so a SIGKILL releases what it held. The file itself stays;
 * removing a lock file that someone may be opening is a race that this avoids.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { kernel } from '../../runtime/syscall/libc.ts';

export interface Lock {
  release(): void;
}

/** undefined if someone else holds it, or if the directory it is in, and so what it guards, is gone. */
export function tryLock(path: string): Lock | undefined {
  try {
    return acquire(path, false);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Waits for the holder. Blocks this thread: for short critical sections only. */
export function waitLock(path: string): Lock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return acquire(path, true) as Lock;
}

function acquire(path: string, wait: boolean): Lock | undefined {
  const fd = openSync(path, 'a', 0o600);
  if (!kernel.flock(fd, wait)) {
    closeSync(fd);
    return undefined;
  }
  return { release: () => closeSync(fd) };
}
