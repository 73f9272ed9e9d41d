/**
 * Locks that die with their holder: flock(2) on a file, so a SIGKILL releases what it held. The file itself stays;
 * removing a lock file that someone may be opening is a race that this avoids.
 */
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { delay } from '../../../runtime/io/delay.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';

/** Milliseconds. */
const PATIENCE = 250;
const RETRY = 5;

export interface Lock {
  /** Held as long as any process has it open. */
  readonly fd: number;
  release(): void;
}

/** One that this process was given, as a descriptor, by the process it was before execve(2). */
export const heldLock = (fd: number): Lock => ({ fd, release: () => closeSync(fd) });

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
  ensurePrivateDir(dirname(path));
  for (;;) {
    const lock = acquire(path, true);
    if (lock !== undefined) return lock;
  }
}

function acquire(path: string, wait: boolean): Lock | undefined {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  // A lock on a file that was moved away or removed meanwhile guards nothing: someone else may hold the one in its place.
  if (kernel.flock(fd, wait) && fstatSync(fd).ino === lstatSync(path, { throwIfNoEntry: false })?.ino) {
    return heldLock(fd);
  }
  closeSync(fd);
  return undefined;
}

/** As tryLock, but retries against a sweep, which holds each lock for a moment. */
export async function tryLockPatiently(path: string): Promise<Lock | undefined> {
  for (const end = Date.now() + PATIENCE; ; await delay(RETRY)) {
    const lock = tryLock(path);
    if (lock !== undefined || Date.now() > end || !existsSync(path)) return lock;
  }
}
