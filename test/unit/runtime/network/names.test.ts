import { expect, test } from '@jest/globals';
import { macFromAddress } from '../../../../runtime/network/mac.ts';
import { hostVethName, netnsName, netnsPath } from '../../../../runtime/network/names.ts';

const id = '0123456789abcdef'.repeat(4);

test('names carry the digits of the id that people know, and fit the kernel', () => {
  expect(netnsName(id)).toBe('md-0123456789ab');
  expect(netnsPath(netnsName(id))).toBe('/run/netns/md-0123456789ab');
  expect(hostVethName(id)).toBe('mdv0123456789ab');
  expect(hostVethName(id)).toHaveLength(15);
  expect(hostVethName(id, 'beef')).toBe('mdv01234567beef');
});

test("a MAC address is derived from the address as Docker's are", () => {
  expect(macFromAddress('172.17.0.2')).toBe('02:42:ac:11:00:02');
  expect(macFromAddress('192.168.255.10')).toBe('02:42:c0:a8:ff:0a');
});
