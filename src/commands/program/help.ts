/** What `minidock --help` prints: global flags and verbs, grouped as Docker does, within 80 columns. */
import { GLOBAL_FLAGS } from './global-flags.ts';
import { GROUPS, VERBS } from './verbs.ts';

export const DESCRIPTION = 'A container runtime without a daemon that can show every step it takes';

const WIDTH = 80;
const COMMON = [
  'run',
  'exec',
  'ps',
  'pull',
  'push',
  'images',
  'login',
  'logout',
  'search',
  'version',
  'info',
];
const LEARNING = ['doctor', 'graph', 'lab', 'why'];

type Lines = readonly (readonly [left: string, right: string])[];

export function helpText(): string {
  const [common, learning, rest] = grouped();
  const options = [...GLOBAL_FLAGS, ['--help', 'Print usage']] as const;
  return [
    'Usage: minidock [OPTIONS] COMMAND',
    DESCRIPTION,
    `Common Commands:\n${list(common).join('\n')}`,
    `Management Commands:\n${list(Object.entries(GROUPS)).join('\n')}`,
    `Learning Commands:\n${list(learning).join('\n')}`,
    `Commands:\n${list(rest).sort().join('\n')}`,
    `Global Options:\n${list(options).join('\n')}`,
    "Run 'minidock COMMAND --help' for more information on a command.\n",
  ].join('\n\n');
}

/** The verbs of one word: those of COMMON and LEARNING in that order, then all others. */
function grouped(): readonly [common: Lines, learning: Lines, rest: Lines] {
  const rest = new Map<string, readonly [string, string]>();
  for (const { name, summary, hidden } of VERBS) {
    if (!name.includes(' ') && hidden !== true) rest.set(name, [name, summary]);
  }
  const taken = (names: readonly string[]): Lines => {
    const lines = [];
    for (const name of names) {
      const line = rest.get(name);
      if (line !== undefined) lines.push(line);
      rest.delete(name);
    }
    return lines;
  };
  return [taken(COMMON), taken(LEARNING), [...rest.values()]];
}

/** The verbs of a group: `minidock container --help`. undefined if there is no such group. */
export function groupHelp(group: string): string | undefined {
  const verbs = VERBS.flatMap((verb) => {
    // The first one: `container ls`, and not also `container list` and `container ps`.
    const name = [verb.name, ...(verb.aliases ?? [])].find((word) => word.startsWith(`${group} `));
    return name === undefined ? [] : [[name.slice(group.length + 1), verb.summary] as const];
  });
  if (verbs.length === 0) return undefined;
  return [
    `Usage: minidock ${group} COMMAND`,
    ...(GROUPS[group] === undefined ? [] : [GROUPS[group]]),
    `Commands:\n${list(verbs).sort().join('\n')}`,
    `Run 'minidock ${group} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n');
}

/**
 * One text for each pair. Loops instead of closures: JavaScriptCore compiles a function that is called for each of
 * the verbs, in threads of its own, which takes --help half a millisecond.
 */
function list(lines: Lines): string[] {
  let width = 9;
  for (const [left] of lines) width = Math.max(width, left.length);
  width += 2;
  const texts: string[] = [];
  for (const [left, right] of lines) {
    const fits = right.length <= WIDTH - width - 2;
    const text = fits ? right : broken(right, WIDTH - width - 2).join(`\n${' '.repeat(width + 2)}`);
    texts.push(`  ${left.padEnd(width)}${text}`);
  }
  return texts;
}

function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
