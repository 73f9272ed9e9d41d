/**
 * The image store's locks: flock(2), polled, since a pull has other work while it waits. The release removes the
 * file; a process that had opened it notices (state/lock.ts) and starts again.
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Release } from '../../../images/store/lock.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { tryLock } from '../state/lock.ts';

/** Milliseconds. */
const RETRY = 20;

/** @throws AbortError when `signal` gives up. */
export async function acquireLock(path: string, signal?: AbortSignal): Promise<Release> {
  for (;;) {
    ensurePrivateDir(dirname(path));
    const lock = tryLock(path);
    if (lock !== undefined) {
      return () => {
        rmSync(path, { force: true });
        lock.release();
      };
    }
    await delay(RETRY, undefined, signal === undefined ? {} : { signal });
  }
}
