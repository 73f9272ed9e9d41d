import { describe, expect, test } from '@jest/globals';
import type { OciSeccomp, OciSeccompRule } from '../../../../../runtime/bundle.ts';
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../../../../../runtime/process/capabilities.ts';
import { compileSeccomp } from '../../../../../runtime/process/seccomp/compile.ts';
import { defaultSeccomp } from '../../../../../runtime/process/seccomp/profile.ts';
import {
  AUDIT_ARCH,
  syscallNumbers,
  X32_BIT,
  type SeccompArch,
} from '../../../../../runtime/process/seccomp/syscalls.ts';
import { runFilter } from '../../../../support/kernel/bpf-interpreter.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50026;
const KILL_PROCESS = 0x80000000;

/** Asks a filter about a call by name. */
function ask(
  program: Uint8Array,
  arch: SeccompArch,
  name: string | number,
  ...args: (number | bigint)[]
): number {
  const nr = typeof name === 'number' ? name : (syscallNumbers(arch).get(name) ?? -1);
  if (nr < 0) throw new Error(`${arch} has no ${name}`);
  return runFilter(program, { arch: AUDIT_ARCH[arch], nr: arch === 'x32' ? nr + X32_BIT : nr, args });
}

const profile = (rules: OciSeccompRule[], rest: Partial<OciSeccomp> = {}): OciSeccomp => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: rules,
  ...rest,
});

