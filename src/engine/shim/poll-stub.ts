/**
 * The program that replaces a hibernating shim: a few dozen bytes of machine code in an ELF file of less than a page.
 * It waits in ppoll(2) for any of some descriptors and then executes the shim again, with the arguments and the
 * environment it was given itself. A page of stack and two of its own are all the memory it costs.
 *
 *     prctl(PR_SET_NAME, "minidock")
 *     again: ppoll(descriptors, count, timeout, NULL)  returns when something is there, was interrupted, or it is time
 *            execve("/proc/self/fd/N", argv, envp)     does not return unless there is no memory, say
 *            nanosleep(one second), jump again
 *
 * Pure: bytes from numbers, so that what is written for one machine can be looked at on the other. Encodings follow
 * the Intel 64 manual, volume 2, and the Arm ARM, section C6; tiny-elf.ts makes a file of them.
 */
import { PR_SET_NAME } from '../../../runtime/syscall/constants.ts';
import { writePollEntries, type PollEntry } from '../../../runtime/syscall/loops.ts';
import { syscallNumbers } from '../../../runtime/syscall/numbers.ts';
import { DataLayout, elfImage } from '../../../runtime/syscall/tiny-elf.ts';

/** A constant, or one of the two arrays the kernel has put on the stack. */
type Word = number | 'argv' | 'envp';

interface Machine {
  /** Keeps the stack as the kernel laid it out: argc, argv, NULL, envp, NULL. */
  readonly keepStack: readonly number[];
  /** The length of the code is the same for any constants. */
  readonly call: (number: number, args: readonly Word[]) => readonly number[];
  /** Backwards, over as many bytes as lie between the target and this jump. */
  readonly jumpBack: (distance: number) => readonly number[];
}

const word = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** mov r32, imm32 for the registers of a call's arguments: edi, esi, edx, r10d, r8d. */
const X86_ARGUMENTS: readonly (readonly number[])[] = [[0xbf], [0xbe], [0xba], [0x41, 0xba], [0x41, 0xb8]];

const X86_64: Machine = {
  keepStack: [0x48, 0x89, 0xe3], // mov rbx, rsp
  call: (number, args) => [
    ...args.flatMap((arg, at) => {
      if (arg === 'argv') return [0x48, 0x8d, 0x73, 0x08]; // lea rsi, [rbx+8]
      if (arg === 'envp') return [0x48, 0x8b, 0x13, 0x48, 0x8d, 0x54, 0xd3, 0x10]; // mov rdx, [rbx]; lea rdx, [rbx+rdx*8+16]
      return [...(X86_ARGUMENTS[at] ?? []), ...word(arg)];
    }),
    ...[0xb8, ...word(number)], // mov eax, number
    ...[0x0f, 0x05], // syscall
  ],
  jumpBack: (distance) => [0xe9, ...word(-(distance + 5))], // jmp rel32
};

const MOVZ = 0xd2800000;
const MOVK_16 = 0xf2a00000;

/** movz xN, low half; movk xN, high half, lsl 16. */
const armMove = (register: number, value: number): readonly number[] => [
  ...word((MOVZ | ((value & 0xffff) << 5) | register) >>> 0),
  ...word((MOVK_16 | ((value >>> 16) << 5) | register) >>> 0),
];

const ARM64: Machine = {
  keepStack: word(0x910003f3), // mov x19, sp
  call: (number, args) => [
    ...args.flatMap((arg, at) => {
      if (arg === 'argv') return word(0x91002261); // add x1, x19, #8
      // ldr x2, [x19]; add x2, x19, x2, lsl #3; add x2, x2, #16
      if (arg === 'envp') return [0xf9400262, 0x8b020e62, 0x91004042].flatMap(word);
      return armMove(at, arg);
    }),
    ...armMove(8, number),
    ...word(0xd4000001), // svc #0
  ],
  jumpBack: (distance) => word((0x14000000 | ((-distance / 4) & 0x3ffffff)) >>> 0), // b
};

/**
 * `arch` as in process.arch; `executable` is the descriptor of what is to be executed when one of `entries` is ready, or
 * after `timeout` milliseconds, if there is one.
 */
export function pollStub(
  arch: string,
  entries: readonly PollEntry[],
  executable: number,
  timeout?: number,
): Buffer {
  const machine = arch === 'arm64' ? ARM64 : X86_64;
  const call = syscallNumbers(arch);
  const data = new DataLayout();
  const second = data.add(Buffer.from(BigInt64Array.of(1n, 0n).buffer));
  const polled = data.add(writePollEntries(entries));
  const path = data.add(Buffer.from(`/proc/self/fd/${String(executable)}\0`));
  const name = data.add(Buffer.from('minidock\0'));
  const time = timeout === undefined ? 0 : data.add(timespec(timeout));
  const begin = [...machine.keepStack, ...machine.call(call.prctl, [PR_SET_NAME, name])];
  const round = [
    ...machine.call(call.ppoll, [polled, entries.length, time, 0, 0]),
    ...machine.call(call.execve, [path, 'argv', 'envp']),
    ...machine.call(call.nanosleep, [second, 0]),
  ];
  return elfImage(arch, [...begin, ...round, ...machine.jumpBack(round.length)], data.bytes);
}

/** struct timespec, of which the kernel leaves what remains: so it lies where it may be written. */
const timespec = (milliseconds: number): Buffer =>
  Buffer.from(
    BigInt64Array.of(BigInt(Math.trunc(milliseconds / 1000)), BigInt(Math.round((milliseconds % 1000) * 1e6)))
      .buffer,
  );
