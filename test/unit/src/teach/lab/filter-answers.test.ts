import { describe, expect, test } from '@jest/globals';
import { answersOf } from '../../../../../src/teach/lab/lessons/privileges/filter-answers.ts';

type Line = readonly [code: number, yes: number, no: number, k: number];

function program(...lines: readonly Line[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(lines.length * 8));
  lines.forEach(([code, yes, no, k], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

const NR: Line = [0x20, 0, 0, 0];
const FIRST_ARGUMENT: Line = [0x20, 0, 0, 16];
const ret = (k: number): Line => [0x06, 0, 0, k];
const ask = (nr: number, args: readonly number[] | undefined, ...lines: readonly Line[]): readonly number[] =>
  [...answersOf(program(...lines), { arch: 1, nr, ...(args === undefined ? {} : { args }) })].sort();

describe('the answers of a filter', () => {
  const byArgument = [FIRST_ARGUMENT, [0x15, 0, 1, 7] as const, ret(1), ret(2)] as const;

  test('are all that it can give when the arguments are not known', () => {
    expect(ask(0, undefined, ...byArgument)).toEqual([1, 2]);
    expect(ask(0, [7], ...byArgument)).toEqual([1]);
    expect(ask(0, [8], ...byArgument)).toEqual([2]);
  });

  test('stay one where what is not known makes no difference', () => {
    expect(ask(3, undefined, FIRST_ARGUMENT, [0x15, 0, 0, 7], NR, [0x16, 0, 0, 0])).toEqual([3]);
  });

  // Each leaves its result in A, which is returned.
  test.each<[string, number, readonly Line[]]>([
    ['add', 12, [[0x04, 0, 0, 5]]],
    ['sub below zero', 0xffff_ffff, [[0x14, 0, 0, 8]]],
    ['mul', 21, [[0x24, 0, 0, 3]]],
    ['div', 3, [[0x34, 0, 0, 2]]],
    ['or', 15, [[0x44, 0, 0, 8]]],
    ['and', 5, [[0x54, 0, 0, 13]]],
    ['shift left', 0x8000_0000, [[0x64, 0, 0, 31]]],
    ['shift right', 3, [[0x74, 0, 0, 1]]],
    ['negate', 0xffff_fff9, [[0x84, 0, 0, 0]]],
    ['xor', 2, [[0xa4, 0, 0, 5]]],
    ['by X', 14, [[0x07, 0, 0, 0], [0x0c, 0, 0, 0]]], // prettier-ignore
    ['through memory', 7, [[0x02, 0, 0, 3], [0x00, 0, 0, 9], [0x60, 0, 0, 3]]], // prettier-ignore
    ['through X', 9, [[0x01, 0, 0, 9], [0x87, 0, 0, 0]]], // prettier-ignore
    ['the length of the data', 64, [[0x80, 0, 0, 0]]],
  ])('%s', (_, result, lines) => {
    expect(ask(7, undefined, NR, ...lines, [0x16, 0, 0, 0])).toEqual([result]);
  });

  test.each<[string, readonly Line[]]>([
    ['runs off its end', [NR]],
    ['outside seccomp_data', [[0x20, 0, 0, 64], ret(0)]],
    ['opcode 0x28', [[0x28, 0, 0, 0], ret(0)]],
    ['divides by zero', [NR, [0x34, 0, 0, 0], ret(0)]],
    ['too many ways', [...Array.from({ length: 30 }, (): Line[] => [FIRST_ARGUMENT, [0x15, 0, 1, 7], NR]).flat(), ret(0)]], // prettier-ignore
  ])('%s: refused', (words, lines) => {
    expect(() => ask(0, undefined, ...lines)).toThrow(words);
  });
});