describe('the default profile', () => {
  const x86 = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES, 'x86_64', '6.12.1'), 'x86_64');
  const arm = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES, 'aarch64', '6.12.1'), 'aarch64');

  test.each(['x86_64', 'x86', 'x32'] as const)(
    '%s: everyday calls pass, the dangerous ones do not',
    (arch) => {
      for (const name of [
        'read',
        'openat',
        'execve',
        'mmap',
        'futex',
        'fork',
        'arch_prctl',
        'ptrace',
        'chroot',
      ]) {
        expect([name, ask(x86, arch, name)]).toEqual([name, ALLOW]);
      }
      for (const name of [
        'mount',
        'unshare',
        'keyctl',
        'add_key',
        'bpf',
        'io_uring_setup',
        'reboot',
        'init_module',
      ]) {
        expect([name, ask(x86, arch, name)]).toEqual([name, EPERM]);
      }
    },
  );

  test.each(['aarch64', 'arm'] as const)('%s: likewise', (arch) => {
    for (const name of ['read', 'openat', 'execve', 'futex', 'chroot'])
      expect(ask(arm, arch, name)).toBe(ALLOW);
    for (const name of ['mount', 'unshare', 'keyctl', 'io_uring_setup'])
      expect(ask(arm, arch, name)).toBe(EPERM);
  });

  test("arm's private calls are reached past the long gap in its numbers", () => {
    expect(syscallNumbers('arm').get('set_tls')).toBe(0xf0005);
    for (const name of ['breakpoint', 'cacheflush', 'set_tls', 'sync_file_range2']) {
      expect(ask(arm, 'arm', name)).toBe(ALLOW);
    }
    expect(ask(arm, 'arm', 'usr26')).toBe(EPERM);
  });

  test('threads may be made, namespaces not', () => {
    const thread = 0x3d0f00;
    expect(ask(x86, 'x86_64', 'clone', thread)).toBe(ALLOW);
    expect(ask(x86, 'x86_64', 'clone', 17)).toBe(ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(ask(x86, 'x86_64', 'clone', thread | flag)).toBe(EPERM);
    }
    expect(ask(x86, 'x86_64', 'clone3')).toBe(ENOSYS);
  });

  test('any socket but one to the hypervisor', () => {
    expect(ask(x86, 'x86_64', 'socket', 2)).toBe(ALLOW);
    expect(ask(x86, 'x86_64', 'socket', 39)).toBe(ALLOW);
    expect(ask(x86, 'x86_64', 'socket', 40)).toBe(EPERM);
    expect(ask(x86, 'x86_64', 'socket', 41)).toBe(ALLOW);
  });

  test('only harmless personalities', () => {
    for (const value of [0, 8, 0x20000, 0x20008, 0xffffffff]) {
      expect(ask(x86, 'x86_64', 'personality', value)).toBe(ALLOW);
    }
    expect(ask(x86, 'x86_64', 'personality', 0x40000)).toBe(EPERM);
    expect(ask(x86, 'x86_64', 'personality', 0x1_0000_0008n)).toBe(EPERM);
  });

  test('a call newer than the profile does not exist, rather than being forbidden', () => {
    expect(ask(x86, 'x86_64', 457)).toBe(ENOSYS);
    expect(ask(x86, 'x86_64', 100_000)).toBe(ENOSYS);
    expect(ask(x86, 'x86_64', 335)).toBe(EPERM);
  });

  test('an architecture the machine does not have is killed', () => {
    expect(runFilter(x86, { arch: AUDIT_ARCH.aarch64, nr: 0 })).toBe(KILL_PROCESS);
    expect(runFilter(arm, { arch: AUDIT_ARCH.x86_64, nr: 0 })).toBe(KILL_PROCESS);
  });

  test('capabilities open what they are for', () => {
    const program = (...caps: string[]): Uint8Array =>
      compileSeccomp(defaultSeccomp(caps, 'x86_64', '6.12.1'), 'x86_64');
    expect(ask(program('CAP_SYS_ADMIN'), 'x86_64', 'mount')).toBe(ALLOW);
    expect(ask(program('CAP_SYS_ADMIN'), 'x86_64', 'clone', 0x10000000)).toBe(ALLOW);
    expect(ask(program('CAP_SYS_ADMIN'), 'x86_64', 'clone3')).toBe(ALLOW);
    expect(ask(program('CAP_SYS_TIME'), 'x86_64', 'clock_settime')).toBe(ALLOW);
    expect(ask(program('CAP_SYSLOG'), 'x86_64', 'syslog')).toBe(ALLOW);
    expect(ask(program('CAP_BPF'), 'x86_64', 'bpf')).toBe(ALLOW);
    expect(ask(program(), 'x86_64', 'chroot')).toBe(EPERM);
    expect(ask(program(...CAPABILITIES), 'x86_64', 'keyctl')).toBe(EPERM);
  });

  test('ptrace needs a kernel whose filter cannot be stepped around', () => {
    const old = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES, 'x86_64', '4.7.10'), 'x86_64');
    expect(ask(old, 'x86_64', 'ptrace')).toBe(EPERM);
    expect(ask(x86, 'x86_64', 'ptrace')).toBe(ALLOW);
  });

  test('compiles in a fraction of what a container start takes', () => {
    const seccomp = defaultSeccomp(DEFAULT_CAPABILITIES, 'x86_64', '6.12.1');
    const begin = performance.now();
    for (let i = 0; i < 20; i++) compileSeccomp(seccomp, 'x86_64');
    expect((performance.now() - begin) / 20).toBeLessThan(20);
    expect(x86.byteLength / 8).toBeLessThan(4096);
  });
});

