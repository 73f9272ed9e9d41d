/**
 * `--explain=steps` and `--explain=chapters`: less than everything. Steps have title, command and reason, and those that
 * repeat another one share a line. Chapters have a paragraph of titles and their time. A step is printed once it is
 * done, a chapter with its last step; what fails is printed in full.
 */
import { oneLine } from '../../../runtime/printable.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { noColors } from '../../ui/colors.ts';
import { wrap } from '../../ui/wrap.ts';
import type { Explainer, ExplainOptions, StepOutcome } from './explainer.ts';
import type { StepText } from './step-text.ts';
import { difference, Folding } from './fold.ts';
import { formatMilliseconds } from './step-phrases.ts';

interface Position {
  readonly n: number;
  readonly total: number;
}

/** An explainer that decides what to print when a step's outcome is known. */
abstract class Level implements Explainer {
  protected position: Position = { n: 0, total: 0 };

  constructor(
    protected readonly text: StepText,
    protected readonly width: number,
    protected readonly dim: (words: string) => string,
  ) {}

  stepStarted(step: Step, n: number, total: number): string {
    this.text.know(step);
    this.position = { n, total };
    return '';
  }

  stepDone(step: Step, milliseconds: number, outcome: StepOutcome): string {
    const { n, total } = this.position;
    if (outcome === 'failed') {
      const before = this.rest();
      const whole = this.text.step(step, n, total) + this.text.outcome(step, milliseconds, outcome);
      return before + this.text.heading(step) + whole;
    }
    const words = this.take(step, milliseconds, outcome);
    return n === total ? words + this.rest() : words;
  }

  stepPlanned(step: Step, already: boolean): string {
    const words = this.take(step, undefined, already ? 'already' : undefined);
    return this.position.n === this.position.total ? words + this.rest() : words;
  }

  /** What to print now; milliseconds and outcome as far as they are known. */
  protected abstract take(
    step: Step,
    milliseconds: number | undefined,
    outcome: StepOutcome | undefined,
  ): string;
  /** What has been held back. */
  protected abstract rest(): string;
}

class Steps extends Level {
  private readonly folding = new Folding();
  private same: { readonly n: number; readonly words: string }[] = [];

  protected take(step: Step, milliseconds: number | undefined, outcome: StepOutcome | undefined): string {
    const { n, total } = this.position;
    const first = this.folding.repeated(step);
    if (first !== undefined) {
      this.same.push({ n, words: difference(step, first) });
      return '';
    }
    const before = this.rest() + this.text.heading(step) + this.text.brief(step, n, total);
    return outcome === undefined ? before : before + this.text.outcome(step, milliseconds ?? 0, outcome);
  }

  protected rest(): string {
    const [first, last] = [this.same[0], this.same.at(-1)];
    if (first === undefined || last === undefined) return '';
    const numbers = first === last ? String(first.n) : `${String(first.n)}-${String(last.n)}`;
    const words = [...new Set(this.same.map((one) => oneLine(one.words)))].join(', ');
    this.same = [];
    const head = `  [${numbers}/${String(this.position.total)}] `;
    return `\n${this.dim(wrap(`the same for ${words}`, this.width, head, '    '))}\n`;
  }
}

class Chapters extends Level {
  private readonly folding = new Folding();
  private section: string | undefined;
  private titles: string[] = [];
  private count = 0;
  private milliseconds: number | undefined;

  protected take(step: Step, milliseconds: number | undefined): string {
    const before = step.section === this.section ? '' : this.rest() + this.text.heading(step);
    this.section = step.section;
    this.count += 1;
    if (milliseconds !== undefined) this.milliseconds = (this.milliseconds ?? 0) + milliseconds;
    if (this.folding.repeated(step) === undefined) this.titles.push(step.title);
    return before;
  }

  protected rest(): string {
    if (this.count === 0) return '';
    const time = this.milliseconds === undefined ? '' : ` in ${formatMilliseconds(this.milliseconds)}`;
    const steps = this.count === 1 ? '1 step' : `${String(this.count)} steps`;
    const text = `${wrap(`${this.titles.join('; ')}.`, this.width, '   ', '   ')}\n   ${this.dim(`${steps}${time}`)}\n`;
    [this.titles, this.count, this.milliseconds] = [[], 0, undefined];
    return text;
  }
}

export function createLevelExplainer(
  level: 'chapters' | 'steps',
  text: StepText,
  { width = 80, colors = noColors }: ExplainOptions,
): Explainer {
  const Kind = level === 'steps' ? Steps : Chapters;
  return new Kind(text, Math.max(40, width), colors.dim);
}
