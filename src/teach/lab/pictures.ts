/**
 * The pictures before and after a step. If both do not fit on the screen, it prints the second one and the list of
 * changes. The changes come from the model, not from the drawing: a box that has moved is no change, and a change may
 * be invisible in the picture. Pure.
 */
import type { Facts } from '../../diagnose/graph/facts.ts';
import type { Style } from './lesson-text.ts';

export interface Picture {
  readonly text: string;
  readonly facts: Facts;
}

/** `rows` is the height of the terminal, 0 without one. */
export function picturesText(
  before: Picture | undefined,
  after: Picture | undefined,
  rows: number,
  { colors }: Style,
): string {
  if (after === undefined) return '\n(There is no picture: minidock graph has nothing to show here.)\n';
  const now = `\n${colors.dim('After:')}\n${after.text}`;
  if (before === undefined) return now;
  const came = missingIn(before.facts, after.facts).map((line) => colors.green(`  + ${line}`));
  const went = missingIn(after.facts, before.facts).map((line) => colors.red(`  - ${line}`));
  if (came.length + went.length === 0) {
    return `\n${colors.dim('The picture has not changed (minidock graph draws it).')}\n`;
  }
  const both = `\n${colors.dim('Before:')}\n${before.text}${now}`;
  if (rows === 0 || both.split('\n').length + WORDS_AROUND <= rows) return both;
  return `${now}\n${colors.dim('Changed since before:')}\n${[...went, ...came].join('\n')}\n`;
}

/** Lines for the verdict above and the next task below. */
const WORDS_AROUND = 14;

const missingIn = (old: Facts, fresh: Facts): readonly string[] =>
  Object.entries(fresh).flatMap(([key, text]) => (key in old ? [] : [text]));
