import { describe, expect, test } from '@jest/globals';
import {
  defaultRetryPolicy,
  parseRetryAfter,
  retrying,
  waitBefore,
} from '../../../../images/registry/retry.ts';
import { TransportError } from '../../../../images/registry/transport-error.ts';

const fast = { ...defaultRetryPolicy, baseMs: 1, capMs: 2 };
const passing = new TransportError({ code: 'X', message: 'passing', retryable: true });
const lasting = new TransportError({ code: 'X', message: 'lasting' });

describe('waitBefore', () => {
  test('doubles up to the cap, half of it at random', () => {
    const waits = [2, 3, 4, 5, 20].map((attempt) =>
      waitBefore(attempt, defaultRetryPolicy, undefined, () => 1),
    );
    expect(waits).toEqual([500, 1000, 2000, 4000, 15_000]);
    expect(waitBefore(2, defaultRetryPolicy, undefined, () => 0)).toBe(250);
  });

  test("the server's wish comes first, within reason", () => {
    expect(waitBefore(2, defaultRetryPolicy, 3000)).toBe(3000);
    expect(waitBefore(2, defaultRetryPolicy, 3_600_000)).toBeUndefined();
  });
});

test.each([
  ['7', 7000],
  [' 0 ', 0],
  ['Wed, 21 Oct 2015 07:28:10 GMT', 10_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s', (value, expected) => {
  expect(parseRetryAfter(value, Date.parse('Wed, 21 Oct 2015 07:28:00 GMT'))).toBe(expected);
});

function failing(
  times: number,
  error: Error,
): { readonly run: () => Promise<string>; readonly calls: () => number } {
  let calls = 0;
  const run = (): Promise<string> => (++calls <= times ? Promise.reject(error) : Promise.resolve('done'));
  return { run, calls: () => calls };
}

describe('retrying', () => {
  test('tries again what may pass', async () => {
    const operation = failing(4, passing);
    await expect(retrying(fast, undefined, operation.run)).resolves.toBe('done');
    expect(operation.calls()).toBe(5);
  });

  test('gives up after its attempts', async () => {
    const operation = failing(9, passing);
    await expect(retrying(fast, undefined, operation.run)).rejects.toBe(passing);
    expect(operation.calls()).toBe(5);
  });

  test('does not try again what will not pass', async () => {
    const operation = failing(1, lasting);
    await expect(retrying(fast, undefined, operation.run)).rejects.toBe(lasting);
    expect(operation.calls()).toBe(1);
  });

  test('is cut short while it waits', async () => {
    const stop = new AbortController();
    const operation = failing(1, passing);
    const waiting = retrying({ ...fast, baseMs: 60_000, capMs: 60_000 }, stop.signal, operation.run);
    stop.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });
});
