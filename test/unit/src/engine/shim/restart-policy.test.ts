/** Docker's restart manager: who starts again, and after how long. */
import { describe, expect, test } from '@jest/globals';
import { restartDelay, type RunEnd } from '../../../../../src/engine/shim/restart/policy.ts';
import { parseRestartPolicy } from '../../../../../src/engine/spec/restart-flags.ts';

const END: RunEnd = { exitCode: 1, ranFor: 50, byHand: 'no', restarts: 0, delay: 0 };
const always = { name: 'always', maximumRetryCount: 0 } as const;

describe('when', () => {
  test('100 ms, twice as long each time, up to a minute', () => {
    const delays: number[] = [];
    for (let delay = 0; delays.length < 12; delays.push(delay)) {
      delay = restartDelay(always, { ...END, delay }) ?? NaN;
    }
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  });

  test('a run of ten seconds begins anew', () => {
    expect(restartDelay(always, { ...END, delay: 51_200, ranFor: 10_000 })).toBe(100);
    expect(restartDelay(always, { ...END, delay: 51_200, ranFor: 9_999 })).toBe(60_000);
  });
});

describe('who', () => {
  const starts = (policy: string, end: Partial<RunEnd>): boolean =>
    restartDelay(parseRestartPolicy(policy), { ...END, ...end }) !== undefined;

  test.each([
    ['no', {}, false],
    ['always', {}, true],
    ['always', { exitCode: 0 }, true],
    ['always', { byHand: 'signalled' }, true],
    ['always', { byHand: 'stopped' }, false],
    ['unless-stopped', { exitCode: 0 }, true],
    ['unless-stopped', { byHand: 'signalled' }, false],
    ['always', { byHand: 'host' }, false],
    ['unless-stopped', { byHand: 'host' }, false],
    ['unless-stopped', { byHand: 'stopped' }, false],
    ['on-failure', { exitCode: 0 }, false],
    ['on-failure', { exitCode: 3, restarts: 1000 }, true],
    ['on-failure', { byHand: 'signalled' }, true],
    ['on-failure', { byHand: 'stopped' }, false],
    ['on-failure:2', { restarts: 1 }, true],
    ['on-failure:2', { restarts: 2 }, false],
  ] as const)('%s %j: %s', (policy, end, expected) => {
    expect(starts(policy, end)).toBe(expected);
  });

  test('without a policy, nobody', () => expect(restartDelay(undefined, END)).toBeUndefined());
});

test.each([
  ['on-failure:5', { name: 'on-failure', maximumRetryCount: 5 }],
  ['on-failure:', { name: 'on-failure', maximumRetryCount: 0 }],
  ['unless-stopped:0', { name: 'unless-stopped', maximumRetryCount: 0 }],
])('%s', (text, policy) => expect(parseRestartPolicy(text)).toEqual(policy));

test.each([
  [':5', 'invalid restart policy format: no policy provided before colon'],
  ['on-failure:x', 'invalid restart policy format: maximum retry count must be an integer'],
  ['on-failure:1:2', 'invalid restart policy format: maximum retry count must be an integer'],
  ['on-failure:-1', 'invalid restart policy: maximum retry count cannot be negative'],
  ['always:1', "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
  [
    'always:-1',
    "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
  ],
  [
    'never',
    "invalid restart policy: unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
])('%s is refused', (text, message) => expect(() => parseRestartPolicy(text)).toThrow(message));
