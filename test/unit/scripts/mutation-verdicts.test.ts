/** Verdicts are put together from pieces: a figure that counts a mutant twice, or a stale one, would be believed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { summarize, verdictsIn, type Outcome } from '../../../scripts/mutation/verdicts.ts';
import type { Verdict } from '../../../scripts/mutation/judge.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  path = join(dir, 'verdicts');
});
afterEach(() => rmSync(dir, { recursive: true }));

const killed: Verdict = { kind: 'killed', by: 'a test', file: 'test/unit/one.test.ts' };
const outcome = (text: string, verdict: Verdict, survives?: string): Outcome => ({
  layer: 'logs',
  mutant: {
    file: 'one.ts',
    text,
    becomes: '',
    tests: 'one',
    ...(survives === undefined ? {} : { survives }),
  },
  verdict,
});

test('what one run keeps, the next one knows; the last verdict counts', () => {
  const first = verdictsIn(path);
  const mutant = outcome('a', { kind: 'survived' });
  first.keep(mutant);
  expect(first.of(mutant.mutant)).toEqual({ kind: 'survived' });
  verdictsIn(path).keep({ ...mutant, verdict: killed });
  expect(verdictsIn(path).of(mutant.mutant)).toEqual(killed);
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
});

test('a mutant that is written anew has no verdict; other tests for it leave it its own', () => {
  verdictsIn(path).keep(outcome('a', killed));
  const { mutant } = outcome('a', killed);
  expect(verdictsIn(path).of({ ...mutant, becomes: 'b' })).toBeUndefined();
  expect(verdictsIn(path).of({ ...mutant, tests: 'two' })).toEqual(killed);
});

test('without a file nothing is kept', () => {
  verdictsIn(undefined).keep(outcome('a', killed));
  expect(verdictsIn(undefined).of(outcome('a', killed).mutant)).toBeUndefined();
});

test('the table counts what survives with a reason apart, and no invalid one among those that can be killed', () => {
  const outcomes = [
    outcome('a', killed),
    outcome('b', killed),
    outcome('c', killed),
    outcome('d', { kind: 'survived' }),
    outcome('e', { kind: 'survived' }, 'nothing can see it'),
    outcome('f', { kind: 'invalid', why: 'it does not build' }),
  ];
  const { lines, held } = summarize(outcomes);
  expect(lines.map((line) => line.split(/\s+/))).toEqual([
    ['layer', 'run', 'killed', 'explained', 'survived', 'invalid'],
    ['logs', '6', '3', '1', '1', '1'],
    ['all', '6', '3', '1', '1', '1'],
    ['75.0', '%', 'of', 'those', 'that', 'can', 'be', 'killed', 'are', 'killed'],
  ]);
  expect(held).toBe(false);
  expect(summarize(outcomes.slice(0, 3)).held).toBe(true);
  expect(summarize([outcomes[4] as Outcome]).held).toBe(true);
});
