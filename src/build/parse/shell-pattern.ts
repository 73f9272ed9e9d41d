/** A shell's pattern (`*`, `?`, and characters escaped by `\`) in a variable's value: `${x#…}`, `${x%…}`, `${x/…/…}`. Pure. */
import { matchEnd, type GlobPart } from './glob.ts';

/** Without the prefix that matches; `greedy`: the longest. */
export function withoutPrefix(pattern: string, value: string, greedy: boolean): string {
  const text = [...value];
  const end = matchEnd(partsOf(pattern), text, 0, greedy);
  return typeof end === 'number' ? text.slice(end).join('') : value;
}

/** The same of the suffix: backwards it is a prefix. */
export function withoutSuffix(pattern: string, value: string, greedy: boolean): string {
  const text = [...value].reverse();
  const end = matchEnd(partsOf(pattern).reverse(), text, 0, greedy);
  return typeof end === 'number' ? text.slice(end).reverse().join('') : value;
}

/** The first match, or `all`; each is the longest that begins there. */
export function replaceMatches(pattern: string, value: string, replacement: string, all: boolean): string {
  const parts = partsOf(pattern);
  const text = [...value];
  let result = '';
  for (let at = 0; at <= text.length;) {
    const end = matchEnd(parts, text, at, true);
    if (end === 'never') return result + text.slice(at).join('');
    if (end === undefined) {
      result += text[at++] ?? '';
      continue;
    }
    result += replacement;
    if (!all) return result + text.slice(end).join('');
    // An empty match takes no character, but the next one begins behind one.
    if (end === at) result += text[at] ?? '';
    at = Math.max(end, at + 1);
    if (at === text.length && end === at) return result;
  }
  return result;
}

function partsOf(pattern: string): GlobPart[] {
  const chars = [...pattern];
  const parts: GlobPart[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') parts.push('*');
    else if (char === '?') parts.push(() => true);
    else {
      const wanted = char === '\\' && at + 1 < chars.length ? (chars[++at] ?? '') : char;
      parts.push((other) => other === wanted);
    }
  }
  return parts;
}
