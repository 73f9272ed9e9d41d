/** A step in words for a learner: its heading, command, reasons, undo, and how to look at the result. */
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { Section, Step, Undo } from '../../../runtime/plan/step.ts';
import { noColors, type Colors } from '../../ui/colors.ts';
import { wrap } from '../../ui/wrap.ts';
import type { ExplainOptions, StepOutcome } from './explainer.ts';
import {
  alreadyWords,
  formatMilliseconds,
  label,
  sectionHeadings,
  skipText,
  undoText,
} from './step-phrases.ts';

const INDENT = '    ';
const HANGING = INDENT + ' '.repeat(label('Why').length);

export class StepText {
  private readonly width: number;
  private readonly colors: Colors;
  private readonly titles = new Map<string, string>();
  private section: Section | undefined;
  private readonly seen: Section[] = [];

  constructor({ width = 80, colors = noColors }: ExplainOptions) {
    this.width = Math.max(40, width);
    this.colors = colors;
  }

  /** '3. Create the veth pair …', when the section changes; a section that returns keeps its number. */
  heading(step: Step): string {
    if (step.section === this.section) return '';
    this.section = step.section;
    const known = this.seen.indexOf(step.section);
    if (known < 0) this.seen.push(step.section);
    const number = `${known < 0 ? this.seen.length : known + 1}. `;
    const again = known < 0 ? '' : ' (again)';
    const text = wrap(sectionHeadings[step.section] + again, this.width, number, ' '.repeat(number.length));
    return `\n${this.colors.bold(text)}\n`;
  }

  /** For the undo of later steps. */
  know({ id, title }: Step): void {
    this.titles.set(id, title);
  }

  step(step: Step, n: number, total: number): string {
    this.know(step);
    return [
      this.brief(step, n, total) + this.labelled(label('Without'), step.without),
      this.undo(step.undo),
      ...(step.observe === undefined ? [] : [this.literal(label('Look'), renderArgv(step.observe))]),
      '',
    ].join('\n');
  }

  /** Title, command and reason. */
  brief(step: Step, n: number, total: number): string {
    const position = `[${String(n).padStart(String(total).length)}/${total}]`;
    const command = renderCommand(step.command)
      .split('\n')
      .map((line, index) => INDENT + this.colors.cyan(`${index === 0 ? '$ ' : '  '}${line}`))
      .join('\n');
    return [`\n${this.title(position, step.title)}`, command, this.labelled(label('Why'), step.why), ''].join(
      '\n',
    );
  }

  private title(position: string, title: string): string {
    const indent = ' '.repeat(position.length + 3);
    const [first = '', ...more] = wrap(title, this.width, indent, indent).split('\n');
    const { bold, dim } = this.colors;
    return [`  ${dim(position)} ${bold(first.trimStart())}`, ...more.map((line) => bold(line))].join('\n');
  }

  condition({ check }: Step): string {
    return check === undefined ? '' : `${this.labelled(label('Skip'), skipText(check))}\n`;
  }

  outcome(step: Step, milliseconds: number, outcome: StepOutcome): string {
    const { green, red, dim } = this.colors;
    const words = {
      done: green(`done in ${formatMilliseconds(milliseconds)}`),
      already: dim(alreadyWords(step)[0]),
      failed: red(`failed after ${formatMilliseconds(milliseconds)}`),
    };
    return `${INDENT}${words[outcome]}\n`;
  }

  private undo(undo: Undo): string {
    const text = undoText(undo, (id) => this.titles.get(id));
    return undo.kind === 'command' ? this.literal(label('Undo'), text) : this.labelled(label('Undo'), text);
  }

  private labelled(head: string, text: string): string {
    return wrap(text, this.width, INDENT + head, HANGING).replace(head, this.colors.dim(head));
  }

  private literal(head: string, command: string): string {
    return INDENT + this.colors.dim(head) + command.split('\n').join(`\n${HANGING}`);
  }
}