describe('comparisons are of 64 bits', () => {
  const big = 0x1_0000_0028n;
  const values = [
    0n,
    39n,
    40n,
    41n,
    0xffff_ffffn,
    big - 1n,
    big,
    big + 1n,
    0x2_0000_0000n,
    0xffff_ffff_ffff_ffffn,
  ];
  const truth: Record<string, (a: bigint, b: bigint) => boolean> = {
    SCMP_CMP_EQ: (a, b) => a === b,
    SCMP_CMP_NE: (a, b) => a !== b,
    SCMP_CMP_LT: (a, b) => a < b,
    SCMP_CMP_LE: (a, b) => a <= b,
    SCMP_CMP_GE: (a, b) => a >= b,
    SCMP_CMP_GT: (a, b) => a > b,
  };

  test.each(Object.keys(truth))('%s', (op) => {
    for (const value of values) {
      const args = [{ index: 3, value: String(value), op }];
      const program = compileSeccomp(
        profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args }]),
        'x86_64',
      );
      for (const given of values) {
        const expected = truth[op]?.(given, value) === true ? ALLOW : EPERM;
        expect([op, value, given, ask(program, 'x86_64', 'read', 0, 0, 0, given)]).toEqual([
          op,
          value,
          given,
          expected,
        ]);
      }
    }
  });

  test('SCMP_CMP_MASKED_EQ looks at the masked bits of both halves', () => {
    const args = [
      { index: 0, value: String(0xf_0000_000fn), valueTwo: String(0x1_0000_0002n), op: 'SCMP_CMP_MASKED_EQ' },
    ];
    const program = compileSeccomp(profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args }]), 'x86_64');
    expect(ask(program, 'x86_64', 'read', 0xf1_ffff_fff2n)).toBe(ALLOW);
    expect(ask(program, 'x86_64', 'read', 0xf1_ffff_fff3n)).toBe(EPERM);
    expect(ask(program, 'x86_64', 'read', 0xf2_ffff_fff2n)).toBe(EPERM);
  });

  test('of 32 bits on 32-bit architectures, so that -1 is -1', () => {
    const args = [{ index: 0, value: '18446744073709551615', op: 'SCMP_CMP_EQ' }];
    const rules = [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args }];
    const program = compileSeccomp(
      profile(rules, { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] }),
      'x86_64',
    );
    expect(ask(program, 'x86', 'read', 0xffffffff)).toBe(ALLOW);
    expect(ask(program, 'x86_64', 'read', 0xffffffff)).toBe(EPERM);
    expect(ask(program, 'x86_64', 'read', -1n)).toBe(ALLOW);
  });
});

