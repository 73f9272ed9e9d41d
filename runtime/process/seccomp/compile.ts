/**
 * Turns a seccomp profile (OCI's linux.seccomp) into the classic BPF program that the kernel runs at each system
 * call. Docker leaves this to libseccomp and runc; what follows answers as those two do, call for call.
 *
 *     arch is x86-64? ── no ──> arch is x86? ── no ──> kill the process: an unknown numbering cannot be judged
 *          │ yes                     │ yes
 *     binary search over the call number ──> return an action, or compare arguments and return one
 *
 * Invariants: every path ends in a return; a number that no rule names gets the default action; the argument
 * registers are 64 bits wide and are compared as two halves, since BPF has 32. Deliberately absent: notification
 * to a supervisor (SCMP_ACT_NOTIFY), which needs a listener that minidock does not have.
 */
import type { OciSeccomp, OciSeccompRule } from '../../bundle.ts';
import { MinidockError } from '../../errors.ts';
import { actionValue, ENOSYS, RET_ERRNO, RET_KILL_PROCESS } from './actions.ts';
import { compareArguments, type Comparison } from './arguments.ts';
import { BPF_JMP_JEQ_K, encode, jump, jumpIf, load, OFFSET_ARCH, OFFSET_NR, ret, searchTree } from './bpf.ts';
import type { Instruction, Range } from './bpf.ts';
import {
  AUDIT_ARCH,
  SCMP_ARCH,
  syscallNumbers,
  X32_BIT,
  X86_MULTIPLEXED,
  type NativeArch,
  type SeccompArch,
} from './syscalls.ts';

/** What the kernel takes: BPF_MAXINSNS. */
const LONGEST_PROGRAM = 4096;

/** An array of struct sock_filter, for seccomp(2). */
export function compileSeccomp(seccomp: OciSeccomp, arch: NativeArch): Uint8Array {
  const architectures = new Set<SeccompArch>([arch]);
  for (const name of seccomp.architectures) {
    const known = SCMP_ARCH[name];
    // Another machine's architecture never occurs on this one, and its numbers are not in our tables.
    if (known !== undefined) architectures.add(known);
    else if (!/^SCMP_ARCH_[A-Z0-9]+$/.test(name)) throw invalid(`unknown architecture "${name}"`);
  }

  const profile = prepare(seccomp);
  const program: Instruction[] = [load(OFFSET_ARCH)];
  for (const one of architectures) {
    if (one === 'x32') continue; // Part of x86-64's section: same audit word, higher numbers.
    const section = [load(OFFSET_NR), ...searchTree(rangesOf(profile, one, architectures.has('x32')))];
    program.push(jumpIf(BPF_JMP_JEQ_K, AUDIT_ARCH[one], 1, 0), jump(section.length), ...section);
  }
  program.push(ret(RET_KILL_PROCESS));
  if (program.length > LONGEST_PROGRAM) {
    throw invalid(`the filter takes ${program.length} instructions, the kernel allows ${LONGEST_PROGRAM}`);
  }
  return encode(program);
}

/** What a call is answered: one action whatever its arguments, or rules to be tried in turn. */
type Outcome = number | readonly ConditionalRule[];

interface ConditionalRule {
  readonly value: number;
  /** All must hold. */
  readonly conditions: readonly Comparison[];
}

interface PreparedProfile {
  /** Every call the profile names, on any architecture. */
  readonly byName: ReadonlyMap<string, Outcome>;
  /** The answer to calls it does not name. */
  readonly otherwise: number;
  /** The answer to calls newer than any it names. */
  readonly newer: number;
}

/**
 * A call newer than every call the profile names is one its author could not have known. Answering EPERM would
 * break programs, since libc falls back to an older call only on ENOSYS; so ENOSYS it is, as runc does, unless the
 * profile lets unknown calls through anyway or already answers so.
 */
function prepare(seccomp: OciSeccomp): PreparedProfile {
  const otherwise = actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(seccomp.defaultAction);
  const newer = permissive || seccomp.defaultErrnoRet === ENOSYS ? otherwise : RET_ERRNO | ENOSYS;
  const byName = new Map<string, Outcome>();
  for (const rule of seccomp.syscalls) {
    const value = actionValue(rule.action, rule.errnoRet);
    // A rule that says what the default says is no rule (runc skips it); its calls still count as named.
    const outcome = value === otherwise ? [] : outcomeOf(rule, value);
    for (const name of rule.names) byName.set(name, merge(byName.get(name), outcome));
  }
  return { byName, otherwise, newer };
}

