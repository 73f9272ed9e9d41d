/** Prints steps on a stream of this process, as they are done or all at once. */
import type { Step, StepId } from '../../../runtime/plan/step.ts';
import type { StepTime } from '../../../runtime/plan/step-span.ts';
import { stdout, type StandardStream } from '../../io/standard-streams.ts';
import { colorsFor } from '../../ui/colors.ts';
import { createExplainer, renderDryRun } from './explain.ts';
import type { Explainer } from './explainer.ts';
import type { ExplainHow } from './how.ts';

export async function explainerFor(how: ExplainHow, output: StandardStream): Promise<Explainer> {
  return createExplainer({ how, width: output.columns || 80, colors: await colorsFor(output) });
}

/** The terminal may already be handed over to the container: in raw mode \n does not return to column 1. */
function say(output: StandardStream, text: string): void {
  output.writeStyled(output.isTTY ? text.replaceAll('\n', '\r\n') : text);
}

/** Prints steps in the plan's order, whatever order they finish in. */
export class StepPrinter {
  private steps: readonly Step[] = [];
  private next = 0;
  private readonly results = new Map<StepId, StepTime>();

  constructor(
    private readonly explainer: Explainer,
    private readonly output: StandardStream,
  ) {}

  plan(steps: readonly Step[]): void {
    this.steps = steps;
  }

  done(result: StepTime): void {
    this.results.set(result.id, result);
    for (const [index, step] of this.steps.entries()) {
      if (index < this.next) continue;
      const known = this.results.get(step.id);
      if (known === undefined) {
        // After a failure the remaining steps never finish: do not wait for them.
        if (result.outcome === 'failed') continue;
        return;
      }
      this.next = index + 1;
      const { explainer, output } = this;
      say(output, explainer.stepStarted(step, this.next, this.steps.length));
      say(output, explainer.stepDone(step, known.ms, known.outcome));
    }
  }
}

/** For --dry-run. `already`: steps whose effect is known to be there. */
export async function printSteps(
  steps: readonly Step[],
  how: ExplainHow,
  already?: ReadonlySet<StepId>,
): Promise<void> {
  (await dryRunPrinter(how))(steps, already);
}

/** The same, for one list after the other. */
export async function dryRunPrinter(
  how: ExplainHow,
): Promise<(steps: readonly Step[], already?: ReadonlySet<StepId>) => void> {
  const colors = await colorsFor(stdout);
  return (steps, already) =>
    void stdout.writeStyled(renderDryRun(steps, { how, width: stdout.columns || 80, colors }, already));
}

/** For an empty plan. JSON prints no object. */
export function sayNothing(output: StandardStream, how: ExplainHow, why: string): void {
  if (how !== 'json') say(output, `Nothing to do: ${why}.\n`);
}
