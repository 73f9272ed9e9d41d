/** Go's path.Match for one name: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a character that means itself. */
export function goMatch(pattern: string, name: string): boolean {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '\\' && at + 1 < pattern.length) source += literal(pattern.charAt(++at));
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) return false;
      const set = pattern.slice(at + 1, end);
      const negated = set.startsWith('^');
      const body = (negated ? set.slice(1) : set).replace(/[\\\]^]/g, '\\$&');
      source += `[${negated ? '^' : ''}${body}]`;
      at = end;
    } else source += literal(char);
  }
  return new RegExp(`^${source}$`, 'su').test(name);
}

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
