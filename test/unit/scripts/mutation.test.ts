/** Mutants are made in a copy: the checkout that the runner is started from stays as it is. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { copyCheckout, type Copy } from '../../../scripts/mutation/copy.ts';

let checkout: string;
let copy: Copy;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  mkdirSync(join(checkout, 'src'));
  mkdirSync(join(checkout, 'node_modules'));
  writeFileSync(join(checkout, 'src/one.ts'), 'first, second, second');
  writeFileSync(join(checkout, '.gitignore'), 'dist/\nnode_modules/\n');
  mkdirSync(join(checkout, 'dist'));
  writeFileSync(join(checkout, 'dist/built'), '');
  spawnSync('git', ['init', '--quiet'], { cwd: checkout });
  copy = copyCheckout(checkout);
});
afterEach(() => {
  copy.remove();
  rmSync(checkout, { recursive: true });
});

const inCopy = (): string => readFileSync(join(copy.dir, 'src/one.ts'), 'utf8');

test('the copy has what git would take, and borrows the libraries', () => {
  expect(inCopy()).toBe('first, second, second');
  expect(existsSync(join(copy.dir, 'dist'))).toBe(false);
  expect(realpathSync(join(copy.dir, 'node_modules'))).toBe(realpathSync(join(checkout, 'node_modules')));
});

test('a mutant is in the copy alone, until it is undone', () => {
  const restore = copy.change('src/one.ts', 'first', 'third $&');
  expect(inCopy()).toBe('third $&, second, second');
  expect(readFileSync(join(checkout, 'src/one.ts'), 'utf8')).toBe('first, second, second');
  restore();
  expect(inCopy()).toBe('first, second, second');
});

test.each(['second', 'nowhere'])('the text %s, which is not there exactly once, makes none', (text) => {
  expect(() => copy.change('src/one.ts', text, 'x')).toThrow(/ times in src\/one\.ts/);
  expect(inCopy()).toBe('first, second, second');
});

test('removed, nothing is left of it', () => {
  copy.remove();
  expect(existsSync(copy.dir)).toBe(false);
  expect(existsSync(join(checkout, 'node_modules'))).toBe(true);
});
