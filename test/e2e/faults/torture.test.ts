/** The short form of the torture suite (test/torture): a little of each round, as `npm run test:torture` has all. */
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { pinnedBun } from '../../support/bun.ts';
import { runProgram } from '../../support/host/processes.ts';

test('nothing leaks and nothing lies', async () => {
  const main = join(resolve(import.meta.dirname, '../../..'), 'test/torture/main.ts');
  const { stdout, stderr } = await runProgram([pinnedBun, main, '--short', '--seed', '7'], {
    timeout: 170_000,
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n').filter((line) => /^(leak|lie):/.test(line))).toEqual([]);
  expect(stdout.trim().split('\n').at(-1)).toBe('0 leaks, 0 lies');
}, 180_000);
