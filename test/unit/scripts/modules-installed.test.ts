/** Whether the libraries are there: asked by scripts/quickstart and scripts/test before they run npm ci. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';

const script = resolve(import.meta.dirname, '../../../scripts/modules-installed.js');
const checkout = mkdtempSync(join(tmpdir(), 'minidock-test-'));
const wanted = {
  '': { name: 'minidock' },
  'node_modules/tar': { version: '7.5.0', integrity: 'sha512-tar' },
  'node_modules/bun-arm64': { version: '1.4.0', integrity: 'sha512-bun', optional: true },
};

const write = (name: string, packages: unknown): void =>
  writeFileSync(join(checkout, name), JSON.stringify({ packages }));
const installed = (): boolean => spawnSync(process.execPath, [script], { cwd: checkout }).status === 0;

beforeEach(() => {
  rmSync(join(checkout, 'node_modules'), { recursive: true, force: true });
  mkdirSync(join(checkout, 'node_modules/tar'), { recursive: true });
  write('package-lock.json', wanted);
  write('node_modules/.package-lock.json', { 'node_modules/tar': wanted['node_modules/tar'] });
});
afterAll(() => rmSync(checkout, { recursive: true }));

test('what npm ci leaves is enough, without the library for another machine', () => {
  expect(installed()).toBe(true);
});

test.each([
  ['nothing is there', () => rmSync(join(checkout, 'node_modules'), { recursive: true })],
  ['npm ci was broken off', () => rmSync(join(checkout, 'node_modules/.package-lock.json'))],
  ['one has been deleted', () => rmSync(join(checkout, 'node_modules/tar'), { recursive: true })],
  [
    'another version is wanted',
    () =>
      write('package-lock.json', {
        ...wanted,
        'node_modules/tar': { version: '7.5.1', integrity: 'sha512-new' },
      }),
  ],
  [
    'one more is wanted',
    () => write('package-lock.json', { ...wanted, 'node_modules/ora': { version: '9.0.0' } }),
  ],
])('%s: they are to be installed', (_, change) => {
  change();
  expect(installed()).toBe(false);
});
