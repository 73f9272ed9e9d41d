/**
 * `--explain=json`: an object a line, for programs. Its keys are the words of the text, in small letters: Why, Without,
 * Undo, Look, Skip. A dry run's have no `ms`, and an `outcome` only where it is known.
 */
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import { printableJson } from '../../../runtime/printable.ts';
import type { Step, StepId } from '../../../runtime/plan/step.ts';
import type { Explainer, StepOutcome } from './explainer.ts';
import { sectionHeadings, skipText, undoText } from './step-phrases.ts';

export interface StepObject {
  readonly id: StepId;
  readonly n: number;
  readonly of: number;
  /** The heading, as people read it. */
  readonly section: string;
  readonly title: string;
  readonly command: string;
  readonly why: string;
  readonly without: string;
  readonly undo: string;
  /** null where there is nothing to look at. */
  readonly look: string | null;
  /** Of a dry run, where the step is left out if something holds already. */
  readonly skip?: string;
  readonly ms?: number;
  readonly outcome?: StepOutcome;
}

export function createJsonExplainer(): Explainer {
  let position = { n: 0, of: 0 };
  const titles = new Map<StepId, string>();
  const line = (step: Step, result: Pick<StepObject, 'ms' | 'outcome' | 'skip'>): string =>
    `${printableJson({ ...stepObject(step, position, titles), ...result })}\n`;
  return {
    stepStarted: (step, n, of) => {
      titles.set(step.id, step.title);
      position = { n, of };
      return '';
    },
    stepDone: (step, ms, outcome) => line(step, { ms: Number(ms.toFixed(3)), outcome }),
    stepPlanned: (step, already) => line(step, already ? { outcome: 'already' } : condition(step)),
  };
}

/** A step, whatever became of it. `titles`: of the steps that its undo may name. */
export const stepObject = (
  step: Step,
  position: { readonly n: number; readonly of: number },
  titles: ReadonlyMap<StepId, string>,
): StepObject => ({
  id: step.id,
  ...position,
  section: sectionHeadings[step.section],
  title: step.title,
  command: renderCommand(step.command),
  why: step.why,
  without: step.without,
  undo: undoText(step.undo, (id) => titles.get(id)),
  look: step.observe === undefined ? null : renderArgv(step.observe),
});

const condition = ({ check }: Step): { readonly skip?: string } =>
  check === undefined ? {} : { skip: skipText(check) };
