/**
 * `minidock __confine PROGRAM ARGS…`: becomes a program of the lab, which no process started by it ever leaves, under a
 * filter for the one thing that namespaces do not hold back. A socket belongs to a network namespace only if its
 * address family knows of them. Others reach the machine whatever namespace they are made in: AF_VSOCK its hypervisor,
 * AF_TIPC, AF_QIPCRTR, AF_NFC and AF_BLUETOOTH its devices and neighbours, AF_ALG and AF_RDS much code of the kernel's.
 *
 * So the lab has the families that lessons need, and the rest does not exist in it: the same words as from a kernel
 * without them (EAFNOSUPPORT). io_uring makes sockets as well, and no filter sees how: so there is none (ENOSYS).
 */
import { constants } from 'node:os';
import type { OciSeccomp } from '../../../runtime/bundle.ts';
import { findExecutable } from '../../../runtime/process/executable.ts';
import { compileSeccomp } from '../../../runtime/process/seccomp/compile.ts';
import { SECCOMP_FILTER_FLAG_SPEC_ALLOW } from '../../../runtime/syscall/constants.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

/** unix, inet, inet6, netlink and packet (socket(2)). */
const FAMILIES = [1, 2, 10, 16, 17];
/** The calls of socketcall(2) of 32-bit x86, whose arguments are in memory, where no filter sees them. */
const SOCKETCALLS = [1, 8];

type Condition = NonNullable<OciSeccomp['syscalls'][number]['args']>[number];

const equals = (value: number): Condition => ({ index: 0, value, op: 'SCMP_CMP_EQ' });

/** Several conditions on one argument mean any of them. */
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
  // Not with no_new_privs, which would take the lab's set-user-ID programs away: root of the machine needs none.
  kernel.seccompSetFilter(filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  kernel.closeRange(3, true);
  kernel.resetSignals();
  return kernel.execve(path, argv, env);
}
