/**
 * What rules count at each hook of the host: nft's own, and those that iptables writes as nft rules. A chain that a
 * base chain jumps to counts for the hook of that one.
 */
import type { LabHost } from '../../lesson.ts';

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** How many packets rules counted at each hook during the call. */
export async function growthAtHooks(
  host: LabHost,
  send: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const before = await countsAtHooks(host);
  await send();
  const after = await countsAtHooks(host);
  return new Map([...after].map(([hook, packets]) => [hook, packets - (before.get(hook) ?? 0)]));
}

async function countsAtHooks(host: LabHost): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await host.run(['nft', '-j', 'list', 'ruleset']);
  return countByHook((JSON.parse(stdout) as { nftables: readonly NftObject[] }).nftables);
}

interface Place {
  readonly family: string;
  readonly table: string;
}

interface NftObject {
  readonly chain?: Place & { readonly name: string; readonly hook?: string };
  readonly rule?: Place & { readonly chain: string; readonly expr: readonly Expression[] };
  readonly counter?: Place & { readonly name: string; readonly packets: number };
}

interface Expression {
  readonly counter?: string | { readonly packets: number } | null;
  readonly jump?: { readonly target: string };
  readonly goto?: { readonly target: string };
}

/** Pure. */
export function countByHook(objects: readonly NftObject[]): ReadonlyMap<string, number> {
  const key = ({ family, table }: Place, name: string): string => `${family} ${table} ${name}`;
  const rules = objects.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const named = new Map(
    objects.flatMap(({ counter }) =>
      counter === undefined ? [] : [[key(counter, counter.name), counter.packets] as const],
    ),
  );
  const packetsIn = (chain: string, seen: ReadonlySet<string>): number => {
    if (seen.has(chain)) return 0;
    let sum = 0;
    for (const rule of rules.filter((one) => key(one, one.chain) === chain)) {
      for (const { counter, jump, goto } of rule.expr) {
        if (typeof counter === 'string') sum += named.get(key(rule, counter)) ?? 0;
        else sum += counter?.packets ?? 0;
        const target = (jump ?? goto)?.target;
        if (target !== undefined) sum += packetsIn(key(rule, target), new Set([...seen, chain]));
      }
    }
    return sum;
  };
  const counts = new Map<string, number>();
  for (const { chain } of objects) {
    if (chain?.hook === undefined) continue;
    counts.set(chain.hook, (counts.get(chain.hook) ?? 0) + packetsIn(key(chain, chain.name), new Set()));
  }
  return counts;
}
