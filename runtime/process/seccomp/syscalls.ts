/**
 * Looks system calls up by name. The same name has another number on each architecture, and one machine runs
 * several: an x86-64 kernel also serves 32-bit programs (x86) and, if configured, x32; arm64 serves 32-bit arm.
 * A filter that only knew the native numbers could be walked around with `int 0x80`.
 */
import { SYSCALL_TABLES } from './syscall-tables.ts';

export type SeccompArch = keyof typeof SYSCALL_TABLES;

/** The architectures minidock itself runs on. */
export type NativeArch = 'x86_64' | 'aarch64';

/** seccomp's `arch` word (linux/audit.h). x32 shares x86-64's and differs by a bit in the call number. */
export const AUDIT_ARCH: Readonly<Record<SeccompArch, number>> = {
  x86_64: 0xc000003e,
  x86: 0x40000003,
  x32: 0xc000003e,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};

export const X32_BIT = 0x4000_0000;

/** libseccomp's names, as profiles write them, of those that can occur on the machines minidock runs on. */
export const SCMP_ARCH: Readonly<Record<string, SeccompArch>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'x86',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'aarch64',
  SCMP_ARCH_ARM: 'arm',
};

const parsed = new Map<SeccompArch, ReadonlyMap<string, number>>();

/** Name to number, without x32's bit. Parsed on first use: a start needs two or three of the five tables. */
export function syscallNumbers(arch: SeccompArch): ReadonlyMap<string, number> {
  const known = parsed.get(arch);
  if (known !== undefined) return known;
  const numbers = new Map<string, number>();
  for (const line of SYSCALL_TABLES[arch].split('\n')) {
    const words = line.split(' ');
    const first = Number(words[0]);
    for (let i = 1; i < words.length; i++) numbers.set(words[i] ?? '', first + i - 1);
  }
  parsed.set(arch, numbers);
  return numbers;
}

/** The machine's own architecture in this module's words; undefined where minidock has no system call table. */
export function nativeArch(machine: string = process.arch): NativeArch | undefined {
  if (machine === 'x64') return 'x86_64';
  return machine === 'arm64' ? 'aarch64' : undefined;
}

/**
 * 32-bit x86 has two ways to most socket and System V IPC calls: a number of their own (since Linux 4.3 and 5.1),
 * and the old socketcall(2) and ipc(2), which take the operation as their first argument. A rule on one way is a
 * rule on both, as in libseccomp, or a denied `socket` would still be had through socketcall(1, …).
 * Numbers: linux/net.h and linux/ipc.h.
 */
export const X86_MULTIPLEXED: Readonly<
  Record<string, readonly [via: 'socketcall' | 'ipc', operation: number]>
> = {
  socket: ['socketcall', 1],
  bind: ['socketcall', 2],
  connect: ['socketcall', 3],
  listen: ['socketcall', 4],
  accept: ['socketcall', 5],
  getsockname: ['socketcall', 6],
  getpeername: ['socketcall', 7],
  socketpair: ['socketcall', 8],
  send: ['socketcall', 9],
  recv: ['socketcall', 10],
  sendto: ['socketcall', 11],
  recvfrom: ['socketcall', 12],
  shutdown: ['socketcall', 13],
  setsockopt: ['socketcall', 14],
  getsockopt: ['socketcall', 15],
  sendmsg: ['socketcall', 16],
  recvmsg: ['socketcall', 17],
  accept4: ['socketcall', 18],
  recvmmsg: ['socketcall', 19],
  sendmmsg: ['socketcall', 20],
  semop: ['ipc', 1],
  semget: ['ipc', 2],
  semctl: ['ipc', 3],
  semtimedop: ['ipc', 4],
  msgsnd: ['ipc', 11],
  msgrcv: ['ipc', 12],
  msgget: ['ipc', 13],
  msgctl: ['ipc', 14],
  shmat: ['ipc', 21],
  shmdt: ['ipc', 22],
  shmget: ['ipc', 23],
  shmctl: ['ipc', 24],
};
