import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { readCommandLine } from '../../../../runtime/io/read-process.ts';

test('of a command line that is longer than anyone reads, the beginning', async () => {
  const numbers = Array.from({ length: 1000 }, () => '0'.repeat(1000));
  const child = spawn('sleep', ['1000', ...numbers], { stdio: 'ignore' });
  try {
    await new Promise((resolve) => child.once('spawn', resolve));
    const text = readCommandLine(child.pid ?? 0);
    expect(text.length).toBe(65_536);
    expect(text.slice(0, 13)).toBe('sleep\u00001000\u000000');
  } finally {
    child.kill();
  }
});

test('of a short one, all', () => {
  expect(readCommandLine('self').length).toBeGreaterThan(0);
  expect(readCommandLine('self').endsWith('\0')).toBe(true);
});
