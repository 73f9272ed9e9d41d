/**
 * Finds missing firewall rules of minidock while others are there. A start checks one rule of each table. `iptables -F`
 * empties the chains of one table and leaves the other tables; `nft flush table` leaves chains, sets and maps.
 */
import { ruleCounts } from '../../../runtime/network/firewall/nftables.ts';
import { missingLines } from '../../../runtime/plan/restore-lines.ts';
import type { Check, HostStep } from '../../../runtime/plan/step.ts';
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
export const missingLinesOf = async (step: HostStep): Promise<readonly Checked[]> =>
  (await missingLines(step.command)).map(({ argv, check }) => ({
    step: { ...step, command: { kind: 'run', argv } },
    check,
  }));
