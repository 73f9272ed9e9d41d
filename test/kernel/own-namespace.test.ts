/** A thread that starts while another one is in a mount namespace of its own does not keep it there. */
import { expect, test } from '@jest/globals';
import { driver } from '../support/bun.ts';
import { runProgram } from '../support/host/processes.ts';

test('the way back from a mount namespace is open although a thread has begun in it', async () => {
  const result = await runProgram(driver('own-namespace-driver.ts'));
  expect(result).toMatchObject({ exitCode: 0, stderr: '', stdout: 'true true\n' });
}, 60_000);
