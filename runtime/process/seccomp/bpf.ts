/**
 * Classic BPF, the little machine that seccomp(2) runs at every system call: one 32-bit accumulator, loads from
 * struct seccomp_data, forward jumps, return. Source: linux/bpf_common.h, linux/seccomp.h, seccomp(2).
 *
 * A conditional jump reaches 255 instructions ahead, an unconditional one as far as the program goes (4096).
 * Here are the instructions and the decision tree over call numbers; what is decided is compile.ts's business.
 */

export interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly k: number;
}

const BPF_LD_W_ABS = 0x20;
const BPF_ALU_AND_K = 0x54;
const BPF_JMP_JA = 0x05;
export const BPF_JMP_JEQ_K = 0x15;
export const BPF_JMP_JGT_K = 0x25;
export const BPF_JMP_JGE_K = 0x35;
const BPF_RET_K = 0x06;

/** Offsets in struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }. */
export const OFFSET_NR = 0;
export const OFFSET_ARCH = 4;
export const argumentLow = (index: number): number => 16 + index * 8;
export const argumentHigh = (index: number): number => 20 + index * 8;

export const load = (offset: number): Instruction => plain(BPF_LD_W_ABS, offset);
export const and = (mask: number): Instruction => plain(BPF_ALU_AND_K, mask);
export const jump = (distance: number): Instruction => plain(BPF_JMP_JA, distance);
export const ret = (value: number): Instruction => plain(BPF_RET_K, value);
export const jumpIf = (code: number, k: number, jumpTrue: number, jumpFalse: number): Instruction => {
  // Not `> 255`, which an undefined distance is not either.
  if (!(jumpTrue <= 255 && jumpFalse <= 255))
    throw new RangeError('conditional BPF jump beyond 255 instructions');
  return { code, jumpTrue, jumpFalse, k };
};
const plain = (code: number, k: number): Instruction => ({ code, jumpTrue: 0, jumpFalse: 0, k });

/** From this number on (up to the next entry's) the program does this; `body` always ends in a return. */
export interface Range {
  readonly from: number;
  readonly body: readonly Instruction[];
}

/**
 * Finds the range the accumulator lies in by halving, then runs its body: about seven comparisons for the default
 * profile, where a list in call order would take hundreds. Ranges are sorted and the first is from 0.
 */
export function searchTree(ranges: readonly Range[]): Instruction[] {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) return [...only.body];
  const middle = ranges.length >> 1;
  const pivot = ranges[middle];
  if (pivot === undefined) throw new RangeError('a search tree needs at least one range');
  const below = searchTree(ranges.slice(0, middle));
  const above = searchTree(ranges.slice(middle));
  const branch =
    below.length <= 255
      ? [jumpIf(BPF_JMP_JGE_K, pivot.from, below.length, 0)]
      : [jumpIf(BPF_JMP_JGE_K, pivot.from, 0, 1), jump(below.length)];
  return branch.concat(below, above);
}

/** Array of struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }, little endian as both our machines are. */
export function encode(program: readonly Instruction[]): Uint8Array {
  const words = new Uint32Array(program.length * 2);
  let i = 0;
  for (const { code, jumpTrue, jumpFalse, k } of program) {
    words[i++] = code | (jumpTrue << 16) | (jumpFalse << 24);
    words[i++] = k;
  }
  return new Uint8Array(words.buffer);
}
