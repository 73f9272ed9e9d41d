import { expect, test } from '@jest/globals';
import { openSeal, seal } from '../../../../../src/engine/state/seal.ts';

const RECORD = '{"name":"wéb","layers":[]}';

test('a sealed record is JSON, and gives back what was sealed', () => {
  const sealed = seal(RECORD);
  expect(JSON.parse(sealed)).toEqual({
    name: 'wéb',
    layers: [],
    seal: expect.stringMatching(/^[0-9a-f]{8}$/),
  });
  expect(openSeal(sealed)).toEqual({ json: RECORD, isIntact: true });
});

test.each([
  ['another letter', (text: string) => text.replace('wéb', 'wèb')],
  [
    'another digit of the seal',
    (text: string) => text.slice(0, -3) + (text.at(-3) === '0' ? '1' : '0') + '"}',
  ],
])('is not intact with %s', (_, damage) => {
  expect(openSeal(damage(seal(RECORD)))).toMatchObject({ isIntact: false });
});

test.each([RECORD, '', '{}', 'not JSON', seal(RECORD).slice(0, -1), `${seal(RECORD)}\n`])(
  'what has no seal at its end is left as it is: %s',
  (text) => {
    expect(openSeal(text)).toEqual({ json: text, isIntact: false });
  },
);