describe('rules', () => {
  const arg = (
    index: number,
    value: number,
    op = 'SCMP_CMP_EQ',
  ): NonNullable<OciSeccompRule['args']>[number] => ({
    index,
    value,
    op,
  });

  test('all conditions must hold, but any of several on one argument', () => {
    const both = compileSeccomp(
      profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [arg(0, 1), arg(1, 2)] }]),
      'x86_64',
    );
    expect([ask(both, 'x86_64', 'read', 1, 2), ask(both, 'x86_64', 'read', 1, 3)]).toEqual([ALLOW, EPERM]);
    const either = compileSeccomp(
      profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [arg(0, 1), arg(0, 2)] }]),
      'x86_64',
    );
    expect([1, 2, 3].map((n) => ask(either, 'x86_64', 'read', n))).toEqual([ALLOW, ALLOW, EPERM]);
  });

  test('an unconditional rule wins, in either order', () => {
    const conditional = { names: ['read'], action: 'SCMP_ACT_LOG', args: [arg(0, 1)] };
    const unconditional = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
    for (const rules of [
      [conditional, unconditional],
      [unconditional, conditional],
    ]) {
      expect(ask(compileSeccomp(profile(rules), 'x86_64'), 'x86_64', 'read', 1)).toBe(ALLOW);
    }
  });

  test('every action has its value', () => {
    const actions: [string, number | undefined, number][] = [
      ['SCMP_ACT_ALLOW', undefined, 0x7fff0000],
      ['SCMP_ACT_ERRNO', 13, 0x5000d],
      ['SCMP_ACT_KILL', undefined, 0],
      ['SCMP_ACT_KILL_THREAD', undefined, 0],
      ['SCMP_ACT_KILL_PROCESS', undefined, 0x80000000],
      ['SCMP_ACT_TRAP', undefined, 0x30000],
      ['SCMP_ACT_TRACE', 7, 0x7ff00007],
      ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
    ];
    for (const [action, errnoRet, value] of actions) {
      const rule = { names: ['read'], action, ...(errnoRet === undefined ? {} : { errnoRet }) };
      expect(ask(compileSeccomp(profile([rule]), 'x86_64'), 'x86_64', 'read')).toBe(value);
    }
  });

  test('what cannot be served is refused', () => {
    const rule = (action: string): OciSeccomp => profile([{ names: ['read'], action }]);
    expect(() => compileSeccomp(rule('SCMP_ACT_NOTIFY'), 'x86_64')).toThrow('SCMP_ACT_NOTIFY');
    expect(() => compileSeccomp(rule('SCMP_ACT_SING'), 'x86_64')).toThrow('unknown action "SCMP_ACT_SING"');
    expect(() =>
      compileSeccomp(
        profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [arg(0, 1, 'LIKE')] }]),
        'x86_64',
      ),
    ).toThrow('unknown comparison "LIKE"');
    expect(() =>
      compileSeccomp(profile([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [arg(6, 1)] }]), 'x86_64'),
    ).toThrow('no argument 6');
    expect(() => compileSeccomp(profile([], { architectures: ['sparc?'] }), 'x86_64')).toThrow('"sparc?"');
  });

  test('a denied socket is denied through socketcall too', () => {
    const program = compileSeccomp(
      profile([{ names: ['socket', 'shmget'], action: 'SCMP_ACT_ERRNO', errnoRet: 97 }], {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      }),
      'x86_64',
    );
    expect(ask(program, 'x86', 'socketcall', 1)).toBe(0x50061);
    expect(ask(program, 'x86', 'socketcall', 3)).toBe(ALLOW);
    expect(ask(program, 'x86', 'ipc', 23)).toBe(0x50061);
    expect(ask(program, 'x86', 'socket')).toBe(0x50061);
  });

  test('x32 calls are killed unless the profile has x32', () => {
    const rules = [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }];
    expect(ask(compileSeccomp(profile(rules), 'x86_64'), 'x32', 'read')).toBe(KILL_PROCESS);
    const x32 = compileSeccomp(profile(rules, { architectures: ['SCMP_ARCH_X32'] }), 'x86_64');
    expect(ask(x32, 'x32', 'read')).toBe(ALLOW);
    expect(ask(x32, 'x32', 'readv')).toBe(ENOSYS);
  });

  test('a permissive profile lets new calls through', () => {
    const rules = [{ names: ['read'], action: 'SCMP_ACT_ERRNO' }];
    const program = compileSeccomp(profile(rules, { defaultAction: 'SCMP_ACT_ALLOW' }), 'x86_64');
    expect([ask(program, 'x86_64', 'read'), ask(program, 'x86_64', 9999)]).toEqual([EPERM, ALLOW]);
  });

  test('trees too long for a short jump are reached by a long one', () => {
    // Every second call its own outcome: some 180 ranges of several instructions each.
    const names = [...syscallNumbers('x86_64').keys()].filter((_, i) => i % 2 === 0);
    const rules = names.map((name, i) => ({
      names: [name],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 1000 + i,
      args: [arg(0, i), arg(1, i), arg(2, i)],
    }));
    const program = compileSeccomp(profile(rules), 'x86_64');
    expect(program.byteLength / 8).toBeGreaterThan(2500);
    names.forEach((name, i) => {
      expect(ask(program, 'x86_64', name, i, i, i)).toBe(0x50000 + 1000 + i);
      expect(ask(program, 'x86_64', name, i, i, i + 1)).toBe(EPERM);
    });
  });

  test('a filter longer than the kernel takes is refused here', () => {
    const names = [...syscallNumbers('x86_64').keys()];
    const rules = names.map((name) => ({
      names: [name],
      action: 'SCMP_ACT_ALLOW',
      args: [0, 1, 2, 3, 4, 5].map((i) => arg(i, 1)),
    }));
    expect(() => compileSeccomp(profile(rules), 'x86_64')).toThrow('the kernel allows 4096');
  });
});
