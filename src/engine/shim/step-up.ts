/**
 * `--step`: a container brought up one step after the other, in the reader's order, each on the command's word. The
 * steps are the usual ones, but nothing runs concurrently or folded. Meanwhile the shim waits in poll(2) and PID 1
 * waits for its answer: the kernel is as the last step left it.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { withPid } from '../../../runtime/plan/first-pid.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import type { Pause } from '../../../runtime/process/supervise.ts';
import { allSteps, type RunPlan } from '../plans/run-plan.ts';
import type { Joined } from '../plans/bundle-input.ts';
import type { Clients } from './clients.ts';
import { launch, pidOf, type Started } from './launch.ts';
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
  const refused = (id: string, pid?: number): MinidockError | undefined => {
    if (!asking) return undefined;
    const word = clients.ask({ type: 'paused', id, ...(pid === undefined ? {} : { pid }) });
    asking = word === 'go';
    return word === 'quit' || word === undefined ? stopped(steps, id) : undefined;
  };
  const allow = (id: string): void => {
    const error = refused(id);
    if (error !== undefined) throw error;
  };
  const startAllowed = (): Promise<Started> => {
    allow(plan.start.id);
    return start((id, pid) => {
      const error = refused(id, pid);
      return (
        error && { type: 'error', step: id, code: error.code, message: error.message, exitCode: STOPPED }
      );
    });
  };
  for (const step of plan.early) {
    allow(step.id);
    await applySteps([step], { ...options, unfolded: true });
  }
  // As in allSteps: with a user namespace of its own PID 1 comes first, and the steps about it need its number.
  const early = plan.mapping === undefined ? undefined : await startAllowed();
  const pid = early === undefined ? 0 : await pidOf(early);
  for (const step of [...plan.network, ...plan.cgroup, ...plan.fromOutside]) {
    allow(step.id);
    await applySteps(withPid([step], pid), { ...options, unfolded: true });
  }
  const started = early ?? (await startAllowed());
  const rest = { ...plan, network: [], cgroup: [], fromOutside: [] };
  return launch({ plan: rest, wiring: Promise.resolve(), started, options, stdio, size, joined });
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
