import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import {
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  allCapabilities,
  availableCapabilities,
  capabilityMask,
  capabilityNames,
  lastCapability,
  resolveCapabilities,
} from '../../../../runtime/process/capabilities.ts';

const resolve = (capAdd: string[], capDrop: string[], privileged = false): string[] =>
  resolveCapabilities({ capAdd, capDrop, privileged, lastCap: 40 });

describe('the table', () => {
  test("has Docker's default mask", () => {
    expect(capabilityMask(DEFAULT_CAPABILITIES)).toBe(0xa80425fbn);
    expect(DEFAULT_CAPABILITIES).toHaveLength(14);
  });

  test('numbers 41 capabilities as the kernel does', () => {
    expect(CAPABILITIES).toHaveLength(41);
    expect(CAPABILITIES.indexOf('CAP_NET_ADMIN')).toBe(12);
    expect(CAPABILITIES.indexOf('CAP_SYS_ADMIN')).toBe(21);
    expect(CAPABILITIES.indexOf('CAP_CHECKPOINT_RESTORE')).toBe(40);
  });

  const header = '/usr/include/linux/capability.h';
  (existsSync(header) ? test : test.skip)('agrees with the kernel header where one is installed', () => {
    const numbers = [...readFileSync(header, 'utf8').matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)$/gm)];
    expect(numbers.length).toBeGreaterThanOrEqual(41);
    for (const [, name, number] of numbers) expect(CAPABILITIES[Number(number)]).toBe(name);
  });

  test('masks and names are each other’s inverse', () => {
    expect(capabilityNames(0xa80425fbn)).toEqual(DEFAULT_CAPABILITIES);
    expect(capabilityNames(1n << 60n)).toEqual([]);
  });
});

describe("Docker's rules", () => {
  test('nothing asked for is the default', () => {
    expect(resolve([], [])).toEqual(DEFAULT_CAPABILITIES);
  });

  test('names come in any case, with or without the prefix', () => {
    for (const name of ['net_admin', 'NET_ADMIN', 'cap_net_admin', 'CAP_NET_ADMIN', ' Net_Admin ']) {
      expect(resolve([name], [])).toEqual(capabilityNames(0xa80425fbn | (1n << 12n)));
    }
  });

  test('dropping takes away, adding beats dropping the same one', () => {
    expect(resolve([], ['MKNOD'])).not.toContain('CAP_MKNOD');
    expect(resolve([], ['MKNOD'])).toHaveLength(13);
    expect(resolve(['MKNOD'], ['MKNOD'])).toContain('CAP_MKNOD');
  });

  test('ALL added is everything but what is dropped', () => {
    expect(resolve(['ALL'], [])).toEqual(CAPABILITIES);
    expect(resolve(['all'], ['SYS_ADMIN', 'NET_RAW'])).toEqual(
      CAPABILITIES.filter((name) => name !== 'CAP_SYS_ADMIN' && name !== 'CAP_NET_RAW'),
    );
  });

  test('ALL dropped is nothing but what is added', () => {
    expect(resolve([], ['ALL'])).toEqual([]);
    expect(resolve(['NET_BIND_SERVICE'], ['ALL'])).toEqual(['CAP_NET_BIND_SERVICE']);
  });

  test('ALL both added and dropped is everything', () => {
    expect(resolve(['ALL'], ['ALL'])).toEqual(CAPABILITIES);
  });

  test('privileged is all the kernel has, whatever is dropped', () => {
    expect(resolve([], ['ALL'], true)).toEqual(CAPABILITIES);
    expect(resolveCapabilities({ capAdd: [], capDrop: [], privileged: true, lastCap: 37 })).toHaveLength(38);
  });

  test('what this process lacks itself is not handed on', () => {
    const request = { capDrop: [], lastCap: 40, available: 0xa80425fbn };
    expect(resolveCapabilities({ ...request, capAdd: [], privileged: true })).toEqual(DEFAULT_CAPABILITIES);
    expect(() => resolveCapabilities({ ...request, capAdd: ['SYS_ADMIN'], privileged: false })).toThrow(
      expect.objectContaining({
        code: 'CAPABILITY_UNAVAILABLE',
        message:
          'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_ADMIN"',
      }),
    );
  });

  test('dropping what this process lacks anyway is no failure', () => {
    const request = { capAdd: [], privileged: false, lastCap: 40, available: 0xa80425fbn };
    expect(resolveCapabilities({ ...request, capDrop: ['SYS_ADMIN'] })).toEqual(DEFAULT_CAPABILITIES);
  });

  test('an unknown name is refused in Docker’s words', () => {
    expect(() => resolve(['foo'], [])).toThrow(
      expect.objectContaining({
        code: 'INVALID_CAPABILITY',
        message: 'invalid CapAdd: unknown capability: "CAP_FOO"',
      }),
    );
    expect(() => resolve([], ['CAP_BAR'])).toThrow('invalid CapDrop: unknown capability: "CAP_BAR"');
    expect(() => capabilityMask(['NET_RAW'])).toThrow(/^unknown capability: "NET_RAW"$/);
  });
});

describe('this machine', () => {
  const bounding = readFileSync('/proc/self/status', 'utf8').match(/^CapBnd:\t(\w+)$/m)?.[1] ?? '';

  test('says what its kernel knows and this process may hand on', () => {
    expect(lastCapability()).toBe(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8').trim()));
    expect(availableCapabilities()).toBe(BigInt(`0x${bounding}`));
  });

  test('gives all that to a privileged container', () => {
    expect(allCapabilities()).toEqual(capabilityNames(BigInt(`0x${bounding}`)));
  });
});
