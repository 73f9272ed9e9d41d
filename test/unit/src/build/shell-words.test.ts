/** Quotes and variables of a word: the cases of BuildKit's own table (frontend/dockerfile/shell/envVarTest), and errors. */
import { describe, expect, test } from '@jest/globals';
import { expandWord, expandWords } from '../../../../src/build/parse/shell-words.ts';

const env = new Map([
  ['HOME', '/home'],
  ['PWD', '/home/d'],
  ['KO', '한국어'],
  ['NULL', ''],
  ['FILE', 'foo.bar.tar.gz'],
]);

describe('one word', () => {
  test.each([
    ['hello', 'hello'],
    ["he'll'o", 'hello'],
    ["he'llo", Error],
    [String.raw`he\'llo`, "he'llo"],
    ['abc\\tdef', 'abctdef'],
    ["'abc\\tdef'", 'abc\\tdef'],
    ['"abc\\tdef"', 'abc\\tdef'],
    ['"abc\\$HOME"', 'abc$HOME'],
    ['he$HOME.x', 'he/home.x'],
    ['he$.', 'he$.'],
    ['he${NOSUCH}xx', 'hexx'],
    ['he${HOME}xx', 'he/homexx'],
    ['he${NOSUCH:-x}y', 'hexy'],
    ['he${NULL:-x}y', 'hexy'],
    ['he${NULL-x}y', 'hey'],
    ['he${NOSUCH-x}y', 'hexy'],
    ['he${HOME:+x}y', 'hexy'],
    ['he${NULL+x}y', 'hexy'],
    ['he${NULL:+x}y', 'hey'],
    ['he${NOSUCH:-${HOME}/a}', 'he/home/a'],
    ["'$HOME'", '$HOME'],
    ['"$HOME"', '/home'],
    ['${FILE#*.}', 'bar.tar.gz'],
    ['${FILE##*.}', 'gz'],
    ['${FILE%.*}', 'foo.bar.tar'],
    ['${FILE%%.*}', 'foo'],
    ['${FILE/o/0}', 'f0o.bar.tar.gz'],
    ['${FILE//o/0}', 'f00.bar.tar.gz'],
    ['${FILE/./\\$}', 'foo$bar.tar.gz'],
    ['${FILE/b*t/-}', 'foo.-ar.gz'],
    ['${FILE/b*./-}', 'foo.-gz'],
    ['${FILE//?o/-}', '-o.bar.tar.gz'],
    ['${FILE//./}', 'foobartargz'],
    ['${FILE//*/-}', '-'],
    ['${FILE#f*o}', 'o.bar.tar.gz'],
    ['${FILE##f*o}', '.bar.tar.gz'],
    ['${FILE%?z}', 'foo.bar.tar.'],
    ['${FILE%%*}', ''],
    ['${FILE%nosuch}', 'foo.bar.tar.gz'],
    ['$KO', '한국어'],
    ['${', Error],
    ['${}', Error],
    ['${HOME', Error],
    ['${HOME:=x}', Error],
    ['${NOSUCH?}', Error],
    ['${NULL:?}', Error],
    ['${HOME?no}', '/home'],
    ['\\', ''],
  ])('%s', (word, expected) => {
    if (typeof expected === 'string') expect(expandWord(word, env)).toBe(expected);
    else expect(() => expandWord(word, env)).toThrow();
  });

  test('a text of "?" is in the error', () => {
    expect(() => expandWord('${NOSUCH:?set it}', env)).toThrow('NOSUCH: set it');
  });
});

test('several words: a value may become several, in quotes it stays one', () => {
  const list = new Map([['L', 'a b']]);
  expect(expandWords('x $L "$L" \'y z\'', list)).toEqual(['x', 'a', 'b', 'a b', 'y z']);
});

test('the escape character may be another one', () => {
  expect(expandWord('C:\\x`$y', new Map(), '`')).toBe('C:\\x$y');
});

test('a pattern with many stars ends soon, whatever it does not match', () => {
  const value = 'a'.repeat(20_000);
  const pattern = `${'*a'.repeat(30)}b`;
  const long = new Map([['V', value]]);
  for (const word of [`\${V#${pattern}}`, `\${V##${pattern}}`, `\${V%%${pattern}x}`, `\${V//a${pattern}/x}`])
    expect(expandWord(word, long)).toBe(value);
});
