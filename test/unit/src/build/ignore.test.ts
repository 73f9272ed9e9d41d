/** `.dockerignore`: patterns with many stars, and with letters that a regular expression would take for its own. */
import { expect, test } from '@jest/globals';
import { rulesOf } from '../../../../src/build/context/ignore.ts';

test.each([
  ['*a*b*c', 'xaxbxc', true],
  ['*a*b*c', 'xaxb/c', false],
  ['*a*b*c', 'xaxbxc/below', true],
  ['**/*a*b*c', 'd/e/abc', true],
  ['**/*a*b*c', 'abc', true],
  ['**/x/**/y/**', 'x/y/z', true],
  ['**/x/**/y/**', 'a/x/b/c/y/z', true],
  ['**/x/**/y/**', 'a/x/b/c/z', false],
  ['*/*/*.o', 'a/b/c.o', true],
  ['*/*/*.o', 'a/c.o', false],
  ['c++', 'c++', true],
  ['c++', 'ccc', false],
  ['(a)|{b}', '(a)|{b}', true],
  ['a+?', 'a+b', true],
  ['a+[b-d]', 'a+c', true],
  ['a+[^b-d]', 'a+c', false],
  [String.raw`a+\*`, 'a+*', true],
  [String.raw`a+\*`, 'a+b', false],
])('%s and %s', (pattern, path, expected) => {
  expect(rulesOf([pattern]).ignores(path)).toBe(expected);
});

test('many stars end soon', () => {
  const path = `${'a'.repeat(200)}/${'a'.repeat(200)}`;
  for (const pattern of [`${'*a'.repeat(40)}b`, `${'**/*a'.repeat(20)}b`, `(${'a+'.repeat(20)})+b`])
    expect(rulesOf([pattern]).ignores(path)).toBe(false);
});

test.each([
  ['*', 'constructor', true],
  ['*', '__proto__', true],
  ['a^b', 'a^b', true],
  ['\\secret', 'secret', true],
  ['[^a]', 'b', true],
  ['[^a]', 'a', false],
])('%s and %s: %s', (pattern, path, expected) => {
  expect(rulesOf([pattern]).ignores(path)).toBe(expected);
});

test.each(['[x', '[z-a]'])('%s is no pattern', (pattern) => {
  expect(() => rulesOf([pattern])).toThrow(`syntax error in pattern: "${pattern}"`);
});
