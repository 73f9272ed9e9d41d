/**
 * Go's path.Match for one name: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a character that means itself. Only the last
 * `*` ever gives way, so the time grows with the pattern's length times the name's.
 */
import { globMatch, type GlobPart } from '../parse/glob.ts';

export function goMatch(pattern: string, name: string): boolean {
  const chars = [...pattern];
  const parts: GlobPart[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    const next = chars[at + 1];
    if (char === '*') parts.push('*');
    else if (char === '?') parts.push(() => true);
    else if (char === '\\' && next !== undefined) {
      parts.push(is(next));
      at++;
    } else if (char === '[') {
      const end = chars.indexOf(']', at + 2);
      if (end < 0) return false;
      parts.push(inSet(chars.slice(at + 1, end)));
      at = end;
    } else parts.push(is(char));
  }
  return globMatch(parts, [...name]);
}

const is =
  (char: string): GlobPart =>
  (other) =>
    other === char;

function inSet(given: readonly string[]): GlobPart {
  const negated = given[0] === '^';
  const set = negated ? given.slice(1) : given;
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at < set.length; at++) {
    if (set[at] === '\\' && at + 1 < set.length) at++;
    const low = codeOf(set[at]);
    if (set[at + 1] !== '-' || at + 2 >= set.length) {
      ranges.push([low, low]);
      continue;
    }
    at += set[at + 2] === '\\' && at + 3 < set.length ? 3 : 2;
    ranges.push([low, codeOf(set[at])]);
  }
  return (char) => {
    const code = codeOf(char);
    return ranges.some(([low, high]) => low <= code && code <= high) !== negated;
  };
}

const codeOf = (char: string | undefined): number => char?.codePointAt(0) ?? 0;
