/**
 * Finds missing firewall rules of minidock while the last one is there. A start checks only that one. `iptables -F`
 * empties the chains of one table and leaves the other tables; `nft flush table` leaves chains, sets and maps.
 */
import { ruleCounts } from '../../../runtime/network/firewall/nftables.ts';
import { holds } from '../../../runtime/plan/perform-host.ts';
import type { Check, HostStep } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { NftEntry } from '../host/published.ts';

/** A step, and a check for its effect. */
export interface Checked {
  readonly step: HostStep;
  readonly check?: Check | undefined;
}

/** Whether each chain of the table has as many rules as it was made with. */
export const hasAllRules = (table: readonly NftEntry[]): boolean =>
  Object.entries(ruleCounts()).every(
    ([chain, count]) => table.filter(({ rule }) => rule?.chain === chain).length >= count,
  );

/** One `iptables` command for each missing line of the step's script. */
export async function missingLines(step: HostStep): Promise<readonly Checked[]> {
  const { command } = step;
  if (command.kind !== 'run' || command.argv[0] !== 'iptables-restore') return [];
  const missing: Checked[] = [];
  for (const { argv, check } of linesOf(command.input ?? '')) {
    if (!(await holds(check))) missing.push({ step: { ...step, command: { kind: 'run', argv } }, check });
  }
  return missing;
}

function linesOf(script: string): readonly { argv: Argv; check: Check }[] {
  let table = '';
  return script.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    const [verb = '', ...words] = line.split(' ');
    const ask = { '-N': '-S', '-A': '-C', '-I': '-C' }[verb];
    if (ask === undefined) return [];
    const iptables = (...rest: readonly string[]): Argv => ['iptables', '--wait', '-t', table, ...rest];
    return [
      { argv: iptables(verb, ...words), check: { kind: 'run', argv: iptables(ask, ...words) } as const },
    ];
  });
}
