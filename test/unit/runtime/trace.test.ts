/** Spans: of work, of work beside it, and of work that goes on. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { listenToTrace, span, spanSince, traceClock, type Span } from '../../../runtime/trace.ts';

let stop: () => void = () => undefined;
afterEach(() => {
  stop();
  jest.restoreAllMocks();
});

/** The events from now on. */
function listen(): Span[] {
  const told: Span[] = [];
  stop = listenToTrace((event) => {
    if (event.type === 'span') told.push(event);
  }, new AsyncLocalStorage());
  return told;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const named = (told: readonly Span[], name: string): Span => told.find((one) => one.name === name) as Span;

test('with no listener work is done and the clock is not asked', () => {
  const now = jest.spyOn(performance, 'now');
  expect(span('work', 'unheard', () => 5)).toBe(5);
  spanSince(traceClock(), 'work', 'unheard');
  expect(now).not.toHaveBeenCalled();
});

describe('with a listener', () => {
  test('the result is passed on, arguments and notes are reported, times are of the machine’s clock', async () => {
    const told = listen();
    const before = Date.now();
    const result = await span(
      'work',
      'outer',
      async (note) => {
        await span('step', 'inner', turn);
        note({ outcome: 'done' });
        return 'result';
      },
      { given: 1 },
    );
    expect(result).toBe('result');
    const [inner, outer] = told as [Span, Span];
    expect(outer).toMatchObject({
      kind: 'work',
      name: 'outer',
      args: { given: 1, outcome: 'done' },
      lane: 0,
    });
    expect(inner).toMatchObject({ kind: 'step', name: 'inner', lane: 0 });
    expect(inner.begin).toBeGreaterThanOrEqual(outer.begin);
    expect(inner.begin + inner.ms).toBeLessThanOrEqual(outer.begin + outer.ms);
    expect(outer.begin).toBeGreaterThanOrEqual(before - 1);
    expect(outer.begin + outer.ms).toBeLessThanOrEqual(Date.now() + 1);
  });

  test('a failure is reported and thrown on, at once or later', async () => {
    const told = listen();
    const fail = (): never => {
      throw new Error('broken');
    };
    expect(() => span('work', 'at once', fail)).toThrow('broken');
    await expect(span('work', 'later', () => turn().then(fail))).rejects.toThrow('broken');
    expect(told.map(({ args }) => args)).toEqual([{ error: 'broken' }, { error: 'broken' }]);
  });

  test('what runs side by side is in different lanes, what is called by it in its own', async () => {
    const told = listen();
    const row = (name: string): Promise<void> =>
      span('work', name, async () => {
        await turn();
        await span('work', `${name}, first`, turn);
        await span('work', `${name}, second`, turn);
      });
    await span('work', 'all', () => Promise.all([row('a'), row('b'), row('c')]));
    const lanes = ['a', 'b', 'c'].map((name) => named(told, name).lane);
    expect(new Set(lanes).size).toBe(3);
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      expect(named(told, `${name}, first`).lane).toBe(lanes[index]);
      expect(named(told, `${name}, second`).lane).toBe(lanes[index]);
    }
    await span('work', 'after', turn);
    expect(named(told, 'after').lane).toBe(0);
  });

  test('what goes on after its parent is in no lane of others', async () => {
    const told = listen();
    let late: Promise<void> = Promise.resolve();
    span('work', 'parent', () => {
      late = span('process', 'late', () => turn().then(turn));
    });
    await span('work', 'next', turn);
    await late;
    expect(named(told, 'parent').lane).toBe(named(told, 'next').lane);
    expect(named(told, 'late').lane).not.toBe(named(told, 'parent').lane);
  });
});
