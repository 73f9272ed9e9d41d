/**
 * `--explain` for verbs without a shim: prints the steps that this process does, or that another process reports to
 * it, as their spans end. The caller passes its steps to `plan` and does them within stepSpan
 * (runtime/plan/step-span.ts).
 */
import type { Step } from '../../../runtime/plan/step.ts';
import { stepTimes, undoTimes, type StepTime } from '../../../runtime/plan/step-span.ts';
import { listenToTrace } from '../../../runtime/trace.ts';
import { stderr, type StandardStream } from '../../io/standard-streams.ts';
import type { ExplainHow } from './how.ts';
import { throughExec, type ExecWords } from './look.ts';
import { explainerFor, StepPrinter } from './step-printer.ts';

export interface LocalReporter {
  /** Called before the steps begin, and again before the next list of steps, which is numbered from 1. */
  readonly plan: (steps: readonly Step[], exec?: ExecWords) => void;
  /** A step without a span of its own. */
  readonly done: (result: StepTime) => void;
  /** Stops reporting. */
  readonly end: () => void;
}

export async function createLocalReporter(
  how: ExplainHow,
  output: StandardStream = stderr,
): Promise<LocalReporter> {
  const explainer = await explainerFor(how, output);
  let printer = new StepPrinter(explainer, output);
  const end = listenToTrace((event) => {
    for (const result of [...stepTimes(event), ...undoTimes(event)]) printer.done(result);
  });
  return {
    plan: (steps, exec) => {
      printer = new StepPrinter(explainer, output);
      printer.plan(exec === undefined ? steps : throughExec(steps, exec));
    },
    done: (result) => printer.done(result),
    end,
  };
}
