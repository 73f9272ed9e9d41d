/**
 * Where `dockerfile-ast` and BuildKit do not agree on the lines of an instruction, BuildKit is right. Known so far:
 * the library does not see the here-document of `3<<EOF`, and takes its lines for instructions.
 */
import type { LineRange } from '../errors.ts';
import { joinLines } from './document-lines.ts';
import { endOf, openingsOf } from './heredocs.ts';

/** In the file's order. */
export function correctRanges(
  found: readonly LineRange[],
  lines: readonly string[],
  escape: string,
): readonly LineRange[] {
  let done = 0;
  return found.flatMap((range) => {
    if (range.first <= done) return [];
    const corrected = { ...range, last: Math.max(range.last, lastLine(range, lines, escape)) };
    done = corrected.last;
    return [corrected];
  });
}

function lastLine(range: LineRange, lines: readonly string[], escape: string): number {
  const { text, next } = joinLines(lines, range, escape);
  const [, keyword = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  let last = next - 1;
  for (const opening of openingsOf(keyword.toUpperCase(), rest)) {
    last = endOf(opening, lines, last + 1) ?? last;
  }
  return last;
}
