/** Words for bash, by bash's own judgement: one word, itself, and nothing in it that acts before bash reads it. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { comment, quoteLines, quoteWord, renderArgv } from '../../../../runtime/plan/quote.ts';
import { oneLine } from '../../../../runtime/printable.ts';

const bash = (script: string): string => execFileSync('bash', ['-c', script], { encoding: 'utf8' });

/** No argument holds a zero byte: execve(2) ends it there. */
const CHARACTERS = [
  ...Array.from({ length: 0xff }, (_, index) => String.fromCharCode(index + 1)),
  '\u061c', '\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u2066', '\u2069', '\ufeff', '😀',
]; // prettier-ignore
const WORDS = CHARACTERS.flatMap((character) => [
  character, `${character}0f`, `'${character}'`, `"$(${character}\`\\`, `!${character}!'\n#`,
]); // prettier-ignore

test('every character, alone and among others, is one word and itself', () => {
  const seen = bash(`printf '%s\\0' ${WORDS.map(quoteWord).join(' ')}`)
    .split('\0')
    .slice(0, -1);
  expect(seen).toEqual(WORDS);
});

test('and so it is where the locale has no UTF-8', () => {
  expect(
    bash(`LC_ALL=C; export LC_ALL; exec bash -c 'printf "%s\\0" "$@"' - ${WORDS.map(quoteWord).join(' ')}`)
      .split('\0')
      .slice(0, -1),
  ).toEqual(WORDS);
});

test('what is quoted has one line and no control character', () => {
  for (const word of WORDS) expect(oneLine(quoteWord(word))).toBe(quoteWord(word));
});

test('plain words stay as they are', () => {
  for (const word of ['a', '/x/y-z_1.2', 'a=b', '10.0.0.0/8', 'size=1,mode=755'])
    expect(quoteWord(word)).toBe(word);
});

test.each([
  ['a\nb', "$'a\\nb'"],
  ['a\tb c', "$'a\\tb c'"],
  ["a\x1b'\\!b", "$'a\\x1b\\x27\\x5c\\x21b'"],
])('%j keeps what can be read of it', (word, quoted) => {
  expect(quoteWord(word)).toBe(quoted);
});

describe('a program’s name', () => {
  test.each(["A='; echo owned; '", 'A=b', "A='", 'A=$(echo owned)', "A=\n'"])(
    '%j is no assignment',
    (name) => {
      const words = bash(`printf '%s\\0' ${renderArgv([name, 'x'])}`)
        .split('\0')
        .slice(0, -1);
      expect(words).toEqual([name, 'x']);
      expect(bash(`${renderArgv([name, 'x'])} 2>/dev/null; echo $?`)).toBe('127\n');
    },
  );
});

test('lines keep their ends, unless there is more in them', () => {
  expect(quoteLines("add 'x'\nadd y")).toBe(`'add '\\''x'\\''\nadd y'`);
  for (const word of [...WORDS, 'a\x1b\nb', 'a\nb\x1b'])
    for (const line of quoteLines(word).split('\n')) expect(oneLine(line)).toBe(line);
  const seen = bash(`printf '%s\\0' ${WORDS.map(quoteLines).join(' ')}`)
    .split('\0')
    .slice(0, -1);
  expect(seen).toEqual(WORDS);
});

test('a comment ends at the end of its line, and has no other', () => {
  for (const character of CHARACTERS) {
    const line = comment(`a${character}echo owned`);
    expect(line).toMatch(/^# a[^\n]*echo owned$/);
    expect(oneLine(line)).toBe(line);
  }
});
