/** Locks for stores in unit tests, where there is no flock(2): a file that is there while one is held. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AcquireLock } from '../../../images/store/lock.ts';

export const fileLock: AcquireLock = async (path, signal) => {
  mkdirSync(dirname(path), { recursive: true });
  while (!create(path)) await delay(1, undefined, signal === undefined ? {} : { signal });
  return () => rmSync(path);
};

function create(path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
