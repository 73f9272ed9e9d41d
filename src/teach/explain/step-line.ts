/** `--explain=short`: a line a step, of its number, its time, its title and its command. */
import { renderCommand } from '../../../runtime/plan/render.ts';
import { oneLine } from '../../../runtime/printable.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { noColors } from '../../ui/colors.ts';
import type { Explainer, ExplainOptions, StepOutcome } from './explainer.ts';
import { alreadyWords, formatMilliseconds } from './step-phrases.ts';

export function createLineExplainer({ colors = noColors }: ExplainOptions): Explainer {
  let position = '';
  const line = (step: Step, time: string): string =>
    `${colors.dim(position)} ${time === '' ? '' : `${colors.dim(time.padStart(9))}  `}${oneLine(step.title)}: ` +
    `${colors.cyan(firstLine(renderCommand(step.command)))}\n`;
  return {
    stepStarted: (_step, n, total) => {
      position = `${String(n).padStart(String(total).length)}/${total}`;
      return '';
    },
    stepDone: (step, milliseconds, outcome) => line(step, timeOrWords(step, milliseconds, outcome)),
    stepPlanned: (step, already) => line(step, already ? alreadyWords(step)[1] : ''),
  };
}

function timeOrWords(step: Step, milliseconds: number, outcome: StepOutcome): string {
  if (outcome === 'done') return formatMilliseconds(milliseconds);
  return outcome === 'failed' ? 'failed' : alreadyWords(step)[1];
}

/** Scripts for nft have many lines; `--explain=full` has them all. */
const firstLine = (command: string): string => {
  const [first = '', ...more] = command.split('\n');
  return more.length === 0 ? first : `${first} …`;
};
