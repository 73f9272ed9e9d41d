/** Foreign words on their way to a terminal: every control character there is, and nothing else, becomes visible. */
import { describe, expect, test } from '@jest/globals';
import { escapeJson, fitForTerminal, oneLine, printable, printableJson } from '../../../runtime/printable.ts';

const range = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index));

/** C0, DEL and C1; then what turns the direction of writing or ends a line besides. */
const CONTROLS = [
  ...range(0, 0x1f), ...range(0x7f, 0x9f), '\u061c', ...range(0x200e, 0x200f), ...range(0x2028, 0x202e),
  ...range(0x2066, 0x2069),
]; // prettier-ignore
const HARMLESS = ['~', ' ', 'é', 'ß', '漢', '→', '😀', 'שלום', '\u00a0', '\u200d'];
const shown = (code: string): string => {
  const hex = code.charCodeAt(0).toString(16);
  return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
};

describe.each(CONTROLS.map((control) => [shown(control), control] as const))('%s', (escape, control) => {
  const text = `a${control}b${control}`;

  test('on one line', () => {
    const expected = { '\n': '\\n', '\t': '\\t' }[control] ?? escape;
    expect(oneLine(text)).toBe(`a${expected}b${expected}`);
  });

  test('in lines, and at the door', () => {
    const expected = control === '\n' || control === '\t' ? text : `a${escape}b${escape}`;
    expect(printable(text)).toBe(expected);
    expect(fitForTerminal(text)).toBe(expected);
  });

  test('in JSON nothing is lost', () => {
    const json = printableJson({ [text]: [text] });
    expect(oneLine(json)).toBe(json);
    expect(JSON.parse(json)).toEqual({ [text]: [text] });
  });
});

test.each(HARMLESS)('%j stays', (text) => {
  for (const show of [oneLine, printable, fitForTerminal, escapeJson]) expect(show(text)).toBe(text);
});

test('at the door colours and the line ends of raw terminals pass, and no other sequence', () => {
  for (const ours of ['\x1b[1m\x1b[31mred\x1b[39m\x1b[0m', 'a\r\nb\r\n', '\x1b[m']) {
    expect(fitForTerminal(ours)).toBe(ours);
  }
  expect(fitForTerminal('\x1b[2J\x1b[1;31H\x1b]0;t\x07\x1b[31\x1bm\rx')).toBe(
    '\\x1b[2J\\x1b[1;31H\\x1b]0;t\\x07\\x1b[31\\x1bm\\x0dx',
  );
});

test('JSON of other programs with a control character as it is can be parsed', () => {
  expect(JSON.parse(escapeJson('[{"ifname":"a\x1b[31m"}]\n'))).toEqual([{ ifname: 'a\x1b[31m' }]);
});

test('JSON of nothing is null', () => {
  expect(printableJson(undefined)).toBe('null');
});

test('text that has nothing else is no plainer for it', () => {
  expect(oneLine('\x1b')).toBe('\\x1b');
  expect(oneLine('\n\n')).toBe('\\n\\n');
  expect(printable('\x1b\x07')).toBe('\\x1b\\x07');
  expect(fitForTerminal('\x07')).toBe('\\x07');
});
