/**
 * `--explain` of `run` and `start`: prints the steps as the shim reports them done. They go to stderr, so that the
 * container's own output stays apart. Like dry-run.ts and walk.ts, this module is loaded only when its flag is given.
 */
import type { MessageHandler } from '../../engine/shim/client/shim-protocol.ts';
import type { ExplainHow } from './how.ts';
import { stderr, type StandardStream } from '../../io/standard-streams.ts';
import { throughExec } from './look.ts';
import { explainerFor, StepPrinter } from './step-printer.ts';

export interface ShimReporter {
  readonly onMessage: MessageHandler;
  /** Resolves when all reports that came in are printed. */
  finished(): Promise<void>;
}

/** Steps may finish in any order; each is printed once all steps before it in the plan are done. */
export async function createShimReporter(
  how: ExplainHow,
  output: StandardStream = stderr,
): Promise<ShimReporter> {
  const printer = new StepPrinter(await explainerFor(how, output), output);
  return {
    onMessage: (message) => {
      if (message.type === 'plan') printer.plan(throughExec(message.steps, [message.container]));
      if (message.type === 'step') printer.done(message);
    },
    finished: () => Promise.resolve(),
  };
}
