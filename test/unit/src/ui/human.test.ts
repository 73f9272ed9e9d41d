import { describe, expect, test } from '@jest/globals';
import {
  ellipsis,
  goTime,
  humanAgo,
  humanDuration,
  humanMemory,
  humanSize,
  shortId,
} from '../../../../src/ui/human.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

describe('humanDuration changes its unit where go-units does', () => {
  test.each([
    [450, 'Less than a second'],
    [SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [60 * SECOND, 'About a minute'],
    [119 * SECOND, 'About a minute'],
    [3 * MINUTE, '3 minutes'],
    [3 * MINUTE + 59 * SECOND, '3 minutes'],
    [59 * MINUTE, '59 minutes'],
    [HOUR, 'About an hour'],
    [HOUR + 29 * MINUTE, 'About an hour'],
    [HOUR + 31 * MINUTE, '2 hours'],
    [47 * HOUR, '47 hours'],
    [48 * HOUR, '2 days'],
    [13 * DAY, '13 days'],
    [2 * WEEK, '2 weeks'],
    [59 * DAY, '8 weeks'],
    [2 * MONTH, '2 months'],
    [729 * DAY, '24 months'],
    [2 * YEAR, '2 years'],
    [24 * MONTH + 2 * WEEK, '2 years'],
  ])('%d ms is %s', (milliseconds, expected) => {
    expect(humanDuration(milliseconds)).toBe(expected);
  });
});

test.each([
  [0, '0B'],
  [42, '42B'],
  [1000, '1kB'],
  [1024, '1.02kB'],
  [2024601, '2.02MB'],
  [5_610_000, '5.61MB'],
  [187_654_321, '188MB'],
  [1_500_000_000, '1.5GB'],
  [999_499, '999kB'],
  [999_900_000, '1GB'],
])('%d bytes are %s', (bytes, expected) => {
  expect(humanSize(bytes)).toBe(expected);
});

test('four digits and powers of 1024', () => {
  expect(humanSize(2024601, 4)).toBe('2.025MB');
  expect(humanMemory(2_095_893_708)).toBe('1.952GiB');
});

test('times that never were are not told', () => {
  const now = new Date('2026-11-24T14:00:00Z');
  expect(humanAgo('2026-11-24T12:00:00.5Z', now)).toBe('2 hours ago');
  expect(humanAgo('0001-01-01T00:00:00Z', now)).toBe('');
});

test('ids and texts are cut', () => {
  expect(shortId(`sha256:${'a'.repeat(64)}`)).toBe('a'.repeat(12));
  expect(ellipsis("sh -c 'a very long command'", 20)).toBe("sh -c 'a very long …");
  expect(ellipsis('exactly 20 character', 20)).toBe('exactly 20 character');
});

test('a date as Go prints it, in the local zone', () => {
  const offset = -new Date('2026-11-24T12:41:00Z').getTimezoneOffset();
  const printed = goTime('2026-11-24T12:41:00.728Z');
  expect(printed).toMatch(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} [+-]\d{4} \S+$/);
  if (offset === 0) expect(printed).toBe('2026-11-24 12:41:00 +0000 UTC');
});
