/** The lock of the image store: one holder at a time, in any number of processes, and none that outlives its process. */
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { driver } from '../support/bun.ts';
import { runProgram } from '../support/host/processes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const lockDriver = (...args: string[]): string[] => driver('image-lock-driver.ts', ...args);

test('eight each in three processes: one at a time, and nothing stays', async () => {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, 'counter'), '0');
  const runs = [1, 2, 3].map(() => runProgram(lockDriver('count', dir)));
  for (const run of await Promise.all(runs)) expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(readFileSync(join(dir, 'counter'), 'utf8')).toBe('24');
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('a killed holder holds nobody up', async () => {
  const dir = temporaryDirectory();
  const [program = '', ...args] = lockDriver('hold', dir);
  const holder = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(await runProgram(lockDriver('give-up', dir))).toMatchObject({ stdout: 'AbortError\n', stderr: '' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(readdirSync(join(dir, 'locks'))).toHaveLength(1);
  expect(await runProgram(lockDriver('hold-briefly', dir))).toMatchObject({ stdout: 'held\n', stderr: '' });
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});
