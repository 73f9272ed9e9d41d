/** Lines of a Dockerfile that continue each other, as the one line that they are to BuildKit. */
import type { LineRange } from '../errors.ts';

/** The instruction's own line, of all that it continues on; `next` is the first line behind them, from 1 on. */
export function joinLines(
  lines: readonly string[],
  { first, last }: LineRange,
  escape: string,
): { readonly text: string; readonly next: number } {
  let text = '';
  for (let at = first; at <= last; at++) {
    const line = lines[at - 1] ?? '';
    if (at > first && (line.trim() === '' || line.trimStart().startsWith('#'))) continue;
    const continued = continuation(line, escape);
    text += continued ?? line;
    if (continued === undefined) return { text: text.trim(), next: at + 1 };
  }
  return { text: text.trim(), next: last + 1 };
}

/** The line without its escape character, if it goes on below. Two of them are a character of the line. */
function continuation(line: string, escape: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, '');
  if (!trimmed.endsWith(escape) || trimmed.endsWith(escape + escape)) return undefined;
  return trimmed.slice(0, -1);
}
