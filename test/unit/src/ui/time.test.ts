import { describe, expect, test } from '@jest/globals';
import { formatDuration, formatTime, parseDuration, parseInstant } from '../../../../src/ui/time.ts';

const now = 1_796_560_000_000_000_000n;

describe('durations', () => {
  test.each([
    ['1h30m', 5_400_000_000_000n, '1h30m0s'],
    ['90s', 90_000_000_000n, '1m30s'],
    ['1.5s', 1_500_000_000n, '1.5s'],
    ['250ms', 250_000_000n, '250ms'],
    ['1500us', 1_500_000n, '1.5ms'],
    ['-2m', -120_000_000_000n, '-2m0s'],
    ['0', 0n, '0s'],
    ['100ns', 100n, '100ns'],
    ['.5h', 1_800_000_000_000n, '30m0s'],
    ['10s', 10_000_000_000n, '10s'],
  ])('%s', (text, nanoseconds, printed) => {
    expect(parseDuration(text)).toBe(nanoseconds);
    expect(formatDuration(nanoseconds)).toBe(printed);
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

  test('printing', () => {
    expect(formatTime(1_136_214_245_120_000_000n)).toBe('2006-01-02T15:04:05.12Z');
    expect(formatTime(1_136_214_245_000_000_000n)).toBe('2006-01-02T15:04:05Z');
    expect(formatTime(1_136_214_245_120_000_000n, { fixed: true })).toBe('2006-01-02T15:04:05.120000000Z');
  });
});
