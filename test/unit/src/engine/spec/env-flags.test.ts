/** The order of variables, which Docker's `env` and `inspect` show. */
import { expect, test } from '@jest/globals';
import { mergeEnv } from '../../../../../src/engine/spec/env-flags.ts';

test('flags come first, then what of the image no flag sets', () => {
  expect(mergeEnv(['PATH=/bin', 'COLOUR=blue', 'SHAPE=round'], ['A=b', 'COLOUR=red'])).toEqual([
    'A=b',
    'COLOUR=red',
    'PATH=/bin',
    'SHAPE=round',
  ]);
  expect(mergeEnv(['A=1'], ['A='])).toEqual(['A=']);
});
