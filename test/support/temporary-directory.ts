/** A directory that is gone after the test. */
import { afterEach } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

export const temporaryDirectory = (): string => newDirectory(tmpdir());

/** In memory where there is such a place, for tests of a thousand stores: each waits for its disk otherwise. */
export const memoryDirectory = (): string => newDirectory(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

function newDirectory(parent: string): string {
  const path = mkdtempSync(join(parent, 'minidock-test-'));
  made.push(path);
  return path;
}

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});
