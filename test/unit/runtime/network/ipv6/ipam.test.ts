/** Leases of IPv6 addresses: which one goes out, in which form it is kept, what is refused. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  addressesOf,
  acquireAddress,
  releaseAddress,
  releaseAddresses,
} from '../../../../../runtime/network/ipam.ts';
import { acquireAddress6, peekAddress6 } from '../../../../../runtime/network/ipv6/ipam.ts';
import { chooseSubnet6, parseRoutes6 } from '../../../../../runtime/network/ipv6/subnet.ts';
import { parseCidr6, type Cidr6 } from '../../../../../runtime/network/ipv6/address.ts';
import type { BridgeNetwork, Ipv6Block } from '../../../../../runtime/network/types.ts';

let leases: string;
beforeEach(() => void (leases = mkdtempSync(join(tmpdir(), 'leases-'))));
afterEach(() => rmSync(leases, { recursive: true }));

const network = (ipv6: Ipv6Block): BridgeNetwork => ({
  id: 'n6',
  name: 'six',
  bridge: 'minidock6',
  subnet: '172.17.0.0/16',
  gateway: '172.17.0.1',
  ipv6,
  created: '2024-01-01T00:00:00Z',
});
const six = network({ subnet: 'fd00:1::/64', gateway: 'fd00:1::1' });
const failure = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

test('addresses go out from the lowest, past the gateway, and a released one is next again', () => {
  const given = ['a', 'b', 'c'].map((owner) => acquireAddress6(leases, six, owner));
  expect(given).toEqual(['fd00:1::2', 'fd00:1::3', 'fd00:1::4']);
  releaseAddress(leases, six.id, 'fd00:1::3', 'b');
  expect(peekAddress6(leases, six)).toBe('fd00:1::3');
  expect(acquireAddress6(leases, six, 'd')).toBe('fd00:1::3');
});

test('one owner has an address of each family, and gives both back', () => {
  acquireAddress(leases, six, 'a');
  acquireAddress6(leases, six, 'a');
  expect(addressesOf(leases, 'a').map(({ address }) => address)).toEqual(['172.17.0.2', 'fd00:1::2']);
  releaseAddresses(leases, 'a');
  expect(readdirSync(join(leases, six.id))).toEqual([]);
});

test('an address is one lease, however it is written', () => {
  expect(acquireAddress6(leases, six, 'a', 'FD00:1:0:0::0077')).toBe('fd00:1::77');
  expect(readFileSync(join(leases, six.id, 'fd00:1::77'), 'utf8')).toBe('a');
  expect(failure(() => acquireAddress6(leases, six, 'b', 'fd00:0001::77'))).toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: 'Address already in use',
    hint: 'fd00:1::77 belongs to container a.',
  });
});

test('a range bounds what goes out, and reserved addresses stay', () => {
  const ranged = network({
    subnet: 'fd00:1::/64',
    gateway: 'fd00:1::100',
    range: 'fd00:1::100/126',
    reserved: { printer: 'fd00:1::102' },
  });
  expect(acquireAddress6(leases, ranged, 'a')).toBe('fd00:1::101');
  expect(acquireAddress6(leases, ranged, 'b')).toBe('fd00:1::103');
  expect(failure(() => acquireAddress6(leases, ranged, 'c'))).toMatchObject({
    code: 'NO_ADDRESS',
    message: "no available IPv6 addresses on this network's address pools: six (n6)",
  });
  expect(failure(() => acquireAddress6(leases, ranged, 'c', 'fd00:1::102'))).toMatchObject({
    code: 'ADDRESS_RESERVED',
  });
  expect(acquireAddress6(leases, ranged, 'c', 'fd00:1::9')).toBe('fd00:1::9');
});

test.each([
  ['fd00:2::5', 'ADDRESS_OUTSIDE_SUBNET'],
  ['fd00:1::1', 'ADDRESS_RESERVED'],
  ['fd00:1::', 'ADDRESS_RESERVED'],
  ['fd00:1::5::', 'BAD_ADDRESS'],
  ['../a', 'BAD_ADDRESS'],
])('--ip6 %s is refused: %s', (requested, code) => {
  expect(failure(() => acquireAddress6(leases, six, 'a', requested))).toMatchObject({ code });
  expect(readdirSync(join(leases, six.id))).toEqual([]);
});

const cidr = (text: string): Cidr6 => parseCidr6(text) as Cidr6;

test('a block of fd00::/8 is made of random digits, clear of what is routed', () => {
  const id = '45ab00cdef' + '0123456789' + 'f'.repeat(44);
  expect(chooseSubnet6(id, [])).toEqual({ subnet: 'fd45:ab00:cdef::/64', gateway: 'fd45:ab00:cdef::1' });
  const taken = [cidr('::/0'), cidr('fd00::/8'), cidr('fd45:ab00::/32')];
  expect(chooseSubnet6(id, taken).subnet).toBe('fd01:2345:6789::/64');
  expect(failure(() => chooseSubnet6('45ab00cdef', taken))).toMatchObject({ code: 'NO_SUBNET' });
});

test('routes are read from the kernel’s own table', () => {
  const text =
    'fd000001000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n' +
    '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n';
  expect(parseRoutes6(text)).toEqual([cidr('fd00:1::/64'), cidr('::/0')]);
});
