/** When a shim that has nothing to do goes to sleep. */
import { expect, test } from '@jest/globals';
import { patienceAfter } from '../../../../../src/engine/shim/sleep.ts';

/** Its patience after each of some hours with something to do every `period` milliseconds. */
function naps(period: number): { readonly patience: number; readonly perMinute: number } {
  let patience = patienceAfter();
  let count = 0;
  for (let time = 0; time < 3_600_000; time += period) {
    // Woken by each event but those that come sooner than it sleeps.
    if (period <= patience) continue;
    count += 1;
    patience = patienceAfter({ patience, slept: period - patience });
  }
  return { patience, perMinute: count / 60 };
}

test('after a second in general', () => {
  expect(patienceAfter()).toBe(1000);
  expect(patienceAfter({ patience: 8000, slept: 3_600_000 })).toBe(1000);
});

test('not between the lines of a log that comes to rest for moments only', () => {
  for (const period of [1001, 2000, 5000, 10_000]) expect(naps(period).perMinute).toBeLessThan(0.1);
});

test('however often it is woken, no more than six times a minute', () => {
  for (let period = 1000; period < 120_000; period += 500) {
    expect([period, naps(period).perMinute <= 6]).toEqual([period, true]);
  }
  expect(naps(30_000)).toEqual({ patience: 1000, perMinute: 2 });
});

test('its wait is at most a minute', () => {
  expect(patienceAfter({ patience: 60_000, slept: 1 })).toBe(60_000);
});