/** An unconditional rule wins over conditional ones whatever the order, and the first of several: libseccomp. */
function merge(earlier: Outcome | undefined, later: Outcome): Outcome {
  if (earlier === undefined || typeof later === 'number')
    return typeof earlier === 'number' ? earlier : later;
  return typeof earlier === 'number' ? earlier : [...earlier, ...later];
}

/** The whole 32-bit space of call numbers of one audit architecture. */
function rangesOf(profile: PreparedProfile, arch: SeccompArch, x32: boolean): Range[] {
  const ranges = spaceOf(profile, arch, 0);
  if (arch !== 'x86_64') return ranges;
  if (x32) return [...ranges, ...spaceOf(profile, 'x32', X32_BIT)];
  // Without x32 in the profile its numbers are as foreign as an unknown architecture; -1 is no call at all.
  const killed = { from: X32_BIT, body: [ret(RET_KILL_PROCESS)] };
  return [...ranges, killed, { from: 0xffff_ffff, body: [ret(profile.otherwise)] }];
}

/** One table's calls from number 0 up, neighbours of equal outcome in one range. Tables are in ascending order. */
function spaceOf(profile: PreparedProfile, arch: SeccompArch, offset: number): Range[] {
  const { byName, otherwise, newer } = profile;
  const multiplexed = arch === 'x86' ? multiplexedCalls(byName) : undefined;
  const ranges: Range[] = [];
  let current: Outcome | undefined;
  const startRange = (number: number, outcome: Outcome): void => {
    if (outcome === current) return;
    current = outcome;
    ranges.push({ from: offset + number, body: bodyOf(outcome, arch, otherwise) });
  };
  let next = 0;
  for (const [name, number] of syscallNumbers(arch)) {
    const named = multiplexed?.get(name) ?? byName.get(name);
    if (named === undefined) continue;
    const outcome = typeof named !== 'number' && named.length === 0 ? otherwise : named;
    if (number > next) startRange(next, otherwise);
    startRange(number, outcome);
    next = number + 1;
  }
  startRange(next, newer);
  return ranges;
}

/** What rules on `socket` and its kin mean for the two calls that 32-bit x86 also makes them by. */
function multiplexedCalls(byName: ReadonlyMap<string, Outcome>): Map<string, Outcome> {
  const result = new Map<string, Outcome>();
  for (const [name, [via, operation]] of Object.entries(X86_MULTIPLEXED)) {
    const value = byName.get(name);
    const own = result.get(via) ?? byName.get(via) ?? [];
    if (typeof value !== 'number' || typeof own === 'number') continue;
    const condition = { index: 0, op: 'SCMP_CMP_EQ', value: BigInt(operation), valueTwo: 0n };
    result.set(via, [...own, { value, conditions: [condition] }]);
  }
  return result;
}

/** Conditions of one rule must all hold, except that several on the same argument mean "any of them" (runc). */
function outcomeOf(rule: OciSeccompRule, value: number): Outcome {
  if (rule.args === undefined || rule.args.length === 0) return value;
  const conditions = rule.args.map(({ index, value: first, valueTwo, op }) => {
    if (!Number.isInteger(index) || index < 0 || index > 5)
      throw invalid(`no argument ${index} in a system call`);
    return { index, op, value: BigInt(first), valueTwo: BigInt(valueTwo ?? 0) };
  });
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  return repeated
    ? conditions.map((condition) => ({ value, conditions: [condition] }))
    : [{ value, conditions }];
}

function bodyOf(outcome: Outcome, arch: SeccompArch, otherwise: number): Instruction[] {
  if (typeof outcome === 'number') return [ret(outcome)];
  // x32 programs hold 32-bit arguments in 64-bit registers; libseccomp counts them as narrow.
  const wide = arch === 'x86_64' || arch === 'aarch64';
  return [
    ...outcome.flatMap(({ conditions, value }) => compareArguments(conditions, wide, ret(value))),
    ret(otherwise),
  ];
}

function invalid(what: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_SECCOMP_PROFILE',
    message: `invalid seccomp profile: ${what}`,
    hint: 'the format is described at https://docs.docker.com/engine/security/seccomp/',
  });
}
