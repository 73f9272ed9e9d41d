/**
 * Carries out a plan and takes it back. The order is: look whether the step's effect is there already, write the
 * journal, perform. When a step fails, what was done is undone in reverse order, going on past undo errors, and all
 * of it is reported in one error.
 *
 * Shared steps (bridge, forwarding, firewall table) are created by the first container; two at once may both try, so
 * a shared step that fails is looked at again before it counts as failed.
 */
import { MinidockError } from '../errors.ts';
import type { HostCommand } from './command.ts';
import { isFailing, isFaultAt } from './fault.ts';
import { failingStep, foldSteps, type StepGroup } from './fold.ts';
import type { Journal } from './journal.ts';
import { CommandError, holds, isQuick, performHostCommand } from './perform-host.ts';
import { StepError } from './step-error.ts';
import { stepSpan } from './step-span.ts';
import type { Check, HostStep } from './step.ts';

export interface ApplyOptions {
  readonly journal: Pick<Journal, 'record'>;
  /** Steps one at a time, for `--step` and for the test that folding changes nothing. */
  readonly unfolded?: boolean;
  /** Fault injection, see fault.ts. */
  readonly failAt?: string;
}

export async function applySteps(steps: readonly HostStep[], options: ApplyOptions): Promise<void> {
  if (options.unfolded === true) {
    for (const step of steps) await applyGroup({ steps: [step] }, options);
    return;
  }
  const needed = await leaveOutWhatHolds(steps, options);
  // Neighbouring steps often ask the same question; a yes stays a yes.
  const confirmed = new Set<string>();
  for (const group of foldSteps(needed)) await applyGroup(group, options, confirmed);
}

/**
 * Drops shared steps whose effect the kernel shows already, before folding, so that the steps on both sides fold into
 * one process. A check that needs a program runs when its step's turn comes.
 */
async function leaveOutWhatHolds(
  steps: readonly HostStep[],
  { failAt }: ApplyOptions,
): Promise<readonly HostStep[]> {
  const needed: HostStep[] = [];
  for (const step of steps) {
    const quick = step.check !== undefined && isQuick(step.check);
    if (!quick || isFaultAt(step.id, failAt) || !(await isThere(step, holds))) needed.push(step);
  }
  return needed;
}

async function applyGroup(
  group: StepGroup,
  { journal, failAt }: ApplyOptions,
  confirmed: Set<string> = new Set(),
): Promise<void> {
  const only = group.steps.length === 1 ? group.steps[0] : undefined;
  if (only?.check !== undefined && !isFaultAt(only.id, failAt)) {
    if (await isThere(only, (check) => holdsNow(check, confirmed))) return;
  }
  await stepSpan(group.steps, async (note) => {
    journal.record(group.steps);
    try {
      const injected = group.steps.find(({ id }) => isFailing(id, failAt));
      if (injected !== undefined) throw new InjectedFault(injected);
      await performGroup(group, confirmed);
      note({ outcome: 'done' });
    } catch (error) {
      const step = error instanceof InjectedFault ? undefined : only;
      if (step?.check !== undefined && (await holds(step.check))) return note({ outcome: 'already' });
      if (step?.check !== undefined && (await isCompleted(step.command, step.check)))
        return note({ outcome: 'done' });
      const failure = toStepError(group, error);
      note({ steps: [failure.step] });
      throw failure;
    }
  });
}

/** What is left of a step after a flush is in its way: the rest is added. The step's own error is the one to tell. */
async function isCompleted(command: HostCommand, check: Check): Promise<boolean> {
  await addMissing(command).catch(() => undefined);
  return holds(check);
}

async function addMissing(command: HostCommand): Promise<void> {
  const { missingLines } = await import('./restore-lines.ts');
  for (const { argv } of await missingLines(command)) await performHostCommand({ kind: 'run', argv });
}

function isThere(step: HostStep, ask: (check: Check) => Promise<boolean>): Promise<boolean> {
  const { check } = step;
  if (check === undefined) return Promise.resolve(false);
  return stepSpan([step], async (note) => {
    const there = await ask(check);
    note(there ? { outcome: 'already' } : { check: 'does not hold' });
    return there;
  });
}

async function holdsNow(check: Check, confirmed: Set<string>): Promise<boolean> {
  const key = JSON.stringify(check);
  if (confirmed.has(key)) return true;
  if (check.kind === 'all') {
    const answers = await Promise.all(check.checks.map((one) => holdsNow(one, confirmed)));
    return answers.every(Boolean);
  }
  const answer = await holds(check);
  if (answer) confirmed.add(key);
  return answer;
}

class InjectedFault extends MinidockError {
  constructor(readonly step: HostStep) {
    super({ code: 'INJECTED', message: 'failure injected' });
  }
}

async function performGroup(group: StepGroup, confirmed: ReadonlySet<string>): Promise<void> {
  if (group.batch !== undefined) {
    const { argv, input } = group.batch;
    return performHostCommand({ kind: 'run', argv, input });
  }
  for (const step of group.steps) {
    try {
      await (isThereInPart(step, confirmed) ? addMissing(step.command) : performHostCommand(step.command));
    } catch (error) {
      throw new StepError(step, error);
    }
  }
}

/** Carried out as a whole, it would add what is there a second time. */
const isThereInPart = ({ check }: HostStep, confirmed: ReadonlySet<string>): boolean =>
  check?.kind === 'all' && check.checks.some((one) => confirmed.has(JSON.stringify(one)));

/** Names the one step of a folded group that failed, with its own command rather than the batch's. */
function toStepError(group: StepGroup, error: unknown): StepError {
  const first = group.steps[0] as HostStep;
  if (error instanceof StepError) return error;
  if (error instanceof InjectedFault) return new StepError(error.step, error);
  if (group.batch === undefined || !(error instanceof CommandError)) return new StepError(first, error);
  const step = failingStep(group, error.stderr) ?? first;
  return new StepError(step, new CommandError(step.command, error.stderr, error.hint));
}
