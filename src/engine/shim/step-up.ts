/**
 * `--step`: a container brought up one step after the other, in the reader's order, each on the command's word. The
 * steps are the usual ones, but nothing runs concurrently or folded. Meanwhile the shim waits in poll(2) and PID 1
 * waits for its answer: the kernel is as the last step left it.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { withPid } from '../../../runtime/plan/first-pid.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { undoEntries } from '../../../runtime/plan/undo.ts';
import type { HostStep, Step } from '../../../runtime/plan/step.ts';
import type { Pause } from '../../../runtime/process/supervise.ts';
import { allSteps, type RunPlan } from '../plans/run-plan.ts';
import type { Joined } from '../plans/bundle-input.ts';
import type { Clients } from './clients.ts';
import { launch, pidOf, type Started } from './launch.ts';
import type { ShimMessage } from './client/shim-protocol.ts';
import type { ContainerStdio } from './stdio.ts';

export interface StepUp {
  readonly plan: RunPlan;
  readonly clients: Clients;
  readonly options: ApplyOptions;
  readonly stdio: ContainerStdio;
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
  /** Starts PID 1, which is to ask through `pause`; from then on it is the caller's to abandon. */
  readonly joined: Joined | undefined;
  readonly start: (pause: Pause) => Promise<Started>;
}

/** The running program's pid, as the host sees it. @throws MinidockError 'STOPPED' when the command has had enough. */
export async function stepUp({
  plan,
  clients,
  options,
  stdio,
  size,
  start,
  joined,
}: StepUp): Promise<number> {
  const steps = allSteps(plan);
  let asking = true;
  const ask = (id: string, about: Omit<Paused, 'type' | 'id'> = {}): 'go' | 'back' | MinidockError => {
    if (!asking) return 'go';
    const word = clients.ask({ type: 'paused', id, ...about });
    if (word === 'back') return 'back';
    asking = word === 'go';
    return word === 'quit' || word === undefined ? stopped(steps, id) : 'go';
  };
  /** Where no step can be undone alone, "back" is asked again. */
  const refused = (id: string, about: Omit<Paused, 'type' | 'id'> = {}): MinidockError | undefined => {
    for (;;) {
      const word = ask(id, about);
      if (word !== 'back') return word === 'go' ? undefined : word;
    }
  };
  const allow = (id: string): void => {
    const error = refused(id);
    if (error !== undefined) throw error;
  };
  const startNow = (): Promise<Started> =>
    start((id, pid) => {
      const error = refused(id, pid === undefined ? {} : { pid });
      return (
        error && { type: 'error', step: id, code: error.code, message: error.message, exitCode: STOPPED }
      );
    });
  for (const step of plan.early) {
    allow(step.id);
    await applySteps([step], { ...options, unfolded: true });
  }
  // As in allSteps: with a user namespace of its own PID 1 comes first, and the steps about it need its number.
  if (plan.mapping !== undefined) allow(plan.start.id);
  const early = plan.mapping === undefined ? undefined : await startNow();
  const pid = early === undefined ? 0 : await pidOf(early);
  const rows = withPid([...plan.network, ...plan.cgroup, ...plan.fromOutside], pid);
  let about: Omit<Paused, 'type' | 'id'> = {};
  // At its end stands the start of PID 1, before which one can go back too.
  for (let next = 0; next < rows.length || early === undefined;) {
    const step = rows[next];
    const word = ask(step?.id ?? plan.start.id, about);
    about = {};
    if (word === 'back') {
      const { left, undone, failures } = await undoLast(rows.slice(0, next));
      next = Math.max(0, next - 1);
      // What went with the step's owner, and is not to go.
      const again = rows.slice(left, next);
      await applySteps(again, { ...options, unfolded: true });
      about = { undone, again: again.map(({ id }) => id), failures };
    } else if (word !== 'go') throw word;
    else if (step === undefined) break;
    else {
      await applySteps([step], { ...options, unfolded: true });
      next += 1;
    }
  }
  const started = early ?? (await startNow());
  const rest = { ...plan, network: [], cgroup: [], fromOutside: [] };
  return launch({ plan: rest, wiring: Promise.resolve(), started, options, stdio, size, joined });
}

type Paused = Extract<ShimMessage, { type: 'paused' }>;

/**
 * Undoes the last step by its own undo command, or by that of the earlier step with which it goes away, and then all
 * between too; what serves every container stays. Returns how many steps are left.
 */
async function undoLast(
  done: readonly HostStep[],
): Promise<{ left: number; undone: readonly string[]; failures: readonly string[] }> {
  const last = done.at(-1);
  if (last === undefined) return { left: 0, undone: [], failures: [] };
  const { undo } = last;
  const owner = undo.kind === 'freedBy' ? done.findIndex(({ id }) => id === undo.step) : -1;
  const left = owner < 0 ? done.length - 1 : owner;
  const entries = done
    .slice(left)
    .reverse()
    .flatMap(({ id, undo: own }) => (own.kind === 'command' ? [{ id, undo: own.command }] : []));
  const { undone, failures } = await undoEntries(entries);
  await untilCablesAreGone(done.slice(left));
  return { left, undone, failures: failures.map(({ message }) => message) };
}

/** The kernel takes a namespace's cables away a moment after the namespace (cleanup_net() in the kernel). */
async function untilCablesAreGone(steps: readonly HostStep[]): Promise<void> {
  const names = steps.flatMap(({ command }) => {
    const argv: readonly string[] = command.kind === 'run' ? command.argv : [];
    return argv.includes('veth') ? (argv[argv.indexOf('add') + 1] ?? []) : [];
  });
  for (const name of names) {
    for (let wait = 0; wait < 100; wait++) {
      if ((await readProgram(['ip', 'link', 'show', 'dev', name])).exitCode !== 0) break;
      await delay(20);
    }
  }
}

/** As for a command that Ctrl-C ends. */
const STOPPED = 130;

function stopped(steps: readonly Step[], id: string): MinidockError {
  const at = steps.findIndex((step) => step.id === id);
  return new MinidockError({
    code: 'STOPPED',
    message: `stopped before step ${String(at + 1)} of ${String(steps.length)} (${steps[at]?.title ?? id})`,
    exitCode: STOPPED,
  });
}
