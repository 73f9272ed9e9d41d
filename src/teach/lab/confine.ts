/**
 * `minidock __confine PROGRAM ARGS…`: executes a program of the lab under a seccomp filter that all its children
 * inherit. The filter covers what namespaces do not: a socket belongs to a network namespace only if its address
 * family knows of them. Other families reach the machine from any namespace: AF_VSOCK its hypervisor, AF_TIPC,
 * AF_QIPCRTR, AF_NFC and AF_BLUETOOTH its devices and neighbours, AF_ALG and AF_RDS much code of the kernel's.
 *
 * So the filter allows the families that lessons need and refuses the rest with EAFNOSUPPORT, as a kernel without
 * them does. io_uring can create sockets out of a filter's sight, so the filter refuses it (ENOSYS).
 */
import { constants } from 'node:os';
import type { OciSeccomp } from '../../../runtime/bundle.ts';
import { findExecutable } from '../../../runtime/process/executable.ts';
import { compileSeccomp } from '../../../runtime/process/seccomp/compile.ts';
import { SECCOMP_FILTER_FLAG_SPEC_ALLOW } from '../../../runtime/syscall/constants.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

/** unix, inet, inet6, netlink and packet (socket(2)). */
const FAMILIES = [1, 2, 10, 16, 17];
/** Calls of 32-bit x86's socketcall(2) pass their arguments in memory, where no filter sees them. */
const SOCKETCALLS = [1, 8];

type Condition = NonNullable<OciSeccomp['syscalls'][number]['args']>[number];

const equals = (value: number): Condition => ({ index: 0, value, op: 'SCMP_CMP_EQ' });

/** Several conditions on one argument are alternatives. */
const otherFamilies: readonly Condition[] = [
  ...Array.from({ length: Math.max(...FAMILIES) }, (_, family) => family)
    .filter((family) => !FAMILIES.includes(family))
    .map(equals),
  { index: 0, value: Math.max(...FAMILIES), op: 'SCMP_CMP_GT' },
];

export const LAB_FILTER: OciSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  syscalls: [
    {
      names: ['socket', 'socketpair'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: constants.errno.EAFNOSUPPORT,
      args: otherFamilies,
    },
    {
      names: ['socketcall'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: constants.errno.EAFNOSUPPORT,
      args: SOCKETCALLS.map(equals),
    },
    { names: ['io_uring_setup'], action: 'SCMP_ACT_ERRNO', errnoRet: constants.errno.ENOSYS },
  ],
};

export function runConfined(argv: readonly [string, ...string[]]): never {
  const env = Object.entries(process.env).map(([name, value = '']) => `${name}=${value}`);
  const path = findExecutable(argv[0], env);
  const filter = compileSeccomp(LAB_FILTER, process.arch === 'arm64' ? 'aarch64' : 'x86_64');
  // Without no_new_privs, which would disable the lab's set-user-ID programs; root of the machine does not need it.
  kernel.seccompSetFilter(filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  kernel.closeRange(3, true);
  kernel.resetSignals();
  return kernel.execve(path, argv, env);
}
