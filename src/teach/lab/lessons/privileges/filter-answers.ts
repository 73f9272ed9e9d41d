/**
 * What a filter of system calls can answer: classic BPF as seccomp(2) accepts it, run over one struct seccomp_data
 * whose arguments may be unknown. A jump that depends on something unknown is followed both ways, so the result is
 * every answer that the filter can give, and not that to a few samples.
 *
 * It knows nothing of how filters are built, so that it can judge them. Sources: linux/bpf_common.h, seccomp(2).
 */

export interface SystemCall {
  readonly arch: number;
  readonly nr: number;
  /** Absent: whatever they are. */
  readonly args?: readonly (number | bigint)[];
}

/** One 32-bit register; undefined, it may hold anything. */
type Word = number | undefined;

interface State {
  readonly at: number;
  readonly a: Word;
  readonly x: Word;
  readonly memory: readonly Word[];
}

const DATA_BYTES = 64;
/** A program has at most 4096 instructions; those that follow many unknown jumps are not followed to their end. */
const MOST_STEPS = 20_000;

/** Different 32-bit answers. @throws on what the kernel's checker would refuse, and if there are too many ways. */
export function answersOf(program: Uint8Array, call: SystemCall): ReadonlySet<number> {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = dataOf(call);
  const answers = new Set<number>();
  const waiting: State[] = [{ at: 0, a: 0, x: 0, memory: [] }];
  let steps = 0;
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (++steps > MOST_STEPS) throw new Error('the filter has too many ways to follow');
    const { at, a, x, memory } = state;
    if ((at + 1) * 8 > code.byteLength) throw new Error(`the program runs off its end at ${at}`);
    const opcode = code.getUint16(at * 8, true);
    const k = code.getUint32(at * 8 + 4, true);
    const operand = (opcode & 0x08) === 0 ? k : x;
    const next = (change: Partial<State>): void => {
      waiting.push({ ...state, at: at + 1, ...change });
    };
    switch (opcode & 0x07) {
      case 0x00: // ld
        next({ a: loaded(opcode, k, data, memory, at) });
        break;
      case 0x01: // ldx, which cannot load from the data
        if (opcode === 0x21) throw unknown(at, opcode);
        next({ x: loaded(opcode & ~0x01, k, data, memory, at) });
        break;
      case 0x02: // st
        next({ memory: Object.assign([...memory], { [k & 15]: a }) });
        break;
      case 0x03: // stx
        next({ memory: Object.assign([...memory], { [k & 15]: x }) });
        break;
      case 0x04: // alu
        next({ a: computed(opcode & 0xf0, a, operand, at) });
        break;
      case 0x05: {
        // jmp
        if (opcode === 0x05) {
          next({ at: at + 1 + k });
          break;
        }
        const taken = compared(opcode & 0xf0, a, operand, at);
        if (taken !== false) next({ at: at + 1 + code.getUint8(at * 8 + 2) });
        if (taken !== true) next({ at: at + 1 + code.getUint8(at * 8 + 3) });
        break;
      }
      case 0x06: {
        // ret k, ret a
        const answer = (opcode & 0x18) === 0x10 ? a : k;
        if (answer === undefined) throw new Error('the answer is not known');
        answers.add(answer);
        break;
      }
      default: // tax, txa
        next(opcode === 0x07 ? { x: a } : { a: x });
    }
  }
  return answers;
}

/** The instruction pointer is always unknown. */
function dataOf({ arch, nr, args }: SystemCall): readonly Word[] {
  const words = new Array<Word>(DATA_BYTES / 4).fill(undefined);
  words[0] = nr >>> 0;
  words[1] = arch >>> 0;
  for (let i = 0; args !== undefined && i < 6; i++) {
    const arg = BigInt.asUintN(64, BigInt(args[i] ?? 0));
    words[4 + i * 2] = Number(arg & 0xffff_ffffn);
    words[5 + i * 2] = Number(arg >> 32n);
  }
  return words;
}

function loaded(opcode: number, k: number, data: readonly Word[], memory: readonly Word[], at: number): Word {
  switch (opcode) {
    case 0x00: // imm
      return k;
    case 0x20: // abs
      if (k % 4 !== 0 || k >= DATA_BYTES) throw new Error(`load from ${k}, outside seccomp_data`);
      return data[k / 4];
    case 0x60: // mem
      return memory[k & 15];
    case 0x80: // len
      return DATA_BYTES;
    default:
      throw unknown(at, opcode);
  }
}

function computed(operation: number, a: Word, operand: Word, at: number): Word {
  if (a === undefined || operand === undefined) return undefined;
  switch (operation) {
    case 0x00:
      return (a + operand) >>> 0;
    case 0x10:
      return (a - operand) >>> 0;
    case 0x20:
      return Math.imul(a, operand) >>> 0;
    case 0x30:
      if (operand === 0) throw new Error(`instruction ${at} divides by zero`);
      return Math.trunc(a / operand);
    case 0x40:
      return (a | operand) >>> 0;
    case 0x50:
      return (a & operand) >>> 0;
    case 0x60:
      return operand > 31 ? 0 : (a << operand) >>> 0;
    case 0x70:
      return operand > 31 ? 0 : a >>> operand;
    case 0x80:
      return -a >>> 0;
    case 0xa0:
      return (a ^ operand) >>> 0;
    default:
      throw unknown(at, operation | 0x04);
  }
}

/** undefined: it depends on what is not known. */
function compared(test: number, a: Word, operand: Word, at: number): boolean | undefined {
  if (a === undefined || operand === undefined) return undefined;
  switch (test) {
    case 0x10:
      return a === operand;
    case 0x20:
      return a > operand;
    case 0x30:
      return a >= operand;
    case 0x40:
      return (a & operand) !== 0;
    default:
      throw unknown(at, test | 0x05);
  }
}

const unknown = (at: number, opcode: number): Error =>
  new Error(`instruction ${at} has opcode 0x${opcode.toString(16)}`);
