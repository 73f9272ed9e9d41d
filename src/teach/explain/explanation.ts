/**
 * `--explain` on the command's side: the steps as the shim reports them done. They go to stderr, so that the container's
 * own output stays apart. Loaded where something is to be told; so are its siblings, dry-run.ts and walk.ts.
 */
import type { MessageHandler } from '../../engine/start.ts';
import type { ExplainHow } from './how.ts';
import { stderr, type StandardStream } from '../../io/standard-streams.ts';
import { throughExec } from './look.ts';
import { explainerFor, Teller } from './teller.ts';

export interface Explanation {
  readonly onMessage: MessageHandler;
  /** Resolves when all that came in has been told. */
  finished(): Promise<void>;
}

/** Steps finish in whatever order they run; they are printed in the plan's, each once all before it are done. */
export async function createExplanation(
  how: ExplainHow,
  output: StandardStream = stderr,
): Promise<Explanation> {
  const teller = new Teller(await explainerFor(how, output), output);
  return {
    onMessage: (message) => {
      if (message.type === 'plan') teller.plan(throughExec(message.steps, [message.container]));
      if (message.type === 'step') teller.done(message);
    },
    finished: () => Promise.resolve(),
  };
}
