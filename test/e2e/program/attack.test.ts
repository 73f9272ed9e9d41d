/** The short form of the attack suite (test/attack): one attack of each kind, as `npm run test:attack` has all. */
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { pinnedBun } from '../../support/bun.ts';
import { runProgram } from '../../support/host/processes.ts';

const top = resolve(import.meta.dirname, '../../..');

test('nobody gets out', async () => {
  const argv = [
    pinnedBun,
    join(top, 'test/attack/main.ts'),
    '--binary',
    join(top, 'dist/minidock'),
    '--short',
  ];
  const { stdout, stderr } = await runProgram(argv, { timeout: 110_000 });
  const [sum = '', ...lines] = stdout.trim().split('\n').reverse();
  expect(stderr).toBe('');
  expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
  expect(sum).toMatch(/^[1-9]\d* passed, 0 failed, 0 skipped$/);
}, 120_000);
