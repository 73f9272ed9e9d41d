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

  const program: Instruction[] = [load(OFFSET_ARCH)];
  for (const one of architectures) {
    if (one === 'x32') continue; // Part of x86-64's section: same audit word, higher numbers.
    const section = [load(OFFSET_NR), ...searchTree(rangesOf(seccomp, one, architectures.has('x32')))];
    program.push(jumpIf(BPF_JMP_JEQ_K, AUDIT_ARCH[one], 1, 0), jump(section.length), ...section);
  }
  program.push(ret(RET_KILL_PROCESS));
  if (program.length > LONGEST_PROGRAM) {
    throw invalid(`the filter takes ${program.length} instructions, the kernel allows ${LONGEST_PROGRAM}`);
  }
  return encode(program);
}

/** The whole 32-bit space of call numbers of one audit architecture, neighbours of equal outcome merged. */
function rangesOf(seccomp: OciSeccomp, arch: SeccompArch, x32: boolean): Range[] {
  const ranges = spaceOf(seccomp, arch, 0);
  if (arch === 'x86_64') {
    // Without x32 in the profile its numbers are as foreign as an unknown architecture; -1 is no call at all.
    const foreign = [
      { from: X32_BIT, body: [ret(RET_KILL_PROCESS)] },
      { from: 0xffff_ffff, body: [ret(actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet))] },
    ];
    ranges.push(...(x32 ? spaceOf(seccomp, 'x32', X32_BIT) : foreign));
  }
  return ranges.filter((range, i) => i === 0 || !isSameReturn(range, ranges[i - 1]));
}

function spaceOf(seccomp: OciSeccomp, arch: SeccompArch, offset: number): Range[] {
  const byNumber = rulesByNumber(seccomp, arch);
  const otherwise = actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const unknown = [ret(otherwise)];
  const ranges: Range[] = [];
  let next = 0;
  for (const number of [...byNumber.keys()].sort((a, b) => a - b)) {
    if (number > next) ranges.push({ from: offset + next, body: unknown });
    ranges.push({ from: offset + number, body: bodyOf(byNumber.get(number) ?? [], arch, otherwise) });
    next = number + 1;
  }
  ranges.push({ from: offset + next, body: hasNewCallsStub(seccomp) ? [ret(RET_ERRNO | ENOSYS)] : unknown });
  return ranges;
}

/**
 * A call newer than every call the profile names is one its author could not have known. Answering EPERM would
 * break programs, since libc falls back to an older call only on ENOSYS; so ENOSYS it is, as runc does, unless the
 * profile lets unknown calls through anyway or already answers so.
 */
function hasNewCallsStub(seccomp: OciSeccomp): boolean {
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(seccomp.defaultAction);
  return !permissive && seccomp.defaultErrnoRet !== ENOSYS;
}

interface NumberedRule {
  readonly value: number;
  /** All must hold; none is an unconditional rule. */
  readonly conditions: readonly Comparison[];
}

function rulesByNumber(seccomp: OciSeccomp, arch: SeccompArch): Map<number, NumberedRule[]> {
  const numbers = syscallNumbers(arch);
  const result = new Map<number, NumberedRule[]>();
  const add = (name: string, rule: NumberedRule | undefined): void => {
    const number = numbers.get(name);
    // Unknown on this architecture or to our table: the call cannot be made there, or gets the default action.
    if (number === undefined) return;
    const rules = result.get(number) ?? [];
    if (rules.length === 0) result.set(number, rules);
    if (rule !== undefined) rules.push(rule);
  };
  const defaultValue = actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  for (const rule of seccomp.syscalls) {
    const value = actionValue(rule.action, rule.errnoRet);
    // A rule that says what the default says is no rule (runc skips it); its calls still count as known.
    const chains = value === defaultValue ? [] : conditionChains(rule);
    for (const name of rule.names) {
      add(name, undefined);
      for (const conditions of chains) {
        add(name, { value, conditions });
        const via = arch === 'x86' && conditions.length === 0 ? X86_MULTIPLEXED[name] : undefined;
        if (via !== undefined) {
          add(via[0], {
            value,
            conditions: [{ index: 0, op: 'SCMP_CMP_EQ', value: BigInt(via[1]), valueTwo: 0n }],
          });
        }
      }
    }
  }
  return result;
}

/** Conditions of one rule must all hold, except that several on the same argument mean "any of them" (runc). */
function conditionChains(rule: OciSeccompRule): Comparison[][] {
  const conditions = (rule.args ?? []).map(({ index, value, valueTwo, op }) => {
    if (!Number.isInteger(index) || index < 0 || index > 5)
      throw invalid(`no argument ${index} in a system call`);
    return { index, op, value: BigInt(value), valueTwo: BigInt(valueTwo ?? 0) };
  });
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  return repeated ? conditions.map((condition) => [condition]) : [conditions];
}

/** An unconditional rule wins over conditional ones whatever the order, and the first of several: libseccomp. */
function bodyOf(rules: readonly NumberedRule[], arch: SeccompArch, otherwise: number): Instruction[] {
  const unconditional = rules.find(({ conditions }) => conditions.length === 0);
  if (unconditional !== undefined) return [ret(unconditional.value)];
  // x32 programs hold 32-bit arguments in 64-bit registers; libseccomp counts them as narrow.
  const wide = arch === 'x86_64' || arch === 'aarch64';
  return [
    ...rules.flatMap(({ conditions, value }) => compareArguments(conditions, wide, ret(value))),
    ret(otherwise),
  ];
}

function isSameReturn(a: Range, b: Range | undefined): boolean {
  return b !== undefined && a.body.length === 1 && b.body.length === 1 && a.body[0]?.k === b.body[0]?.k;
}

function invalid(what: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_SECCOMP_PROFILE',
    message: `invalid seccomp profile: ${what}`,
    hint: 'the format is described at https://docs.docker.com/engine/security/seccomp/',
  });
}
