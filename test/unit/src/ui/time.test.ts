import { describe, expect, test } from '@jest/globals';
import { parseDuration } from '../../../../src/io/duration.ts';
import { parseInstant } from '../../../../src/ui/time.ts';

const now = 1_796_560_000_000_000_000n;

describe('durations', () => {
  test.each([
    ['1h30m', 5_400_000_000_000n],
    ['90s', 90_000_000_000n],
    ['1.5s', 1_500_000_000n],
    ['250ms', 250_000_000n],
    ['1500us', 1_500_000n],
    ['-2m', -120_000_000_000n],
    ['0', 0n],
    ['100ns', 100n],
    ['.5h', 1_800_000_000_000n],
    ['10s', 10_000_000_000n],
  ])('%s', (text, nanoseconds) => {
    expect(parseDuration(text)).toBe(nanoseconds);
  });

  test.each(['', '1', 'h', '1x', '1h30', ' 1h', '1d'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('instants', () => {
  test.each([
    ['1h', now - 3_600_000_000_000n],
    ['1136073845', 1_136_073_845_000_000_000n],
    ['1136073845.000000001', 1_136_073_845_000_000_001n],
    ['1136073845.5', 1_136_073_845_500_000_000n],
    ['2006-01-02T15:04:05Z', 1_136_214_245_000_000_000n],
    ['2006-01-02T15:04:05.123456789Z', 1_136_214_245_123_456_789n],
    ['2006-01-02T15:04:05+07:00', 1_136_189_045_000_000_000n],
    ['2006-01-02T15:04:05+0700', 1_136_189_045_000_000_000n],
  ])('%s', (text, expected) => {
    expect(parseInstant(text, now)).toBe(expected);
  });

  test('without a zone it is local time', () => {
    const local = BigInt(new Date(2006, 0, 2, 15, 4, 5).getTime()) * 1_000_000n;
    expect(parseInstant('2006-01-02T15:04:05', now)).toBe(local);
    expect(parseInstant('2006-01-02', now)).toBe(BigInt(new Date(2006, 0, 2).getTime()) * 1_000_000n);
  });

  test.each(['yesterday', '2006-13-02T00:00:00Z', '', '1h2'])('%j is refused', (text) => {
    expect(() => parseInstant(text, now)).toThrow(expect.objectContaining({ code: 'TIME_INVALID' }));
  });
});
