import { PassThrough } from 'node:stream';
import { expect, jest, test } from '@jest/globals';
import { WHILE, withSpinner } from '../../../../src/ui/spinner.ts';

type Target = NonNullable<NonNullable<Parameters<typeof withSpinner>[2]>['stream']>;

const stream = (changes: { isTTY: boolean; columns?: number }): { target: Target; written: () => string } => {
  const output = new PassThrough();
  const target = { columns: 80, ...changes, asNodeStream: () => output as unknown as NodeJS.WriteStream };
  return { target, written: () => String((output.read() as Buffer | null) ?? '') };
};

// A pty that nobody sized has no columns: a spinner that clears its lines there never ends.
test.each([
  ['no terminal', { isTTY: false }, {}],
  ['a terminal of no width', { isTTY: true, columns: 0 }, {}],
  ['quiet', { isTTY: true, columns: 80 }, { quiet: true }],
])('%s: the work is done, nothing is shown', async (_name, changes, options) => {
  const { target, written } = stream(changes);
  const result = await withSpinner(
    'Working',
    (say) => {
      say('still');
      return Promise.resolve(5);
    },
    { ...options, stream: target },
  );
  expect([result, written()]).toEqual([5, '']);
});

test('what the work throws is thrown', async () => {
  const { target } = stream({ isTTY: false });
  await expect(
    withSpinner('Working', () => Promise.reject(new Error('x')), { stream: target }),
  ).rejects.toThrow('x');
});

test('work that is over before the spinner is due shows none; work that goes on does', async () => {
  jest.useFakeTimers();
  try {
    const { target, written } = stream({ isTTY: true });
    let finish = (): void => undefined;
    const start = (): Promise<void> =>
      withSpinner('Stopping', () => new Promise<void>((resolve) => (finish = resolve)), {
        after: WHILE,
        stream: target,
      });
    const short = start();
    await jest.advanceTimersByTimeAsync(WHILE - 1);
    finish();
    await short;
    await jest.advanceTimersByTimeAsync(WHILE);
    expect(written()).toBe('');
    const long = start();
    await jest.advanceTimersByTimeAsync(WHILE);
    jest.useRealTimers();
    let shown = '';
    while (!shown.includes('Stopping')) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      shown += written();
    }
    finish();
    await long;
  } finally {
    jest.useRealTimers();
  }
});
