import { expect, test } from '@jest/globals';
import { describeGroup, groupPorts } from '../../../../../runtime/network/firewall/port-groups.ts';
import type { PortBinding } from '../../../../../runtime/network/types.ts';

const tcp = (hostPort: number, containerPort: number, hostIp = '0.0.0.0'): PortBinding => ({
  hostIp,
  hostPort,
  containerPort,
  protocol: 'tcp',
});

test('ports that count up together are one group', () => {
  expect(groupPorts([tcp(80, 8000), tcp(81, 8001), tcp(82, 8002)])).toEqual([
    { hostIp: '0.0.0.0', protocol: 'tcp', hostPort: 80, containerPort: 8000, count: 3 },
  ]);
});

test('a gap on either side, another address or protocol begins a new one', () => {
  const ports = [
    tcp(80, 80),
    tcp(82, 81),
    tcp(83, 83),
    tcp(84, 84, '127.0.0.1'),
    { ...tcp(85, 85, '127.0.0.1'), protocol: 'udp' as const },
  ];
  expect(groupPorts(ports).map(describeGroup)).toEqual([
    '80/tcp',
    '82/tcp',
    '83/tcp',
    '127.0.0.1:84/tcp',
    '127.0.0.1:85/udp',
  ]);
});

test('a group is cut before its command line would be too long for the kernel', () => {
  const groups = groupPorts(Array.from({ length: 2500 }, (_, index) => tcp(10000 + index, 10000 + index)));
  expect(groups.map(({ count }) => count)).toEqual([1024, 1024, 452]);
  expect(groups.map(describeGroup)[0]).toBe('10000-11023/tcp');
});
