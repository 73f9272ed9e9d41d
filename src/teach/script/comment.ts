/** A step's explanation as a comment above its commands, from the same Step as `--explain`. */
import { comment, renderArgv } from '../../../runtime/plan/quote.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { label } from '../explain/step-phrases.ts';
import { wrap } from '../../ui/wrap.ts';

const WIDTH = 100;

/** Prose as comment lines, wrapped. */
export const remark = (text: string, head = '', indent = '  '): string =>
  wrap(text, WIDTH, `${indent}# ${head}`, `${indent}# ${' '.repeat(head.length)}`);

export interface Numbered {
  readonly step: Step;
  /** Place in the plan, from 1. */
  readonly n: number;
  readonly of: number;
  /** What undoes it, unless the commands below show it or it is the same for all steps around it. */
  readonly undo?: string;
}

export function stepComment({ step, n, of, undo }: Numbered): string {
  const position = `[${String(n).padStart(String(of).length)}/${of}]`;
  return [
    `  ${comment(`${position} ${step.title}`)}`,
    remark(step.why, label('Why')),
    remark(step.without, label('Without')),
    ...(undo === undefined ? [] : [remark(undo, label('Undo'))]),
    ...(step.observe === undefined
      ? []
      : [
          `  ${comment(`${step.observeFrom === 'inside' ? 'Look inside: ' : label('Look')}${renderArgv(step.observe)}`)}`,
        ]),
  ].join('\n');
}

export const indented = (text: string, by = '  '): string => by + text.split('\n').join(`\n${by}`);
