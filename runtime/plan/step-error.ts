/** The error of a step that failed: its message names the step, and says what had been done about it. */
import { MinidockError } from '../errors.ts';
import type { StepId } from './step.ts';

/** A step failed. The caller undoes (the journal knows what) and adds what was undone. */
export class StepError extends MinidockError {
  readonly step: StepId;

  constructor(step: { id: StepId; title: string }, cause: unknown, undone?: string) {
    const words = cause instanceof Error ? cause.message : String(cause);
    const hint = cause instanceof MinidockError ? cause.hint : undefined;
    super({
      code: 'STEP_FAILED',
      message: `step ${step.id} (${step.title}) failed: ${words}${undone === undefined ? '' : `\n${undone}`}`,
      exitCode: 125,
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
    this.step = step.id;
  }
}
