/** The texts of a lab: tasks, hints, solutions and verdicts, for a terminal. Pure. */
import { wrap } from '../../ui/wrap.ts';
import type { Colors } from '../../ui/colors.ts';
import type { Lesson, LessonGroup, LessonStep, Solution } from './lesson.ts';

export interface Style {
  readonly width: number;
  readonly colors: Colors;
}

export const GROUPS: readonly (readonly [LessonGroup, string])[] = [
  ['cable', 'Two namespaces and a cable'],
  ['host', 'The host joins'],
  ['bridge', 'A switch: the bridge'],
  ['docker', 'What Docker does with them'],
  ['article', 'Where the article’s text fails'],
  ['puzzle', 'Broken networks to repair'],
  ['beyond', 'Beyond the network'],
  ['cluster', 'Beyond one container: hosts and pods'],
];

/** Wraps paragraphs; lines that begin with a space are pictures or commands and stay as they are. */
export function prose(text: string, { width }: Pick<Style, 'width'>, indent = ''): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) lines.push(wrap(paragraph.join(' '), width, indent, indent));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (line.trim() !== '' && !/^\s/.test(line)) paragraph.push(line);
    else {
      flush();
      lines.push(line.trim() === '' ? '' : indent + line);
    }
  }
  flush();
  return `${lines.join('\n')}\n`;
}

export function storyText(lesson: Lesson, style: Style): string {
  const { bold } = style.colors;
  return `${bold(`${lesson.name}: ${lesson.title}`)}\n\n${prose(lesson.story, style)}\n`;
}

export function taskText(lesson: Lesson, index: number, style: Style): string {
  const step = lesson.steps[index];
  if (step === undefined) return '';
  const count = `Step ${String(index + 1)} of ${String(lesson.steps.length)}`;
  return `${style.colors.cyan(`${count}: ${step.title}`)}\n${prose(step.task, style, '  ')}`;
}

export function solutionText(solution: readonly Solution[], style: Style): string {
  const { dim, bold } = style.colors;
  return solution
    .map(({ command, why }) => {
      const [first = '', ...more] = command.split('\n');
      const lines = [`  ${dim('$')} ${bold(first)}`, ...more.map((line) => `    ${bold(line)}`)];
      return `${lines.join('\n')}\n${prose(why, style, '      ')}`;
    })
    .join('');
}

export function verdictText(verdicts: readonly Verdict[], { width, colors }: Style): string {
  const { green, red } = colors;
  return verdicts
    .map(
      ({ text, holds }) => `  ${holds ? green('[x]') : red('[ ]')}${wrap(text, width - 6, ' ', '      ')}\n`,
    )
    .join('');
}

export interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}

export function doneText(lesson: Lesson, style: Style): string {
  const { green } = style.colors;
  const { name, steps } = lesson;
  const done =
    steps.length === 1
      ? `The one step of ${name} is done.`
      : `All ${String(steps.length)} steps of ${name} are done.`;
  return `${green(done)}\n\n${prose(lesson.epilogue, style)}`;
}

/** The whole lesson with its solutions, to read without a lab. */
export function lessonText(lesson: Lesson, style: Style): string {
  const steps = lesson.steps.map(
    (step: LessonStep, index) => `${taskText(lesson, index, style)}${solutionText(step.solution, style)}\n`,
  );
  return `${storyText(lesson, style)}${steps.join('')}${prose(lesson.epilogue, style)}`;
}
