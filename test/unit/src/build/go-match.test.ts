/** Patterns of COPY, as Go's path.Match reads them. */
import { expect, test } from '@jest/globals';
import { goMatch } from '../../../../src/build/context/go-match.ts';

test.each([
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'ab', true],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^b-d]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  [String.raw`a\*b`, 'a*b', true],
  [String.raw`a\*b`, 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['[a-ζ]*', 'α', true],
  [String.raw`[\-x]`, '-', true],
  [String.raw`[x\-]`, '-', true],
  ['[', 'a', false],
  ['*x', 'xxx', true],
  ['**a', 'ba', true],
  ['', '', true],
  ['?', '', false],
])('%s and %s', (pattern, name, expected) => {
  expect(goMatch(pattern, name)).toBe(expected);
});

test('many stars end soon', () => {
  expect(goMatch(`${'*a'.repeat(100)}b`, 'a'.repeat(20_000))).toBe(false);
});
