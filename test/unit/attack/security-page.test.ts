/** The table of known attacks in .github/SECURITY.md names cases and tests that are there, and leaves out no CVE of theirs. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { ALL_CASES } from '../../attack/cases/index.ts';

const top = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(top, '.github/SECURITY.md'), 'utf8');
const [, table = ''] = /<!-- cves -->\n([^]*)<!-- end of cves -->/.exec(page) ?? [];
const named = [...table.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

test('each test in the table is there', () => {
  const cases = new Set(ALL_CASES.map(({ name }) => name));
  const missing = named.filter((name) =>
    name.includes('/') ? !existsSync(join(top, name)) : !cases.has(name),
  );
  expect(named.length).toBeGreaterThan(40);
  expect(missing).toEqual([]);
});

test('each CVE that a case names is in the table', () => {
  const known = new Set(ALL_CASES.flatMap(({ cves = [] }) => cves));
  expect(known.size).toBeGreaterThan(15);
  expect([...known].filter((cve) => !table.includes(cve))).toEqual([]);
});

test('the suite has as many cases as are promised, each with a name of its own and a story', () => {
  const names = ALL_CASES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(80);
  for (const { name, story } of ALL_CASES) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(story).toMatch(/[.)]$/);
  }
});
