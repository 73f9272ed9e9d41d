/** Signatures first; the implementation follows. */
import type { Step } from '../../runtime/plan/step.ts';
export interface ExplainOptions {
  /** Columns to wrap at; 80 where unknown. */
  readonly width?: number;
  readonly color?: boolean;
}
export type StepOutcome = 'done' | 'already' | 'failed';
/** Each returns text with its final newline; the caller writes it. The heading of a section is printed once. */
export interface Explainer {
  stepStarted(step: Step, n: number, total: number): string;
  stepDone(step: Step, milliseconds: number, outcome: StepOutcome): string;
}
export function createExplainer(_options: ExplainOptions): Explainer {
  throw new Error('not written yet');
}
export function renderDryRun(_steps: readonly Step[], _options?: ExplainOptions): string {
  throw new Error('not written yet');
}
