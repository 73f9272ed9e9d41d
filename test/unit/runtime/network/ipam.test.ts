import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  acquireAddress,
  addressesOf,
  leaseOf,
  leaseOne,
  namesIn,
  ownerOf,
  peekAddress,
  releaseAddress,
  releaseAddresses,
  restoreAddress,
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
    "The network 'bridge' has the subnet 172.17.0.0/16.",
  ],
  ...[
    ['172.17.0.1', 'the gateway'],
    ['172.17.0.0', 'the network itself'],
    ['172.17.255.255', 'the broadcast address'],
    ['172.17.0.9', 'printer'],
  ].map(([address = '', name = '']): [string, string, string, string] => [
    address,
    'ADDRESS_RESERVED',
    'Address already in use',
    `${address} is ${name} of 172.17.0.0/16.`,
  ]),
  ['172.17.0.300', 'BAD_ADDRESS', 'invalid IPv4 address: 172.17.0.300', undefined],
])('--ip %s is refused: %s', (requested, code, message, hint) => {
  const reserved = { router: '172.17.0.8', printer: '172.17.0.9' };
  expect(failure(() => acquireAddress(leases, { ...bridge, reserved }, 'a', requested))).toMatchObject({
    code,
    message,
    hint,
  });
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

test('a look ahead at a requested address tells whether it is free', () => {
  expect(peekAddress(leases, bridge, '172.17.9.9')).toBe('172.17.9.9');
  expect(readdirSync(leases)).toEqual([]);
  acquireAddress(leases, bridge, '0123456789abcdef', '172.17.9.9');
  expect(failure(() => peekAddress(leases, bridge, '172.17.9.9'))).toMatchObject({
    code: 'ADDRESS_IN_USE',
    hint: '172.17.9.9 belongs to container 0123456789ab.',
  });
});

test('an empty request is none', () => {
  expect(acquireAddress(leases, bridge, 'a', '')).toBe('172.17.0.2');
});

test('an address that is used without a lease is passed over, and refused where it is asked for', () => {
  const isUsed = (address: string): boolean => address === '172.17.0.2';
  expect(acquireAddress(leases, bridge, 'a', undefined, isUsed)).toBe('172.17.0.3');
  expect(failure(() => acquireAddress(leases, bridge, 'b', '172.17.0.2', isUsed))).toMatchObject({
    code: 'ADDRESS_IN_USE',
    hint: '172.17.0.2 belongs to container that has just gone.',
  });
});

test('a range gives its own addresses, from its first to its last', () => {
  const ranged = { ...bridge, range: '172.17.8.0/30' };
  const given = ['a', 'b', 'c', 'd'].map((owner) => acquireAddress(leases, ranged, owner));
  expect(given).toEqual(['172.17.8.0', '172.17.8.1', '172.17.8.2', '172.17.8.3']);
  expect(failure(() => acquireAddress(leases, ranged, 'e'))).toMatchObject({
    code: 'NO_ADDRESS',
    hint: expect.stringContaining('172.17.8.0/30'),
  });
});

test.each([
  ['172.17.0.0', '172.17.0.1'],
  ['172.17.0.0/16', 'nowhere'],
])('a network with the subnet %s and the gateway %s is refused', (subnet, gateway) => {
  expect(failure(() => acquireAddress(leases, { ...bridge, subnet, gateway }, 'a'))).toMatchObject({
    code: 'BAD_NETWORK',
    message: `network bridge has the subnet '${subnet}' and the gateway '${gateway}'`,
  });
});

describe('the files', () => {
  test('a lease that is restored has its owner; others lose it', () => {
    const umask = process.umask(0);
    try {
      restoreAddress(join(leases, 'deep'), 'n1', '172.17.0.5', 'a');
      restoreAddress(join(leases, 'deep'), 'n1', '172.17.0.5', 'b');
      acquireAddress(join(leases, 'deep'), bridge, 'c', '172.17.0.6');
    } finally {
      process.umask(umask);
    }
    const directory = join(leases, 'deep', 'n1');
    expect(leaseOf(join(leases, 'deep'), 'n1', '172.17.0.5')).toBe('b');
    expect(readdirSync(directory).sort()).toEqual(['172.17.0.5', '172.17.0.6']);
    // Every user may read them, whatever the umask of who made them; none may write.
    expect(statSync(directory).mode & 0o777).toBe(0o755);
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o644);
  });

  test('the addresses of an owner are those in every network, and no file of a killed process', () => {
    acquireAddress(leases, bridge, 'a');
    acquireAddress(leases, bridge, 'b');
    acquireAddress(leases, network('172.18.0.0/16', 'n2'), 'a');
    writeFileSync(join(leases, 'n1', '.a'), 'a');
    const held = addressesOf(leases, 'a');
    expect(held).toHaveLength(2);
    expect(held).toContainEqual({ networkId: 'n1', address: '172.17.0.2' });
    expect(held).toContainEqual({ networkId: 'n2', address: '172.18.0.2' });
    expect(addressesOf(join(leases, 'nowhere'), 'a')).toEqual([]);
  });

  test('what a killed process has left half-written goes with its owner', () => {
    acquireAddress(leases, bridge, 'b');
    writeFileSync(join(leases, 'n1', '.a'), '');
    writeFileSync(join(leases, 'n1', '.c'), '');
    releaseAddresses(leases, 'a');
    expect(readdirSync(join(leases, 'n1')).sort()).toEqual(['.c', '172.17.0.2']);
  });

  test('a file that another has removed meanwhile is no failure; one that cannot be made is', () => {
    const directory = join(leases, 'n1');
    expect(
      leaseOne(
        directory,
        'a',
        () => false,
        () => (rmSync(join(directory, '.a')), 'mine'),
      ),
    ).toBe('mine');
    expect(
      failure(() =>
        leaseOne(
          directory,
          'a',
          () => false,
          (lease) => String(lease('no/where')),
        ),
      ),
    ).toMatchObject({
      code: 'ENOENT',
    });
  });

  test('an owner is a line; a lease or directory that is not there is none, one that cannot be read is a failure', () => {
    mkdirSync(join(leases, 'n1'));
    writeFileSync(join(leases, 'n1', '172.17.0.2'), 'a\n');
    expect(ownerOf(join(leases, 'n1', '172.17.0.2'))).toBe('a');
    expect(ownerOf(join(leases, 'n1', '172.17.0.3'))).toBeUndefined();
    expect(failure(() => ownerOf(leases))).toMatchObject({ code: 'EISDIR' });
    expect(namesIn(join(leases, 'nowhere'))).toEqual([]);
    expect(failure(() => namesIn(join(leases, 'n1', '172.17.0.2')))).toMatchObject({ code: 'ENOTDIR' });
  });
});
