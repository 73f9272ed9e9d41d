import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { parseSignal, signalName } from '../../../../../src/engine/spec/signals.ts';

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

test('the name of a signal is that signal, also to the kill of a shell', () => {
  expect([15, 9, 1, 37].map(signalName)).toEqual(['TERM', 'KILL', 'HUP', '37']);
  const numbers = Array.from({ length: 64 }, (_, index) => index + 1).filter((n) => n !== 32 && n !== 33);
  expect(numbers.map((number) => parseSignal(signalName(number)))).toEqual(numbers);
  const { stdout } = spawnSync('bash', ['-c', 'kill -l "$@"', 'sh', ...numbers.map(signalName)]);
  expect(stdout.toString().trim().split('\n')).toHaveLength(numbers.length);
});
