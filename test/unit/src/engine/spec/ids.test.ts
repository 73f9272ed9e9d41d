/** Identities as others read them. */
import { expect, test } from '@jest/globals';
import { newId, shortId } from '../../../../../src/engine/spec/ids.ts';

test('the short form of an id is no number', () => {
  // Of ids that may have any digits, some sixty of these were numbers.
  const shorts = Array.from({ length: 20_000 }, () => shortId(newId()));
  expect(shorts.filter((short) => /^\d+$/.test(short))).toEqual([]);
});
