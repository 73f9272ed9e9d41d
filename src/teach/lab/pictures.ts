/**
 * The pictures around a step: both where they fit on the screen; else the one after it and, line by line, what came and
 * what went, since two that scroll away show less than one that stays. Pure.
 */
import type { Style } from './words.ts';

/** `rows` is the height of the terminal, 0 where there is none and nothing scrolls away. */
export function picturesText(
  before: string | undefined,
  after: string | undefined,
  rows: number,
  { colors }: Style,
): string {
  if (after === undefined) return '\n(There is no picture: minidock graph has nothing to show here.)\n';
  if (before === after) return `\n${colors.dim('The picture is as it was (minidock graph draws it).')}\n`;
  const now = `\n${colors.dim('After:')}\n${after}`;
  if (before === undefined) return now;
  const both = `\n${colors.dim('Before:')}\n${before}${now}`;
  if (rows === 0 || both.split('\n').length + WORDS_AROUND <= rows) return both;
  const old = contents(before);
  const fresh = contents(after);
  const came = [...fresh].filter((line) => !old.has(line)).map((line) => colors.green(`  + ${line}`));
  const went = [...old].filter((line) => !fresh.has(line)).map((line) => colors.red(`  - ${line}`));
  return `${now}\n${colors.dim('Changed since before:')}\n${[...went, ...came].join('\n')}\n`;
}

/** Lines of the verdict above and of the next task below. */
const WORDS_AROUND = 14;

/** What stands in the boxes, with the name of each, wherever they have moved to; and the lines that are in none. */
function contents(picture: string): ReadonlySet<string> {
  const found = new Set<string>();
  /** By the column of its left edge: whose box was opened there last. */
  const boxes = new Map<number, string>();
  for (const line of picture.split('\n')) {
    if (!/[\u2500-\u257f]/.test(line)) found.add(oneSpaced(line));
    for (const { index, 1: name = '' } of line.matchAll(/[╔┌] (.+?) [═─]/g)) {
      boxes.set(index, name);
      found.add(`${name}:`);
    }
    for (const { index, 1: words = '' } of line.matchAll(/[║│┤╢]([^\u2500-\u257f]+)/g)) {
      const box = boxes.get(index);
      if (box !== undefined && words.trim() !== '') found.add(`${box}: ${oneSpaced(words)}`);
    }
  }
  found.delete('');
  return found;
}

const oneSpaced = (text: string): string => text.trim().replace(/ +/g, ' ');
