import { expect, test } from '@jest/globals';
import { parseSignal } from '../../../../src/engine/signals.ts';

test.each([
  ['SIGTERM', 15],
  ['TERM', 15],
  ['term', 15],
  ['sigkill', 9],
  ['9', 9],
  ['64', 64],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['RTMAX-14', 50],
  ['RTMAX', 64],
])('%s is %d', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(['', '0', '65', '-1', 'SIGNONE', 'RTMIN+31', 'RTMIN-1', 'RTMAX+1', '9x'])(
  '%j is refused',
  (text) => {
    expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
  },
);
