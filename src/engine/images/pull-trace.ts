/**
 * The steps of a pull as spans: what the registry was asked when the answers are known, then each task while it is
 * carried out. Only a pull that someone watches loads this file.
 */
import type { Perform, PullTasks } from '../../../images/pull-tasks.ts';
import type { Answered } from '../../../images/registry/session.ts';
import { stepSpan, type Outcome } from '../../../runtime/plan/step-span.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { tellTrace, traceClock } from '../../../runtime/trace.ts';
import { planPullSteps, type PullPlan } from '../plans/pull-plan.ts';
import type { Paths } from '../state/paths.ts';

export interface PullTrace {
  readonly onAnswer: (answered: Answered) => void;
  readonly onPlanned: (tasks: PullTasks) => void;
  readonly perform: Perform;
}

/** `onSteps` gets all steps before any of them is reported. */
export function tracePull(paths: Paths, onSteps?: (steps: readonly HostStep[]) => void): PullTrace {
  const answers: Answered[] = [];
  let plan: PullPlan | undefined;
  return {
    onAnswer: (answered) => void answers.push(answered),
    onPlanned: (tasks) => {
      plan = planPullSteps(paths, answers, tasks);
      onSteps?.(plan.steps);
      for (const { step, answered } of plan.requests) report(step, answered, 'done');
      if (plan.known !== undefined) report(plan.known, { begin: traceClock(), ms: 0 }, 'already');
    },
    perform: (task, work) => {
      const step = plan?.tasks.get(task);
      if (step === undefined) throw new Error(`a pull performs a task that it has not planned: ${task.kind}`);
      return stepSpan([step], async (note) => {
        let outcome = 'done';
        const result = await work(() => (outcome = 'already'));
        note({ outcome });
        return result;
      });
    },
  };
}

/** A request was sent before it was known which step it is. */
function report(
  { id, command }: HostStep,
  { begin, ms }: Pick<Answered, 'begin' | 'ms'>,
  outcome: Outcome,
): void {
  const args = { steps: [id], commands: [command], outcome };
  tellTrace({ type: 'span', kind: 'step', name: id, begin, ms, args, lane: 0 });
}
