/** A shell's pattern (`*`, `?`, and characters escaped by `\`) as a regular expression. */
export function patternToRegExp(
  pattern: string,
  {
    greedy,
    start = false,
    end = false,
    all = false,
  }: { readonly greedy: boolean; readonly start?: boolean; readonly end?: boolean; readonly all?: boolean },
): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '*') source += greedy ? '[\\s\\S]*' : '[\\s\\S]*?';
    else if (char === '?') source += '[\\s\\S]';
    else if (char === '\\' && at + 1 < pattern.length) source += quoted(pattern.charAt(++at));
    else source += quoted(char);
  }
  return new RegExp(`${start ? '^' : ''}(?:${source})${end ? '$' : ''}`, all ? 'g' : '');
}

const quoted = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
