/**
 * Explains a plan to a learner: each step with its literal command, why it is needed, what undoes it and how to look
 * at the result. `--dry-run` prints all steps at once, `--explain` each step as it happens; both print the same text,
 * because both read the same Step. The headings are the steps of Docker's bridge network as one would do them by
 * hand.
 */
import type { Step, StepId } from '../../../runtime/plan/step.ts';
import { createLevelExplainer } from './levels.ts';
import { createLineExplainer } from './step-line.ts';
import { createJsonExplainer } from './step-json.ts';
import { StepText } from './step-text.ts';
import type { Explainer, ExplainOptions } from './explainer.ts';

export function createExplainer(options: ExplainOptions): Explainer {
  if (options.how === 'short') return createLineExplainer(options);
  if (options.how === 'json') return createJsonExplainer();
  const text = new StepText(options);
  if (options.how === 'chapters' || options.how === 'steps') {
    return createLevelExplainer(options.how, text, options);
  }
  return {
    stepStarted: (step, n, total) => text.heading(step) + text.step(step, n, total),
    stepDone: (step, milliseconds, outcome) => text.outcome(step, milliseconds, outcome),
    stepPlanned: (step, already) => (already ? text.outcome(step, 0, 'already') : text.condition(step)),
  };
}

/** `already`: steps whose effect is known to be there. */
export function renderDryRun(
  steps: readonly Step[],
  options: ExplainOptions = {},
  already: ReadonlySet<StepId> = new Set(),
): string {
  const explainer = createExplainer(options);
  return steps
    .map(
      (step, index) =>
        explainer.stepStarted(step, index + 1, steps.length) +
        explainer.stepPlanned(step, already.has(step.id)),
    )
    .join('');
}
