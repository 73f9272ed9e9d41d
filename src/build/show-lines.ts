/** The lines of a Dockerfile around those that an error is about, as BuildKit shows them. Pure. */
import type { LineRange } from './errors.ts';

const AROUND = 2;

export function showLines(name: string, lines: readonly string[], { first, last }: LineRange): string {
  const from = Math.max(1, first - AROUND);
  const to = Math.min(lines.length, last + AROUND);
  const shown: string[] = [];
  for (let at = from; at <= to; at++) {
    const mark = at >= first && at <= last ? '>>>' : '   ';
    shown.push(`${String(at).padStart(4)} | ${mark} ${lines[at - 1] ?? ''}`);
  }
  return `${name}:${String(first)}\n--------------------\n${shown.join('\n')}\n--------------------\n`;
}
