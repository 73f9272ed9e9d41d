import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  acquireAddress,
  peekAddress,
  releaseAddress,
  releaseAddresses,
} from '../../../../runtime/network/ipam.ts';
import type { BridgeNetwork } from '../../../../runtime/network/types.ts';

let leases: string;
beforeEach(() => void (leases = mkdtempSync(join(tmpdir(), 'leases-'))));
afterEach(() => rmSync(leases, { recursive: true }));

const network = (subnet: string, id = 'n1'): BridgeNetwork => ({
  id,
  name: 'bridge',
  bridge: 'minidock0',
  subnet,
  gateway: subnet.replace(/0\/\d+$/, '1'),
  created: '2024-01-01T00:00:00Z',
});
const bridge = network('172.17.0.0/16');
const failure = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

test('addresses go out from the lowest, past the gateway, and a released one is next again', () => {
  expect(['a', 'b', 'c'].map((owner) => acquireAddress(leases, bridge, owner))).toEqual([
    '172.17.0.2',
    '172.17.0.3',
    '172.17.0.4',
  ]);
  releaseAddress(leases, bridge.id, '172.17.0.3', 'b');
  expect(peekAddress(leases, bridge)).toBe('172.17.0.3');
  expect(acquireAddress(leases, bridge, 'd')).toBe('172.17.0.3');
});

test('a lease is one file named after the address with its owner inside, and nothing else stays', () => {
  acquireAddress(leases, bridge, 'owner-id');
  expect(readdirSync(join(leases, bridge.id))).toEqual(['172.17.0.2']);
  expect(readFileSync(join(leases, bridge.id, '172.17.0.2'), 'utf8')).toBe('owner-id');
});

test('a look ahead takes nothing, also where no lease was ever given', () => {
  expect(peekAddress(join(leases, 'none'), bridge)).toBe('172.17.0.2');
  expect(readdirSync(leases)).toEqual([]);
});

test('a requested address is leased once', () => {
  expect(acquireAddress(leases, bridge, 'a', '172.17.9.9')).toBe('172.17.9.9');
  expect(failure(() => acquireAddress(leases, bridge, 'b', '172.17.9.9'))).toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: 'Address already in use',
    hint: '172.17.9.9 belongs to container a.',
  });
});

test.each([
  [
    '10.0.0.5',
    'ADDRESS_OUTSIDE_SUBNET',
    "invalid address 10.0.0.5: It does not belong to any of this network's subnets",
  ],
  ['172.17.0.1', 'ADDRESS_RESERVED', 'Address already in use'],
  ['172.17.0.0', 'ADDRESS_RESERVED', 'Address already in use'],
  ['172.17.255.255', 'ADDRESS_RESERVED', 'Address already in use'],
  ['172.17.0.300', 'BAD_ADDRESS', 'invalid IPv4 address: 172.17.0.300'],
])('--ip %s is refused: %s', (requested, code, message) => {
  expect(failure(() => acquireAddress(leases, bridge, 'a', requested))).toMatchObject({ code, message });
  expect(readdirSync(join(leases, bridge.id))).toEqual([]);
});

test('a small subnet is exhausted, and says so as Docker does', () => {
  const small = network('192.0.2.0/29');
  const given = ['a', 'b', 'c', 'd', 'e'].map((owner) => acquireAddress(leases, small, owner));
  expect(given).toEqual(['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6']);
  expect(failure(() => acquireAddress(leases, small, 'f'))).toMatchObject({
    code: 'NO_ADDRESS',
    message: "no available IPv4 addresses on this network's address pools: bridge (n1)",
  });
});

test('an owner gives back all it has in every network, and nothing of others', () => {
  const second = network('172.18.0.0/16', 'n2');
  acquireAddress(leases, bridge, 'a');
  acquireAddress(leases, second, 'a');
  acquireAddress(leases, bridge, 'b');
  releaseAddresses(leases, 'a');
  releaseAddress(leases, bridge.id, '172.17.0.3', 'a');
  expect(readdirSync(join(leases, 'n1'))).toEqual(['172.17.0.3']);
  expect(readdirSync(join(leases, 'n2'))).toEqual([]);
  releaseAddresses(join(leases, 'nowhere'), 'a');
});
