import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { errnoOf, SyscallError } from '../../../../runtime/syscall/error.ts';
import { syscallNumbers } from '../../../../runtime/syscall/numbers.ts';

test('an errno is found in errors of both doors to the kernel, and in no others', () => {
  expect(errnoOf(new SyscallError('mount()', 'EPERM', 'operation not permitted'))).toBe('EPERM');
  try {
    readFileSync('/nonexistent');
  } catch (error) {
    expect(errnoOf(error)).toBe('ENOENT');
  }
  expect(errnoOf(new Error('x'))).toBe('');
  expect(errnoOf(Object.assign(new Error('x'), { code: 'PORT_IN_USE' }))).toBe('');
  expect(errnoOf(undefined)).toBe('');
});

test('both machines have every call, and one number for those newer than Linux 5.0', () => {
  const x64 = syscallNumbers('x64');
  const arm64 = syscallNumbers('arm64');
  expect(Object.keys(arm64).sort()).toEqual(Object.keys(x64).sort());
  for (const [name, number] of Object.entries(x64)) {
    if (number >= 424) expect([name, arm64[name as keyof typeof arm64]]).toEqual([name, number]);
  }
  expect(new Set(Object.values(x64)).size).toBe(Object.keys(x64).length);
  expect(new Set(Object.values(arm64)).size).toBe(Object.keys(arm64).length);
});
