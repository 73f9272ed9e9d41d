/**
 * In the executable, Bun's own fetch stands where node-fetch is imported. So the unit tests of what uses it, which
 * run on Node like all of them, run once more on Bun here.
 */
import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { runProgram } from '../../support/host/processes.ts';

const root = join(import.meta.dirname, '../../..');
const bun = join(
  root,
  'node_modules/@oven',
  process.arch === 'arm64' ? 'bun-linux-aarch64' : 'bun-linux-x64-baseline',
  'bin/bun',
);

test('the registry client and pull do the same on Bun', async () => {
  const files = ['test/unit/images/registry', 'test/unit/images/pull.test.ts'];
  const { stderr, exitCode } = await runProgram([bun, 'test', ...files], { cwd: root, timeout: 60_000 });
  expect(stderr).toMatch(/^ *\d{2,} pass$/m);
  expect(stderr).toMatch(/^ 0 fail$/m);
  expect(exitCode).toBe(0);
}, 70_000);
