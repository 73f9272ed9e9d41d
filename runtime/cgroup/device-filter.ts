/**
 * The eBPF program by which cgroup version 2 restricts devices: the kernel runs it at every open(2) and mknod(2) of a
 * device by a process of the group, with what is asked for in hand, and obeys its answer (1 yes, 0 no).
 *
 * Rules are those of version 1's devices.allow and devices.deny, the last that matches decides. So the program tries
 * them from last to first:   type? ── no ──> next rule        Source: bpf(2), linux/bpf.h, cgroup-v2.rst
 *                            access? ─ no ──> next rule
 *                            number? ─ no ──> next rule
 *                            answer
 * Everything it needs is in registers; no maps, no helpers, no loops, so the kernel's verifier has nothing to fear.
 */
import type { DeviceRules } from './devices.ts';

const R0 = 0;
const R1 = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

const LDX_MEM_W = 0x61;
const MOV64_K = 0xb7;
const MOV32_X = 0xbc;
const AND32_K = 0x54;
const RSH32_K = 0x74;
const JEQ_K = 0x15;
const JNE_K = 0x55;
const EXIT = 0x95;

/** linux/bpf.h: BPF_DEVCG_DEV_BLOCK, _CHAR and BPF_DEVCG_ACC_MKNOD, _READ, _WRITE. */
const TYPES = { b: 1, c: 2 } as const;
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL = 7;

interface Instruction {
  readonly code: number;
  readonly to: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** An array of struct bpf_insn, for BPF_PROG_TYPE_CGROUP_DEVICE. */
export function compileDeviceFilter(rules: DeviceRules): Uint8Array {
  // struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }, its first word access << 16 | type.
  const program: Instruction[] = [
    { code: LDX_MEM_W, to: ACCESS, from: R1, offset: 0 },
    { code: MOV32_X, to: TYPE, from: ACCESS },
    { code: AND32_K, to: TYPE, value: 0xffff },
    { code: RSH32_K, to: ACCESS, value: 16 },
    { code: LDX_MEM_W, to: MAJOR, from: R1, offset: 4 },
    { code: LDX_MEM_W, to: MINOR, from: R1, offset: 8 },
  ];
  for (const rule of [...rules].reverse()) {
    const tests = testsOf(rule);
    // Each test jumps over the rest of its rule: what follows it, and the two instructions of the answer.
    const length = tests.length + 2;
    tests.forEach((test, i) => {
      program.push(test.code === JEQ_K || test.code === JNE_K ? { ...test, offset: length - i - 1 } : test);
    });
    program.push(...answer(rule.allow));
    // A rule for every device ends it: instructions that nothing can reach are refused by the verifier.
    if (tests.length === 0) return encode(program);
  }
  program.push(...answer(true));
  return encode(program);
}

function testsOf({ allow, type = 'a', major, minor, access = 'rwm' }: DeviceRules[number]): Instruction[] {
  // As version 1 has it, "a" is every device with every access, whatever else the rule says.
  if (type === 'a') return [];
  const mask = [...access].reduce((sum, letter) => sum | (ACCESSES[letter] ?? 0), 0);
  const tests: Instruction[] = [{ code: JNE_K, to: TYPE, value: TYPES[type] }];
  if (mask !== ALL) {
    // Allowed is what asks for nothing beyond the rule's access; denied is what asks for any of it.
    tests.push({ code: MOV32_X, to: R1, from: ACCESS });
    tests.push({ code: AND32_K, to: R1, value: allow ? ALL & ~mask : mask });
    tests.push({ code: allow ? JNE_K : JEQ_K, to: R1, value: 0 });
  }
  if (major !== undefined && major >= 0) tests.push({ code: JNE_K, to: MAJOR, value: major });
  if (minor !== undefined && minor >= 0) tests.push({ code: JNE_K, to: MINOR, value: minor });
  return tests;
}

const answer = (allow: boolean): Instruction[] => [
  { code: MOV64_K, to: R0, value: allow ? 1 : 0 },
  { code: EXIT, to: 0 },
];

/** struct bpf_insn { __u8 code; __u8 dst:4, src:4; __s16 off; __s32 imm; }, little endian. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, to, from = 0, offset = 0, value = 0 }, i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, to | (from << 4));
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, value, true);
  });
  return bytes;
}
