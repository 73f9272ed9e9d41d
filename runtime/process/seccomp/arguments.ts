/**
 * Comparisons of system call arguments. An argument is 64 bits wide and BPF's accumulator 32, so each comparison
 * looks at the upper half first and at the lower one only if that leaves it open. On a 32-bit architecture the
 * upper half is always zero and only the lower is looked at, as libseccomp does, so that a value like -1 matches.
 *
 * Only numbers can be judged: a pointer's target may change between the check and the call, and BPF cannot follow
 * it. That is why clone3(2), whose flags are behind a pointer, is answered with ENOSYS altogether.
 */
import { MinidockError } from '../../errors.ts';
import { and, argumentHigh, argumentLow, jumpIf, load, type Instruction } from './bpf.ts';
import { BPF_JMP_JEQ_K as JEQ, BPF_JMP_JGE_K as JGE, BPF_JMP_JGT_K as JGT } from './bpf.ts';

export interface Comparison {
  readonly index: number;
  /** `SCMP_CMP_EQ` and so on. */
  readonly op: string;
  readonly value: bigint;
  /** Only for SCMP_CMP_MASKED_EQ: (argument & value) == valueTwo. */
  readonly valueTwo: bigint;
}

/** A jump's goal before distances are known: the next instruction, past this comparison (it holds), or past all. */
type Goal = 'next' | 'holds' | 'fails';
type Draft =
  Instruction | { readonly test: number; readonly k: number; readonly yes: Goal; readonly no: Goal };

/** If all comparisons hold, `then` (a return); else falls out behind it. */
export function compareArguments(
  comparisons: readonly Comparison[],
  wide: boolean,
  then: Instruction,
): Instruction[] {
  const drafts = comparisons.map((comparison) => draft(comparison, wide));
  const total = drafts.reduce((sum, one) => sum + one.length, 0);
  const result: Instruction[] = [];
  let end = 0;
  for (const one of drafts) {
    end += one.length;
    const holds = end;
    for (const item of one) {
      const here = result.length + 1;
      const distance: Readonly<Record<Goal, number>> = {
        next: 0,
        holds: holds - here,
        fails: total + 1 - here,
      };
      result.push('code' in item ? item : jumpIf(item.test, item.k, distance[item.yes], distance[item.no]));
    }
  }
  return [...result, then];
}

function draft({ index, op, value, valueTwo }: Comparison, wide: boolean): Draft[] {
  const high = load(argumentHigh(index));
  const low = load(argumentLow(index));
  const valueHigh = upper(value);
  const k = lower(value);
  const test = (code: number, on: number, yes: Goal, no: Goal): Draft => ({ test: code, k: on, yes, no });
  /** Both halves, or only the lower one. */
  const halves = (first: readonly Draft[], second: readonly Draft[]): Draft[] =>
    wide ? [high, ...first, low, ...second] : [low, ...second];

  switch (op) {
    case 'SCMP_CMP_EQ':
      return halves([test(JEQ, valueHigh, 'next', 'fails')], [test(JEQ, k, 'next', 'fails')]);
    case 'SCMP_CMP_NE':
      return halves([test(JEQ, valueHigh, 'next', 'holds')], [test(JEQ, k, 'fails', 'next')]);
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
      return halves(
        [test(JGT, valueHigh, 'holds', 'next'), test(JEQ, valueHigh, 'next', 'fails')],
        [test(op === 'SCMP_CMP_GT' ? JGT : JGE, k, 'next', 'fails')],
      );
    case 'SCMP_CMP_LT':
    case 'SCMP_CMP_LE':
      return halves(
        [test(JGT, valueHigh, 'fails', 'next'), test(JEQ, valueHigh, 'next', 'holds')],
        [test(op === 'SCMP_CMP_LT' ? JGE : JGT, k, 'fails', 'next')],
      );
    case 'SCMP_CMP_MASKED_EQ':
      return halves(
        [and(valueHigh), test(JEQ, upper(valueTwo), 'next', 'fails')],
        [and(k), test(JEQ, lower(valueTwo), 'next', 'fails')],
      );
    default:
      throw new MinidockError({
        code: 'INVALID_SECCOMP_PROFILE',
        message: `invalid seccomp profile: unknown comparison "${op}"`,
        hint: 'comparisons are SCMP_CMP_EQ, _NE, _LT, _LE, _GE, _GT and _MASKED_EQ',
      });
  }
}

const lower = (value: bigint): number => Number(BigInt.asUintN(32, value));
const upper = (value: bigint): number => Number(BigInt.asUintN(32, value >> 32n));
