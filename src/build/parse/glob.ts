/**
 * Matching of patterns with `*`, without a regular expression: one of a hostile Dockerfile, such as `*a*a*a*a*b`, would
 * try all ways to share the text out among its stars. Here the parts between two stars are looked for from left to right,
 * each once, since what is free to come later never needs an earlier one to give way. Pure.
 */

/** `*`, or what one character must be. */
export type GlobPart = '*' | ((char: string) => boolean);
type Chars = readonly string[];
type Segment = readonly Exclude<GlobPart, '*'>[];

/** Whether the whole text matches. */
export function globMatch(parts: readonly GlobPart[], text: Chars): boolean {
  const [first = [], ...rest] = segments(parts);
  if (!matchesAt(first, text, 0)) return false;
  const last = rest.pop();
  if (last === undefined) return first.length === text.length;
  const at = afterAll(rest, text, first.length);
  const begin = text.length - last.length;
  return at !== undefined && begin >= at && matchesAt(last, text, begin);
}

/**
 * Where a match that begins at `from` ends; `greedy`: the longest, else the shortest. 'never': no later place has one
 * either.
 */
export function matchEnd(
  parts: readonly GlobPart[],
  text: Chars,
  from: number,
  greedy: boolean,
): number | undefined | 'never' {
  const [first = [], ...rest] = segments(parts);
  if (!matchesAt(first, text, from)) return undefined;
  const last = rest.pop();
  if (last === undefined) return from + first.length;
  const at = afterAll(rest, text, from + first.length);
  if (at === undefined) return 'never';
  const begin = greedy ? lastPlace(last, text, at) : firstPlace(last, text, at);
  return begin === undefined ? 'never' : begin + last.length;
}

/** Behind the segments, each at the first place it has. */
function afterAll(all: readonly Segment[], text: Chars, from: number): number | undefined {
  let at: number | undefined = from;
  for (const segment of all) {
    const place: number | undefined = firstPlace(segment, text, at);
    if (place === undefined) return undefined;
    at = place + segment.length;
  }
  return at;
}

function firstPlace(segment: Segment, text: Chars, from: number): number | undefined {
  for (let at = from; at + segment.length <= text.length; at++) if (matchesAt(segment, text, at)) return at;
  return undefined;
}

function lastPlace(segment: Segment, text: Chars, from: number): number | undefined {
  for (let at = text.length - segment.length; at >= from; at--) if (matchesAt(segment, text, at)) return at;
  return undefined;
}

const matchesAt = (segment: Segment, text: Chars, at: number): boolean =>
  at + segment.length <= text.length && segment.every((test, index) => test(text[at + index] ?? ''));

/** What is between the stars: one more than there are stars. */
function segments(parts: readonly GlobPart[]): Segment[] {
  const all: Exclude<GlobPart, '*'>[][] = [[]];
  for (const part of parts)
    if (part === '*') all.push([]);
    else all.at(-1)?.push(part);
  return all;
}
