/** The command that takes away a rule that the trace has shown. The trace does not say which of several it was. */
import type { TraceEvent } from '../model.ts';
import type { Ruleset } from '../ruleset.ts';

/** By part of the rule as iptables-save has it, or as the JSON of nft; a sentence where there are several. */
export function removalOf(
  { iptables, entries }: Ruleset,
  { family, table, chain }: TraceEvent,
  { saved, json }: { readonly saved: RegExp; readonly json: string },
): string {
  const lines = iptables.split('\n').filter((line) => line.startsWith(`-A ${chain} `) && saved.test(line));
  if (family === 'ip' && lines.length === 1) return `iptables -t ${table} -D ${lines[0]?.slice(3) ?? ''}`;
  const found = entries.flatMap(({ rule }) =>
    rule?.family === family &&
    rule.table === table &&
    rule.chain === chain &&
    JSON.stringify(rule.expr).includes(json)
      ? [rule]
      : [],
  );
  const [only, ...others] = found;
  return only?.handle === undefined || others.length > 0
    ? 'Take that rule away, or exclude this port from it.'
    : `nft delete rule ${family} ${table} ${chain} handle ${only.handle}`;
}
