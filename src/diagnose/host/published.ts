/**
 * minidock's redirections, as nft and iptables print them: elements of the two maps of published ports, rules of the
 * chain MINIDOCK. `graph` has its own parser for others' rules.
 */
import { NFT_TABLE } from '../../../runtime/network/firewall/nft-table.ts';
import { lookAtJson } from './look.ts';

/** An object of `nft -j list …`: a chain, a rule, a set or a map, with the fields used here. */
export interface NftEntry {
  readonly chain?: NftChain;
  readonly rule?: {
    readonly family: string;
    readonly table: string;
    readonly chain: string;
    readonly handle?: number;
    readonly expr: readonly unknown[];
  };
  readonly set?: NftSet;
  readonly map?: NftSet;
}

export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Only base chains have one. */
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
}

interface NftSet {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly elem?: readonly unknown[];
}

interface Concat {
  readonly concat: readonly (string | number)[];
}

/** A key with a comment is wrapped once more; minidock's have none. */
type Key = Concat | { readonly elem: { readonly val: Concat } };

export interface PublishedElement {
  readonly map: string;
  /** ['tcp', '8080'] or ['127.0.0.1', 'tcp', '8080'] */
  readonly key: readonly string[];
  readonly address: string;
  readonly port: number;
}

/** Of a set or map of minidock's table. */
export const elementsOf = (entries: readonly NftEntry[], name: string): readonly unknown[] =>
  entries.map(({ set, map }) => set ?? map).find((found) => found?.table === NFT_TABLE && found.name === name)
    ?.elem ?? [];

/** `[{"concat":["tcp",8080]},{"concat":["172.17.0.2",80]}]` is an element of a map. */
export const publishedElements = (entries: readonly NftEntry[]): readonly PublishedElement[] =>
  ['published', 'published_at'].flatMap((map) =>
    (elementsOf(entries, map) as readonly (readonly [Key, Concat])[]).map(([key, value]) => ({
      map,
      key: ('elem' in key ? key.elem.val : key).concat.map(String),
      address: String(value.concat[0]),
      port: Number(value.concat[1]),
    })),
  );

export interface PublishedRule {
  /** The rule after the chain's name, for `iptables -D`. */
  readonly words: readonly string[];
  readonly protocol: string;
  /** '' for every address of the host. */
  readonly hostIp: string;
  readonly firstPort: number;
  readonly lastPort: number;
  readonly address: string;
  /** That the first port is redirected to; the next one to the next. */
  readonly port: number;
  /** As iptables has them: '172.17.0.2:80', '172.17.0.2:7000-7003/7000', '[fd00:a::2]:80'. */
  readonly target: string;
}

/** `-A MINIDOCK [-d IP/32] -p tcp -m tcp --dport 80[:90] -j DNAT --to-destination IP:PORT[-PORT/BASE]` */
export function publishedRules(saved: string): readonly PublishedRule[] {
  const rules = saved.matchAll(
    /^-A MINIDOCK ((?:-d (\S+)\/(?:32|128) )?-p (tcp|udp) .*--dport (\d+)(?::(\d+))? -j DNAT --to-destination (\[?([^\s\]]+)\]?:(\d+)\S*))$/gm,
  );
  return [...rules].map(
    ([
      ,
      rule = '',
      hostIp = '',
      protocol = '',
      first = '',
      last = first,
      target = '',
      address = '',
      port,
    ]) => ({
      ...{ words: rule.split(' '), protocol, hostIp, target, address, port: Number(port) },
      ...{ firstPort: Number(first), lastPort: Number(last) },
    }),
  );
}

/** Everything in minidock's table; empty without the table or without nft. */
export async function readOwnTable(): Promise<readonly NftEntry[]> {
  const argv = ['nft', '-j', 'list', 'table', 'ip', NFT_TABLE] as const;
  return (await lookAtJson<{ readonly nftables: readonly NftEntry[] }>(argv, { nftables: [] })).nftables;
}
