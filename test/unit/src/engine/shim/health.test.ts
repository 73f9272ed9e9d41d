/** Docker's health monitor: what a result makes of a container's health, and when the next probe is due. */
import { describe, expect, test } from '@jest/globals';
import type { ContainerFlags, CreateRequest } from '../../../../../src/engine/spec/create-request.ts';
import { healthSpec } from '../../../../../src/engine/spec/health-flags.ts';
import { checkTimes, judge, nextInterval } from '../../../../../src/engine/shim/health/judge.ts';
import type { Health } from '../../../../../src/engine/spec/container.ts';
import { probeCommand } from '../../../../../src/engine/state/health.ts';

const STARTED = '2026-01-01T00:00:00.000000000Z';
const at = (seconds: number): string => new Date(Date.parse(STARTED) + seconds * 1000).toISOString();
const NEW: Health = { status: 'starting', failingStreak: 0, log: [] };
const after = (check: Parameters<typeof judge>[0], ...codes: readonly number[]): Health =>
  codes.reduce(
    (before, exitCode, index) =>
      judge(check, before, { start: at(index), end: at(index), exitCode, output: String(index) }, STARTED),
    NEW,
  );
const told = ({ status, failingStreak }: Health): string => `${status} ${failingStreak}`;

describe('the judgement', () => {
  test.each([
    [{}, [1, 1], 'starting 2'],
    [{}, [1, 1, 1], 'unhealthy 3'],
    [{}, [0, 1, 1], 'healthy 2'],
    [{}, [1, 1, 1, 0], 'healthy 0'],
    [{ Retries: 1 }, [-1], 'unhealthy 1'],
    // Failures of the start period do not count, until the first success.
    [{ StartPeriod: 3e9, Retries: 1 }, [1, 1, 1], 'starting 0'],
    [{ StartPeriod: 3e9, Retries: 1 }, [1, 1, 1, 1], 'unhealthy 1'],
    [{ StartPeriod: 9e9, Retries: 1 }, [1, 0, 1], 'unhealthy 1'],
  ])('%j after %j: %s', (check, codes, expected) => expect(told(after(check, ...codes))).toBe(expected));

  test('the last five results stay', () => {
    expect(after({}, 0, 0, 0, 0, 0, 0, 0).log.map(({ output }) => output)).toEqual(['2', '3', '4', '5', '6']);
  });
});

test('the times, in milliseconds, and their defaults', () => {
  expect(checkTimes({})).toEqual({ interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000 });
  const times = checkTimes({ Interval: 1.5e9, Timeout: 2e9, StartPeriod: 10e9, StartInterval: 1e8 });
  expect(times).toEqual({ interval: 1500, timeout: 2000, startPeriod: 10_000, startInterval: 100 });
  expect(nextInterval(times, 5000, 'starting')).toBe(100);
  expect(nextInterval(times, 5000, 'healthy')).toBe(1500);
  expect(nextInterval(times, 10_000, 'starting')).toBe(1500);
});

test.each([
  [undefined, undefined],
  [[], undefined],
  [['NONE'], undefined],
  [['CMD'], undefined],
  [['OTHER', 'x'], undefined],
  [
    ['CMD', 'test', '-e', '/x'],
    ['test', '-e', '/x'],
  ],
  [
    ['CMD-SHELL', 'exit 1'],
    ['/bin/sh', '-c', 'exit 1'],
  ],
])('the command of %j', (Test, argv) => {
  expect(probeCommand(Test === undefined ? {} : { Test })).toEqual(argv);
});

describe('flags', () => {
  const spec = (flags: Partial<ContainerFlags>, image?: Parameters<typeof healthSpec>[1]): unknown =>
    healthSpec(flags as unknown as CreateRequest, image).healthcheck;
  const IMAGE = { Test: ['CMD', 'x'], Interval: 7e9, Retries: 2 };

  test('take the place of the image’s parts', () => {
    expect(spec({})).toBeUndefined();
    expect(spec({}, IMAGE)).toEqual(IMAGE);
    expect(spec({ healthInterval: '1m30s', healthRetries: '4' }, IMAGE)).toEqual({
      ...IMAGE,
      Interval: 90e9,
      Retries: 4,
    });
    expect(spec({ healthCmd: 'exit 0', healthInterval: '0s' }, IMAGE)).toEqual({
      ...IMAGE,
      Test: ['CMD-SHELL', 'exit 0'],
    });
    expect(spec({ healthcheck: false }, IMAGE)).toEqual({ Test: ['NONE'] });
  });

  test.each([
    [{ healthcheck: false, healthCmd: 'x' }, '--no-healthcheck conflicts with --health-* options'],
    [{ healthInterval: '-1s' }, '--health-interval cannot be negative'],
    [{ healthRetries: '-1' }, '--health-retries cannot be negative'],
    [{ healthTimeout: '1us' }, 'Timeout in Healthcheck cannot be less than 1ms'],
    [
      { healthStartPeriod: '5' },
      'invalid argument "5" for "--health-start-period" flag: time: missing unit in duration "5"',
    ],
    [
      { healthStartInterval: 'x' },
      'invalid argument "x" for "--health-start-interval" flag: time: invalid duration "x"',
    ],
  ])('%j is refused', (flags, message) => expect(() => spec(flags)).toThrow(message));
});

test('what an image says is taken within bounds: no time below a millisecond, a pause between two probes', () => {
  const times = checkTimes({ Interval: 1, Timeout: -7, StartPeriod: -1, StartInterval: -1 });
  expect(times).toEqual({ interval: 1, timeout: 1, startPeriod: 1, startInterval: 1 });
  expect(nextInterval(times, 0, 'starting')).toBe(100);
  expect(nextInterval(times, 5000, 'healthy')).toBe(100);
});
