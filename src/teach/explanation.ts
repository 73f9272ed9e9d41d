/**
 * `--explain` and `--dry-run` on the command's side: both print the same steps with the same words; one as the
 * shim reports them done, the other without a shim. Everything goes to stderr (--explain) so that the container's
 * own output stays apart, or to stdout (--dry-run), which has nothing else to say.
 */
import type { ContainerConfig } from '../engine/container.ts';
import { previewNetwork } from '../engine/networking.ts';
import { allSteps } from '../engine/run-plan.ts';
import { computeRun } from '../engine/shim/prepare.ts';
import type { ShimMessage } from '../engine/shim-protocol.ts';
import type { ContainerStore } from '../engine/store.ts';
import type { Step, StepId } from '../../runtime/plan/step.ts';
import type { StepTime } from '../../runtime/plan/step-span.ts';
import { colorsFor } from '../ui/colors.ts';
import { createExplainer, renderDryRun, type Explainer } from './explain.ts';
import { stderr, stdout, type StandardStream } from '../engine/standard-streams.ts';

export interface Explanation {
  readonly onMessage: (message: ShimMessage) => void;
}

/** Steps finish in whatever order they run; they are printed in the plan's, each once all before it are done. */
export async function createExplanation(output: StandardStream = stderr): Promise<Explanation> {
  const colors = await colorsFor(output);
  const explainer: Explainer = createExplainer({ width: output.columns || 80, colors });
  let steps: readonly Step[] = [];
  let printed = 0;
  const results = new Map<StepId, StepTime>();
  const flush = (): void => {
    for (let step = steps[printed]; step !== undefined; step = steps[printed]) {
      const result = results.get(step.id);
      if (result === undefined) return;
      printed += 1;
      output.write(explainer.stepStarted(step, printed, steps.length));
      output.write(explainer.stepDone(step, result.ms, result.outcome));
    }
  };
  return {
    onMessage: (message) => {
      if (message.type === 'plan') steps = message.steps;
      if (message.type === 'step') {
        results.set(message.id, message);
        flush();
      }
    },
  };
}

/** What `run` would do now for this container; nothing is made, leased or reserved. */
export async function printDryRun(store: ContainerStore, config: ContainerConfig): Promise<void> {
  const attachment = await previewNetwork(store, config);
  const { plan } = computeRun(store.paths, config, attachment);
  stdout.write(
    renderDryRun(allSteps(plan), {
      width: stdout.columns || 80,
      colors: await colorsFor(stdout),
    }),
  );
}
