import { describe, expect, test } from '@jest/globals';
import { compileDeviceFilter } from '../../../../runtime/cgroup/device-filter.ts';
import {
  deviceRuleText,
  deviceStepsV1,
  deviceStepsV2,
  type DeviceRules,
} from '../../../../runtime/cgroup/devices.ts';
import { runDeviceFilter } from '../../../support/kernel/ebpf-interpreter.ts';

const rules: DeviceRules = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rw' },
  { allow: true, type: 'b', major: 8, minor: 1, access: 'r' },
];

const ask = (program: Uint8Array, type: 'b' | 'c', major: number, minor: number, access: string): boolean =>
  runDeviceFilter(program, { type, major, minor, access });

describe('the program', () => {
  const program = compileDeviceFilter(rules);

  test('what is allowed by number passes', () => {
    expect(ask(program, 'c', 1, 3, 'rw')).toBe(true);
    expect(ask(program, 'c', 136, 0, 'rw')).toBe(true);
    expect(ask(program, 'c', 136, 77, 'r')).toBe(true);
  });

  test('any node may be made, but not opened', () => {
    expect(ask(program, 'b', 254, 0, 'm')).toBe(true);
    expect(ask(program, 'b', 254, 0, 'r')).toBe(false);
    expect(ask(program, 'b', 254, 0, 'rm')).toBe(false);
    expect(ask(program, 'c', 1, 1, 'r')).toBe(false);
  });

  test('the filter tells kinds of device apart', () => {
    expect(ask(program, 'b', 1, 3, 'r')).toBe(false);
  });

  test('only the access that was given', () => {
    expect(ask(program, 'b', 8, 1, 'r')).toBe(true);
    expect(ask(program, 'b', 8, 1, 'w')).toBe(false);
    expect(ask(program, 'b', 8, 1, 'rw')).toBe(false);
  });

  test('the last matching rule decides', () => {
    const denied = compileDeviceFilter([
      ...rules,
      { allow: false, type: 'c', major: 1, minor: 3, access: 'w' },
    ]);
    expect(ask(denied, 'c', 1, 3, 'r')).toBe(true);
    expect(ask(denied, 'c', 1, 3, 'w')).toBe(false);
    expect(ask(denied, 'c', 1, 3, 'rw')).toBe(false);
    const open = compileDeviceFilter([...rules, { allow: true, type: 'a' }]);
    expect(ask(open, 'b', 254, 0, 'rwm')).toBe(true);
  });

  test('no rules restrict nothing', () => {
    expect(ask(compileDeviceFilter([]), 'b', 8, 0, 'rw')).toBe(true);
  });
});

test("in version 1's words", () => {
  expect(rules.map(deviceRuleText)).toEqual([
    'a *:* rwm',
    'c *:* m',
    'b *:* m',
    'c 1:3 rwm',
    'c 136:* rw',
    'b 8:1 r',
  ]);
  const steps = deviceStepsV1('/d', 'cgroup.create:devices', rules);
  expect(steps.slice(0, 2).map(({ id, command }) => [id, command])).toEqual([
    ['cgroup.devices:deny:a *:* rwm', { kind: 'write', path: '/d/devices.deny', text: 'a *:* rwm' }],
    ['cgroup.devices:allow:c *:* m', { kind: 'write', path: '/d/devices.allow', text: 'c *:* m' }],
  ]);
});

test('version 2 needs no program where everything is allowed', () => {
  expect(deviceStepsV2('/d', 'cgroup.create', [{ allow: true, access: 'rwm' }])).toEqual([]);
  expect(deviceStepsV2('/d', 'cgroup.create', rules)).toMatchObject([
    { id: 'cgroup.devices', command: { kind: 'filter-devices', path: '/d', rules } },
  ]);
});
