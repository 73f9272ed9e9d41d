import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { withSpinner } from '../../../../src/ui/spinner.ts';

const stream = (changes: object): { target: NodeJS.WriteStream; written: () => string } => {
  const target = Object.assign(new PassThrough(), changes) as unknown as NodeJS.WriteStream;
  return { target, written: () => String((target as unknown as PassThrough).read() ?? '') };
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
