/** Turns steps and their results into text. */
import type { Step } from '../../../runtime/plan/step.ts';
import type { Colors } from '../../ui/colors.ts';
import type { ExplainHow } from './how.ts';

/** Each returns text with its final newline, or none; the caller writes it. The heading of a section is printed once. */
export interface Explainer {
  stepStarted(step: Step, n: number, total: number): string;
  stepDone(step: Step, milliseconds: number, outcome: StepOutcome): string;
  /** Replaces stepDone in a dry run; `already`: its effect is known to be there. */
  stepPlanned(step: Step, already: boolean): string;
}

export type StepOutcome = 'done' | 'already' | 'failed';

export interface ExplainOptions {
  /** Columns to wrap at; 80 if unknown. Commands are never wrapped, so that they can be pasted. */
  readonly width?: number;
  readonly colors?: Colors;
  /** 'full' unless given: everything; 'chapters' and 'steps': less; 'short': a line a step; 'json': an object a line. */
  readonly how?: ExplainHow;
}
