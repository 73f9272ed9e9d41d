/** A directory that someone who sweeps takes for a leftover at the very moment it is made is made again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { driver } from '../support/bun.ts';
import { runProgram } from '../support/host/processes.ts';

test('a directory is made although another process removes it all the time', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'private-dir-'));
  try {
    const result = await runProgram(driver('private-dir-driver.ts', join(parent, 'container')));
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}, 60_000);
