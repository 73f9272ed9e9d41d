/** The list of mutants fits the code: a text that has been rewritten since makes no mutant, and nobody would notice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { allMutants } from '../../mutation/mutants/index.ts';
import { testsOf, units } from '../../mutation/units.ts';

const root = join(import.meta.dirname, '../../..');
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join(root, 'test', file));

describe.each(Object.entries(allMutants))('%s', (_, mutants) => {
  test.each(mutants.map((mutant) => [`${mutant.file}: ${mutant.text.trim().slice(0, 60)}`, mutant] as const))(
    '%s',
    (_name, { file, text, becomes, tests: pattern, survives }) => {
      const found = readFileSync(join(root, file), 'utf8').split(text).length - 1;
      expect(found).toBe(1);
      expect(becomes).not.toBe(text);
      const [paths = ''] = pattern.split(' -t ');
      expect(tests.filter((path) => new RegExp(paths).test(path))).not.toEqual([]);
      if (survives !== undefined) expect(survives.length).toBeGreaterThan(20);
    },
  );
});

describe.each(units.map((unit) => [unit.file, unit] as const))('%s', (_, unit) => {
  test('has the tests that Stryker runs, and the lines that survivors are explained for', () => {
    const text = readFileSync(join(root, unit.file), 'utf8');
    for (const { line, why } of unit.survives ?? []) {
      expect(text.split('\n').filter((one) => one.includes(line))).not.toEqual([]);
      expect(why.length).toBeGreaterThan(20);
    }
    for (const path of testsOf(unit)) expect(tests).toContain(join(root, path));
  });
});

test('there are enough, none twice, and few that must survive', () => {
  const all = Object.values(allMutants).flat();
  expect(all.length).toBeGreaterThanOrEqual(100);
  expect(new Set(all.map(({ file, text, becomes }) => JSON.stringify([file, text, becomes]))).size).toBe(
    all.length,
  );
  expect(all.filter(({ survives }) => survives !== undefined).length).toBeLessThan(all.length / 10);
});
