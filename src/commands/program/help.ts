/** What `minidock --help` prints: the global flags and every verb, a line each, as Docker does. */
import { GLOBAL_FLAGS } from './global-flags.ts';
import { VERBS } from './verbs.ts';

export const DESCRIPTION = 'A container runtime without a daemon that can show every step it takes';

export function helpText(): string {
  const options = [...GLOBAL_FLAGS, ['--help', 'Print usage']] as const;
  const verbs = VERBS.map(({ name, summary }) => [name, summary] as const);
  const width = Math.max(...[...options, ...verbs].map(([left]) => left.length));
  const list = (entries: typeof verbs): string =>
    entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
  return `Usage: minidock [OPTIONS] COMMAND\n\n${DESCRIPTION}\n\nOptions:\n${list([...options])}\nCommands:\n${list(verbs)}`;
}
