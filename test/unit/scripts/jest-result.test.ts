/** How scripts/test counts what Jest reports: nothing that did not run may pass for a test that did. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const top = join(import.meta.dirname, '../../..');

function read(report: unknown): { status: number | null; lines: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  try {
    const file = join(directory, 'jest.json');
    writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report));
    const { status, stdout } = spawnSync(process.execPath, ['scripts/jest-result.js', file], {
      cwd: top,
      encoding: 'utf8',
    });
    return { status, lines: stdout.trim().split('\n') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const file = (
  name: string,
  status: string,
  tests: readonly (readonly [string, string, string?])[],
): unknown => ({
  name: join(top, 'test', name),
  status,
  assertionResults: tests.map(([fullName, status, ...failureMessages]) => ({
    fullName,
    status,
    failureMessages,
  })),
});

test('passed, failed and skipped tests, and a file that could not be loaded', () => {
  const report = {
    numPassedTests: 3,
    testResults: [
      file('a.test.ts', 'failed', [
        ['works', 'passed'],
        ['breaks\n badly', 'failed', 'Error: \u001b[2mtoo\u001b[22m late\n    at x (y.ts:1:1)\n'],
      ]),
      file('b.test.ts', 'failed', []),
      file('c.test.ts', 'passed', [
        ['a limit # skip: no cgroup controller memory', 'pending'],
        ['later', 'todo'],
      ]),
    ],
  };
  expect(read(report)).toEqual({
    status: 0,
    lines: [
      'passed 3',
      'failed test/a.test.ts: breaks badly :: Error: too late',
      'failed test/b.test.ts (could not run)',
      'skipped test/c.test.ts: a limit :: no cgroup controller memory',
      'skipped test/c.test.ts: later :: skipped by the test itself',
    ],
  });
});

test('half a report is an error, not zero tests', () => {
  expect(read('{"numPassed').status).toBe(1);
});
