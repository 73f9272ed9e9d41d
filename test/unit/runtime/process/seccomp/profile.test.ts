import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { DEFAULT_CAPABILITIES } from '../../../../../runtime/process/capabilities.ts';
import { compileSeccomp } from '../../../../../runtime/process/seccomp/compile.ts';
import {
  defaultSeccomp,
  isKernelAtLeast,
  parseSeccompProfile,
} from '../../../../../runtime/process/seccomp/profile.ts';
import { AUDIT_ARCH, syscallNumbers } from '../../../../../runtime/process/seccomp/syscalls.ts';
import { wrongDocuments } from '../../../../support/wrong-json.ts';
import { runFilter } from '../../../../support/kernel/bpf-interpreter.ts';

const parse = (
  profile: unknown,
  capabilities: readonly string[] = [],
  arch: 'x86_64' | 'aarch64' = 'x86_64',
) => parseSeccompProfile(JSON.stringify(profile), capabilities, arch, '6.12.101-amd64');

const names = (
  profile: unknown,
  capabilities: readonly string[] = [],
  arch: 'x86_64' | 'aarch64' = 'x86_64',
) =>
  parse({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: profile }, capabilities, arch).syscalls.flatMap(
    (r) => r.names,
  );

describe("Docker's format", () => {
  const rule = (name: string, rest: object = {}) => ({ names: [name], action: 'SCMP_ACT_ALLOW', ...rest });

  test('the architectures come from the map entry of this machine', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: null },
    ];
    const profile = { defaultAction: 'SCMP_ACT_ERRNO', archMap };
    expect(parse(profile).architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    expect(parse(profile, [], 'aarch64').architectures).toEqual(['SCMP_ARCH_AARCH64']);
  });

  test('capabilities: includes needs all, excludes any', () => {
    const rules = [
      rule('a', { includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } }),
      rule('b', { excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } }),
    ];
    expect(names(rules)).toEqual(['b']);
    expect(names(rules, ['CAP_BPF'])).toEqual([]);
    expect(names(rules, ['CAP_BPF', 'CAP_SYS_ADMIN'])).toEqual(['a']);
  });

  test('architectures: includes needs one of them', () => {
    const rules = [
      rule('a', { includes: { arches: ['amd64', 'x32'] } }),
      rule('b', { includes: { arches: ['arm64'] } }),
      rule('c', { excludes: { arches: ['amd64'] } }),
      rule('d', { includes: { arches: [] }, excludes: {} }),
    ];
    expect(names(rules)).toEqual(['a', 'd']);
    expect(names(rules, [], 'aarch64')).toEqual(['b', 'c', 'd']);
  });

  test('minKernel', () => {
    expect(
      names([rule('a', { includes: { minKernel: '4.8' } }), rule('b', { includes: { minKernel: '9.1' } })]),
    ).toEqual(['a']);
    expect(names([rule('a', { excludes: { minKernel: '4.8' } })])).toEqual([]);
    expect(isKernelAtLeast('6.12.101-amd64', '6.12')).toBe(true);
    expect(isKernelAtLeast('6.2.0', '6.12')).toBe(false);
    expect(isKernelAtLeast('10.0.0', '6.12')).toBe(true);
    expect(() => isKernelAtLeast('6.1', 'new')).toThrow('"new" is not a kernel version');
  });

  test('the single `name` of old profiles', () => {
    expect(names([{ name: 'read', action: 'SCMP_ACT_ALLOW' }])).toEqual(['read']);
  });
});

test('the OCI form passes as it is, with 64-bit values intact', () => {
  const json = `{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["read"],
    "action":"SCMP_ACT_ERRNO","errnoRet":9,"args":[{"index":0,"value":18446744073709551615,"valueTwo":0,"op":"SCMP_CMP_EQ"}]}]}`;
  const seccomp = parseSeccompProfile(json, [], 'x86_64');
  expect(seccomp).toEqual({
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      {
        names: ['read'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 9,
        args: [{ index: 0, value: '18446744073709551615', valueTwo: 0, op: 'SCMP_CMP_EQ' }],
      },
    ],
  });
  const program = compileSeccomp(seccomp, 'x86_64');
  const read = (arg: bigint): number => runFilter(program, { arch: AUDIT_ARCH.x86_64, nr: 0, args: [arg] });
  expect([read(-1n), read(-2n)]).toEqual([0x50009, 0x7fff0000]);
});

describe('a broken profile is named', () => {
  test.each([
    ['{', 'Decoding seccomp profile failed'],
    ['[]', 'not a JSON object'],
    ['{}', '"defaultAction" is missing'],
    ['{"defaultAction":"SCMP_ACT_NO"}', 'unknown action "SCMP_ACT_NO"'],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', 'SCMP_ACT_NOTIFY'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', '"syscalls" is not a list of rules'],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_LOG"}]}',
      'syscalls[0]: it names no system call',
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"]}]}', 'syscalls[0]: "action" is missing'],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"name":"b","action":"SCMP_ACT_LOG"}]}',
      `both 'name' and 'names'`,
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":0}]}]}',
      'lacks index, value or op',
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86"}]}',
      `both 'architectures' and 'archMap'`,
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/x"}', '"listenerPath" is not supported'],
  ])('%s', (json, words) => {
    expect(() => parseSeccompProfile(json, [], 'x86_64')).toThrow(words);
  });
});

const theirs = '/usr/share/containers/seccomp.json';
(existsSync(theirs) ? test : test.skip)(
  "against podman's own profile # skip: podman's is not installed",
  () => {
    const podman = compileSeccomp(
      parseSeccompProfile(readFileSync(theirs, 'utf8'), DEFAULT_CAPABILITIES, 'x86_64'),
      'x86_64',
    );
    const ours = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES, 'x86_64'), 'x86_64');
    const allowed = (program: Uint8Array): string[] =>
      [...syscallNumbers('x86_64')]
        .filter(([, nr]) => runFilter(program, { arch: AUDIT_ARCH.x86_64, nr }) === 0x7fff0000)
        .map(([name]) => name);
    // Docker allows what came with Linux 5.16 to 6.7, and two old calls, where podman's list may not know them yet.
    const newer = [
      'cachestat',
      'futex_requeue',
      'futex_wait',
      'futex_waitv',
      'futex_wake',
      'map_shadow_stack',
    ];
    const known = new Set([...allowed(podman), ...newer, 'io_pgetevents', 'vmsplice']);
    expect(allowed(ours).filter((name) => !known.has(name))).toEqual([]);
    expect(allowed(ours).length).toBeGreaterThan(250);
  },
);

test('a wrong kind of value anywhere in a profile is a sentence, and an errno of null is none', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      {
        names: ['read'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_EQ' }],
        errnoRet: 1,
        includes: { caps: ['CAP_SYS_ADMIN'], arches: ['amd64'], minKernel: '4.8' },
        excludes: { caps: ['CAP_X'], arches: ['arm64'], minKernel: '99.9' },
      },
    ],
  };
  let refused = 0;
  for (const { change, document } of wrongDocuments(profile)) {
    try {
      compileSeccomp(parse(document, ['CAP_SYS_ADMIN']), 'x86_64');
    } catch (error) {
      const { code } = error as { code?: string };
      expect([change, code]).toEqual([
        change,
        expect.stringMatching(/^(INVALID_SECCOMP_PROFILE|SECCOMP_UNSUPPORTED)$/),
      ]);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(100);
  expect(parse({ ...profile, defaultErrnoRet: null })).not.toHaveProperty('defaultErrnoRet');
});
