/** What `minidock --help` prints: global flags and verbs, grouped as Docker does, within 80 columns. */
import { GLOBAL_FLAGS } from './global-flags.ts';
import { GROUPS, VERBS } from './verbs.ts';
import type { VerbEntry } from './verb-entry.ts';

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
  const verbs = VERBS.filter(({ name, hidden }) => !name.includes(' ') && hidden !== true);
  const named = (names: readonly string[]): Lines =>
    names.flatMap((name) => verbs.filter((verb) => verb.name === name).map(lineOf));
  const rest = verbs.filter(({ name }) => !COMMON.includes(name) && !LEARNING.includes(name));
  const options = [...GLOBAL_FLAGS, ['--help', 'Print usage']] as const;
  return [
    'Usage: minidock [OPTIONS] COMMAND',
    DESCRIPTION,
    `Common Commands:\n${list(named(COMMON))}`,
    `Management Commands:\n${list(Object.entries(GROUPS))}`,
    `Learning Commands:\n${list(named(LEARNING))}`,
    `Commands:\n${list(sorted(rest.map(lineOf)))}`,
    `Global Options:\n${list(options)}`,
    "Run 'minidock COMMAND --help' for more information on a command.\n",
  ].join('\n\n');
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
    `Commands:\n${list(sorted(verbs))}`,
    `Run 'minidock ${group} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n');
}

const lineOf = ({ name, summary }: VerbEntry): readonly [string, string] => [name, summary];

const sorted = (lines: Lines): Lines => [...lines].sort(([a], [b]) => (a < b ? -1 : 1));

function list(lines: Lines): string {
  const width = Math.max(...lines.map(([left]) => left.length), 9) + 2;
  return lines
    .flatMap(([left, right]) => {
      const [first = '', ...more] = broken(right, WIDTH - width - 2);
      return [`  ${left.padEnd(width)}${first}`, ...more.map((line) => ' '.repeat(width + 2) + line)];
    })
    .join('\n');
}

function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
