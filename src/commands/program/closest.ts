/** The word that a mistyped one most likely stands for: by the fewest letters added, left out, changed or swapped. */

/** undefined where none is near: as far as a third of its letters, two at most. */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const limit = Math.min(2, Math.ceil(typed.length / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const word of words) {
    if (Math.abs(word.length - typed.length) > limit) continue;
    const far = distance(typed, word);
    if (far < least) [best, least] = [word, far];
  }
  return best;
}

/** Damerau's and Levenshtein's, in its short form: no letter takes part in two changes. */
export function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          change,
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
