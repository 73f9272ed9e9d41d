import { expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock, withLock } from '../../../../images/store/lock.ts';
import { isOwnerAlive, ownerTag } from '../../../../images/store/owner.ts';
import { deadOwner } from '../../../support/dead-owner.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test('one at a time, in the order they came', async () => {
  const dir = join(temporaryDirectory(), 'lock');
  const log: string[] = [];
  let inside = 0;
  const work = Array.from({ length: 8 }, (_, i) =>
    withLock(dir, async () => {
      inside += 1;
      expect(inside).toBe(1);
      log.push(String(i));
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    }),
  );
  await Promise.all(work);
  expect(log).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  expect(existsSync(dir)).toBe(false);
});

test('a dead holder, and one who died choosing, hold nobody up', async () => {
  const dir = join(temporaryDirectory(), 'lock');
  mkdirSync(dir);
  writeFileSync(join(dir, `ticket-1-${deadOwner()}`), '');
  writeFileSync(join(dir, `choosing-${deadOwner()}`), '');
  const release = await acquireLock(dir);
  expect(readdirSync(dir)).toHaveLength(1);
  release();
});

test('a living holder does, until the waiter gives up', async () => {
  const dir = join(temporaryDirectory(), 'lock');
  const release = await acquireLock(dir);
  const waiting = new AbortController();
  const second = acquireLock(dir, waiting.signal);
  waiting.abort();
  await expect(second).rejects.toThrow(/aborted/i);
  expect(readdirSync(dir)).toHaveLength(1);
  release();
});

test('a pid that is in use again is another owner', () => {
  const [pid = '', start = ''] = ownerTag().split('.');
  expect(isOwnerAlive(`${pid}.${start}.1`)).toBe(true);
  expect(isOwnerAlive(`${pid}.${String(Number(start) - 1)}.1`)).toBe(false);
  expect(isOwnerAlive(deadOwner())).toBe(false);
});
