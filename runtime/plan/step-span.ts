/** Steps in the trace: one span for those that are carried out together, and how long each of them took by that. */
import { isTraced, span, type Note, type TraceEvent } from '../trace.ts';
import type { Step, StepId } from './step.ts';

export type Outcome = 'done' | 'already' | 'failed';

/** Milliseconds; the time of steps folded into one process is shared evenly among them. */
export interface StepTime {
  readonly id: StepId;
  readonly outcome: Outcome;
  readonly ms: number;
}

/**
 * `work` notes its outcome; without one the span names no steps (a check that found nothing). It names the commands
 * too: a reader can compare what was printed with what was carried out. `state`: steps on minidock's own files.
 */
export function stepSpan<T>(
  steps: readonly Pick<Step, 'id' | 'command'>[],
  work: (note: Note) => T,
  kind: 'step' | 'state' = 'step',
): T {
  if (!isTraced()) return work(() => undefined);
  const ids = steps.map(({ id }) => id);
  return span(kind, ids.join(' + '), work, { steps: ids, commands: steps.map(({ command }) => command) });
}

export function stepTimes(event: TraceEvent): readonly StepTime[] {
  if (event.type !== 'span' || (event.kind !== 'step' && event.kind !== 'state')) return [];
  const {
    steps,
    outcome: noted,
    error,
  } = event.args as {
    steps?: readonly StepId[];
    outcome?: Outcome;
    error?: string;
  };
  const outcome = error === undefined ? noted : 'failed';
  if (steps === undefined || outcome === undefined) return [];
  return steps.map((id) => ({ id, outcome, ms: event.ms / steps.length }));
}

/** Before the id of a step: that it is undone. */
export const UNDO_STEP = 'undo:';

/** The same for what is undone, see undo.ts; also of several at once. */
export function undoTimes(event: TraceEvent): readonly StepTime[] {
  if (event.type !== 'span' || event.kind !== 'undo') return [];
  const { steps } = event.args as { steps?: readonly StepId[] };
  return (steps ?? []).map((id) => ({
    id: `${UNDO_STEP}${id}`,
    outcome: 'done',
    ms: event.ms / (steps?.length ?? 1),
  }));
}
