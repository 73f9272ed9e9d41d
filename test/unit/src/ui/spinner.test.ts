import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { withSpinner } from '../../../../src/ui/spinner.ts';

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
