import { describe, expect, test } from '@jest/globals';
import { parseBytes, parseCpus } from '../../../../../src/engine/spec/units.ts';

const KiB = 1024;
const bytes = (text: string): number => parseBytes(text, '-m, --memory');

describe('sizes', () => {
  // Docker's own examples and test vectors.
  test.each([
    ['32', 32],
    ['32b', 32],
    ['32B', 32],
    ['32k', 32 * KiB],
    ['32K', 32 * KiB],
    ['32kb', 32 * KiB],
    ['32Kib', 32 * KiB],
    ['32KIB', 32 * KiB],
    ['32Mb', 32 * KiB ** 2],
    ['32 MiB', 32 * KiB ** 2],
    ['512m', 536_870_912],
    ['1.25k', 1280],
    ['1.5g', 1_610_612_736],
    ['32Gb', 32 * KiB ** 3],
    ['32Tb', 32 * KiB ** 4],
    ['3P', 3 * KiB ** 5],
    ['32.3', 32],
    ['32.3 mb', Math.trunc(32.3 * KiB ** 2)],
    ['0', 0],
  ])('%s', (text, expected) => {
    expect(bytes(text)).toBe(expected);
  });

  test.each([
    '',
    'hello',
    'abc',
    '-32',
    ' 32 ',
    '32m b',
    '32bm',
    '5kk',
    '.5g',
    '1e3',
    '32i b',
    '99999999999999999999',
  ])('"%s" is refused', (text) => {
    expect(() => bytes(text)).toThrow(
      `invalid argument "${text}" for "-m, --memory" flag: invalid size: '${text}'`,
    );
  });

  test('two decimal points', () => {
    expect(() => parseBytes('1.5.5g', '--shm-size')).toThrow(
      'invalid argument "1.5.5g" for "--shm-size" flag: strconv.ParseFloat: parsing "1.5.5": invalid syntax',
    );
  });
});

describe('processors', () => {
  test.each([
    ['1.5', 1_500_000_000],
    ['0.1', 100_000_000],
    ['.5', 500_000_000],
    ['1.', 1_000_000_000],
    ['2', 2_000_000_000],
    ['+1', 1_000_000_000],
    ['-1', -1_000_000_000],
    ['0', 0],
    ['1/2', 500_000_000],
    ['1/0.5', 2_000_000_000],
    ['0.5/-0.25', -2_000_000_000],
    ['0.000000001', 1],
  ])('%s', (text, expected) => {
    expect(parseCpus(text)).toBe(expected);
  });

  test.each(['', '.', 'abc', ' 1', '1/', '1/0', '1/2/4', '1.2.3'])('"%s" is refused', (text) => {
    expect(() => parseCpus(text)).toThrow(
      `invalid argument "${text}" for "--cpus" flag: failed to parse ${text} as a rational number`,
    );
  });

  test.each(['1.2345678901', '1/3', '0.0000000001'])('%s is too precise', (text) => {
    expect(() => parseCpus(text)).toThrow(
      `invalid argument "${text}" for "--cpus" flag: value is too precise`,
    );
  });
});
