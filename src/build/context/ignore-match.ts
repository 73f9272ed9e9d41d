/**
 * Patterns of `.dockerignore` that a regular expression takes too long for, or reads otherwise: with many stars it tries
 * all ways to share a path out among them, and `+(){}|^` and a letter behind `\\` are letters here (moby/patternmatcher). The other patterns, which
 * are nearly all, stay with the library's expressions: those are faster. Here all places of the pattern that the path so far
 * can have reached are kept, so the time grows with the pattern's length times the path's. Pure.
 */
type Part =
  | { readonly kind: 'one'; readonly fits: (char: string) => boolean }
  /** Any characters; `any`: slashes too. */
  | { readonly kind: 'star'; readonly any: boolean }
  /** Nothing, or all up to a slash. */
  | { readonly kind: 'directories' };

const MOST_STARS = 2;

/** undefined: a regular expression does it. */
export function slowPattern(pattern: string): ((path: string) => boolean) | undefined {
  const stars = pattern.match(/\*+/g)?.length ?? 0;
  if (stars <= MOST_STARS && !/[+(){}|^]|\\[A-Za-z0-9]/.test(pattern)) return undefined;
  const parts = partsOf(pattern);
  return (path) => matches(parts, path);
}

function matches(parts: readonly Part[], path: string): boolean {
  let reached = closure(parts, new Set([0]));
  for (const char of path) {
    const next = new Set<number>();
    for (const at of reached) {
      const part = parts[at];
      if (part?.kind === 'one' && part.fits(char)) next.add(at + 1);
      if (part?.kind === 'star' && (part.any || char !== '/')) next.add(at);
    }
    reached = closure(parts, next);
    if (reached.size === 0) return false;
  }
  return reached.has(parts.length);
}

/** A star may be nothing; directories may be, too, and are followed by what they are made of: a star and a slash. */
function closure(parts: readonly Part[], reached: Set<number>): Set<number> {
  // A set gives what is added to it while it is walked.
  for (const at of reached) {
    const kind = parts[at]?.kind;
    if (kind === 'star') reached.add(at + 1);
    if (kind === 'directories') reached.add(at + 1).add(at + 3);
  }
  return reached;
}

const SLASH: Part = { kind: 'one', fits: (char) => char === '/' };
const ANY: Part = { kind: 'star', any: true };

function partsOf(pattern: string): readonly Part[] {
  const chars = [...pattern];
  const parts: Part[] = [];
  const one = (fits: (char: string) => boolean): void => void parts.push({ kind: 'one', fits });
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*' && chars[at + 1] === '*') {
      at += chars[at + 2] === '/' ? 2 : 1;
      if (at + 1 === chars.length) parts.push(ANY);
      else parts.push({ kind: 'directories' }, ANY, SLASH);
    } else if (char === '*') parts.push({ kind: 'star', any: false });
    else if (char === '?') one((other) => other !== '/');
    else if (char === '[' && chars.indexOf(']', at + 2) > 0) {
      const end = chars.indexOf(']', at + 2);
      const set = setOf(chars.slice(at + 1, end));
      one((other) => set.test(other));
      at = end;
    } else {
      const wanted = char === '\\' && at + 1 < chars.length ? (chars[++at] ?? '') : char;
      one((other) => other === wanted);
    }
  }
  return parts;
}

/** One character's expression: it has nothing to go back to. */
function setOf(chars: readonly string[]): RegExp {
  const text = chars.join('').replace(/[[\]]/g, '\\$&');
  try {
    return new RegExp(`^[${text}]$`, 's');
  } catch {
    return /^(?!)/; // `[z-a]`: nothing is in it.
  }
}
