/** Which calls the lab's filter lets through, in each of the numberings a program may use. */
import { expect, test } from '@jest/globals';
import { compileSeccomp } from '../../../../../runtime/process/seccomp/compile.ts';
import { AUDIT_ARCH, syscallNumbers, X32_BIT } from '../../../../../runtime/process/seccomp/syscalls.ts';
import { LAB_FILTER } from '../../../../../src/teach/lab/confine.ts';
import { runFilter } from '../../../../support/kernel/bpf-interpreter.ts';

const ALLOW = 0x7fff_0000;
const EAFNOSUPPORT = 0x0005_0000 | 97;
const ENOSYS = 0x0005_0000 | 38;

const answer = (
  arch: 'x86_64' | 'x86' | 'x32' | 'aarch64',
  call: string,
  ...args: readonly number[]
): number => {
  const nr = syscallNumbers(arch).get(call) ?? -1;
  const program = compileSeccomp(LAB_FILTER, arch === 'aarch64' ? arch : 'x86_64');
  return runFilter(program, { arch: AUDIT_ARCH[arch], nr: arch === 'x32' ? nr + X32_BIT : nr, args });
};

test.each(['x86_64', 'x86', 'x32', 'aarch64'] as const)('%s', (arch) => {
  for (const call of ['socket', 'socketpair']) {
    const made = Array.from({ length: 60 }, (_, family) => family).filter(
      (family) => answer(arch, call, family) === ALLOW,
    );
    expect(made).toEqual([1, 2, 10, 16, 17]);
    for (const family of [-1, 0x7fff_ffff]) expect(answer(arch, call, family)).toBe(EAFNOSUPPORT);
  }
  expect(answer(arch, 'io_uring_setup', 1)).toBe(ENOSYS);
  for (const call of ['connect', 'openat', 'execve', 'unshare', 'mount'])
    expect(answer(arch, call, 40)).toBe(ALLOW);
});

test('32-bit programs make no socket through socketcall, where its family cannot be seen', () => {
  for (const operation of [1, 8]) expect(answer('x86', 'socketcall', operation)).toBe(EAFNOSUPPORT);
  for (const operation of [2, 3, 9, 18]) expect(answer('x86', 'socketcall', operation)).toBe(ALLOW);
});
