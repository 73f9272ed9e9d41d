/** What was reached for good: a line for each step of each lesson, of which the last may be cut short. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readProgress, readState, writeState } from '../../../../../src/teach/lab/progress.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-test-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('a lesson has its own steps, also where another has one of that name', () => {
  const file = join(dir, 'progress');
  writeFileSync(file, 'cable up\nbridge up\ncable ping\ncable up\nbridge \nroute');
  const steps = (lesson: string): readonly string[] => [...readProgress(file)(lesson)];
  expect(steps('cable')).toEqual(['up', 'ping']);
  expect(steps('bridge')).toEqual(['up']);
  expect(steps('route')).toEqual([]);
  expect(steps('publish')).toEqual([]);
});

test('before the first step there is no file', () => {
  expect(readProgress(join(dir, 'none'))('cable').size).toBe(0);
});

test('the state of a lab is what was written; without a file, or half of one, it begins', () => {
  const file = join(dir, 'state');
  expect(readState(file)).toEqual({ step: 0, hints: 0 });
  writeState(file, { step: 2, hints: 1 });
  expect(readState(file)).toEqual({ step: 2, hints: 1 });
  writeFileSync(file, '{"step":');
  expect(readState(file)).toEqual({ step: 0, hints: 0 });
});
