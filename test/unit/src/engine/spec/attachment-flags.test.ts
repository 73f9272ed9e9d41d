/** `--network` in both of its forms, with Docker's words for what is wrong (docker.io 26.1). */
import { describe, expect, test } from '@jest/globals';
import { attachmentRequests, parseLink } from '../../../../../src/engine/spec/attachment-flags.ts';
import { byGateway, endpointSpecs, endpointStates } from '../../../../../src/engine/spec/endpoints.ts';
import type { NetworkSpec } from '../../../../../src/engine/spec/container.ts';

const PLAIN = { aliases: [], links: [], driverOpts: {}, priority: 0 };

describe('--network', () => {
  test('a name, several names, the long form', () => {
    expect(attachmentRequests({})).toEqual([{ target: 'default', ...PLAIN }]);
    expect(attachmentRequests({ network: ['a', 'b'] })).toEqual([
      { target: 'a', ...PLAIN },
      { target: 'b', ...PLAIN },
    ]);
    const long =
      'name=a,alias=x,ALIAS=y,ip=10.0.0.5,mac-address=02:00:00:00:00:01,driver-opt=k=v=w,gw-priority=-3';
    expect(attachmentRequests({ network: [long] })).toEqual([
      {
        target: 'a',
        aliases: ['x', 'y'],
        links: [],
        ip: '10.0.0.5',
        macAddress: '02:00:00:00:00:01',
        driverOpts: { k: 'v=w' },
        priority: -3,
      },
    ]);
  });

  test('older flags are about the first network', () => {
    const flags = { network: ['a', 'b'], networkAlias: ['x'], link: ['db', '/db:store'], ip: '10.0.0.5' };
    expect(attachmentRequests(flags)).toEqual([
      { target: 'a', ...PLAIN, aliases: ['x'], links: ['db:db', 'db:store'], ip: '10.0.0.5' },
      { target: 'b', ...PLAIN },
    ]);
  });

  test.each([
    [['name=a,gw-priority=x'], 'invalid gw-priority (x): a whole number is wanted'],
    [['name=a,ip6=::1,link-local-ip=fe80::1'], 'link-local addresses are not supported'],
    [['name=a,alias=x y'], 'a name has no spaces or line breaks'],
    [['alias=bar'], 'network name/id is not specified'],
    [['a', 'none'], 'cannot attach both user-defined and non-user-defined network-modes'],
    [['a', 'b', 'a'], 'network "a" is specified multiple times'],
  ])('%j is refused', (network, words) => {
    expect(() => attachmentRequests({ network })).toThrow(words);
  });

  test.each(['', 'a:b:c', ':b', 'a:'])('--link %j is refused', (link) => {
    expect(() => parseLink(link)).toThrow('for "--link" flag');
  });
});

test('records of older versions have one network', () => {
  const old = { mode: 'net', ip: '10.0.0.5', macAddress: '' } as unknown as NetworkSpec;
  expect(endpointSpecs(old)).toEqual([{ network: 'net', ip: '10.0.0.5' }]);
  expect(endpointSpecs({ ...old, mode: 'host', ip: '' })).toEqual([]);
  expect(endpointStates(undefined)).toEqual([]);
});

test('the way out: no internal network, the highest priority, the first name', () => {
  const route = (name: string, priority = 0, internal = false): Parameters<typeof byGateway>[0] => ({
    network: { name, internal },
    priority,
  });
  const sorted = [route('a', 9, true), route('c'), route('b'), route('z', 1)].toSorted(byGateway);
  expect(sorted.map(({ network }) => network.name)).toEqual(['z', 'b', 'c', 'a']);
});
