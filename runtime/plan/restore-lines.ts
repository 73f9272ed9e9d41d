/**
 * A script for `iptables-restore` as single commands. The script is carried out for each table as a whole, or not at
 * all: where one of its chains exists already (`iptables -F` empties the chains and leaves them), it fails.
 *
 * Two that add the same line at once may both add it; a rule that is there twice does the same.
 */
import type { Argv } from './argv.ts';
import type { HostCommand } from './command.ts';
import { holds } from './perform-host.ts';
import type { Check } from './step.ts';

export interface RestoreLine {
  readonly argv: Argv;
  readonly check: Check;
}

const QUESTIONS: Readonly<Record<string, string>> = { '-N': '-S', '-A': '-C', '-I': '-C' };

/** One `iptables` (or `ip6tables`) command for each line whose effect is missing; none for any other command. */
export async function missingLines(command: HostCommand): Promise<readonly RestoreLine[]> {
  const missing: RestoreLine[] = [];
  for (const line of linesOf(command)) if (!(await holds(line.check))) missing.push(line);
  return missing;
}

function linesOf(command: HostCommand): readonly RestoreLine[] {
  if (command.kind !== 'run') return [];
  const tool = /^(ip6?tables)-restore$/.exec(command.argv[0])?.[1];
  if (tool === undefined) return [];
  let table = '';
  return (command.input ?? '').split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    const [verb = '', ...words] = line.split(' ');
    const question = QUESTIONS[verb];
    if (question === undefined) return [];
    const argv = (first: string): Argv => [tool, '--wait', '-t', table, first, ...words];
    return [{ argv: argv(verb), check: { kind: 'run', argv: argv(question) } as const }];
  });
}
