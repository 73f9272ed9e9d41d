/** What a check sends has left its sender before what arrived is counted: a host whose sender is slow at first. */
import { expect, test } from '@jest/globals';
import type { LabHost } from '../../../../../src/teach/lab/lesson.ts';
import { nothingArrives } from '../../../../../src/teach/lab/lessons/packets.ts';

const ATTEMPT = {
  protocol: 'tcp',
  from: 'outside',
  to: 'red',
  address: '192.0.2.1',
  ports: [22, 443],
} as const;
const { holds } = nothingArrives('', [ATTEMPT]);

/** `sends` has the number of packets that leave at each try. */
function hostThat(sends: readonly number[]): { readonly host: LabHost; tries: () => number } {
  let tries = 0;
  let arrived = 0;
  const run: LabHost['run'] = ([program, verb], { netns } = {}) => {
    if (program === 'timeout') arrived += sends[tries++] ?? 0;
    const counted = netns === ATTEMPT.to ? arrived : (sends[tries - 1] ?? 0);
    const stdout = program === 'nft' && verb === 'list' ? `counter packets ${String(counted)} bytes 0` : '';
    return Promise.resolve({ status: 0, stdout, stderr: '' });
  };
  return { host: { run } as LabHost, tries: () => tries };
}

test('one try is enough where all has left', async () => {
  const { host, tries } = hostThat([2]);
  expect(await holds(host)).toBe(false);
  expect(tries()).toBe(1);
});

test('where nothing has left yet, it is tried again', async () => {
  const { host, tries } = hostThat([0, 2]);
  expect(await holds(host)).toBe(false);
  expect(tries()).toBe(2);
});

test('where nothing may leave, the check ends', async () => {
  const { host, tries } = hostThat([0, 0, 0, 0]);
  expect(await holds(host)).toBe(true);
  expect(tries()).toBe(3);
});
