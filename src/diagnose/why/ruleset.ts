/**
 * The host's packet filter as it is in the kernel: nftables' chains, maps and sets, and the text of iptables where
 * rules are kept there. The legacy iptables is a second filter beside nftables, which nft neither shows nor traces.
 */
import { legacyTables } from '../../../runtime/network/firewall/legacy-tables.ts';
import { isEveryAddress } from '../../../runtime/network/host-address.ts';
import type { FirewallBackend, PortBinding } from '../../../runtime/network/types.ts';
import { iptablesOf, isIn, nftFamily, type Family } from './family.ts';
import { inside, type Enter } from '../host/ip.ts';
import { look, lookAtJson } from '../host/look.ts';
import {
  elementsOf,
  publishedElements,
  publishedRules,
  type NftChain,
  type NftEntry,
} from '../host/published.ts';

export interface Ruleset {
  /** The rest is of that family: neither entries of the other one nor its iptables. */
  readonly family: Family;
  /** Whether nft could be asked. */
  readonly readable: boolean;
  readonly entries: readonly NftEntry[];
  /** `iptables-save`: what iptables keeps in nftables, or all there is where iptables is the legacy one. */
  readonly iptables: string;
  /** `iptables-legacy-save`, where the kernel has such tables. */
  readonly legacy: string;
}

export async function readRuleset(family: Family, enter: Enter = []): Promise<Ruleset> {
  const nothing = { nftables: undefined };
  const [json, iptables, legacy] = await Promise.all([
    lookAtJson<{ readonly nftables?: readonly NftEntry[] | undefined }>(
      inside(enter, ['nft', '-j', 'list', 'ruleset']),
      nothing,
    ),
    look(inside(enter, [`${iptablesOf(family)}-save`])),
    enter.length > 0 || legacyTables(family).length === 0 ? '' : look([`${iptablesOf(family)}-legacy-save`]),
  ]);
  const other = nftFamily(family === 6 ? 4 : 6);
  const entries = (json.nftables ?? []).filter(
    ({ chain, rule, set, map }) => (chain ?? rule ?? set ?? map)?.family !== other,
  );
  return { family, readable: json.nftables !== undefined, entries, iptables, legacy };
}

export const chainsOf = ({ entries }: Ruleset): readonly NftChain[] =>
  entries.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));

/** Base chains of a hook that a packet of the family passes, in its order. */
export function chainsAt(ruleset: Ruleset, hook: string): readonly NftChain[] {
  return chainsOf(ruleset)
    .filter((chain) => chain.hook === hook && [nftFamily(ruleset.family), 'inet'].includes(chain.family))
    .sort((one, two) => (one.prio ?? 0) - (two.prio ?? 0));
}

/** Whether the table has its rules: a flush leaves chains and elements, a delete leaves nothing. */
export const hasRules = ({ entries }: Ruleset, table: string, chain: string): boolean =>
  entries.some(({ rule }) => rule?.table === table && rule.chain === chain);

/**
 * What brings the rules of minidock's table back: a start makes a table that is missing, and leaves alone one whose chains
 * somebody flushed.
 */
export function ownTableFix(ruleset: Ruleset, container: string): string {
  const isThere = chainsOf(ruleset).some(({ table }) => table === 'minidock');
  return isThere ? 'minidock doctor --fix' : `minidock restart ${container}`;
}

/** Other people's tables with rules that look at a packet's source address. */
export function tablesBySource({ entries, legacy }: Ruleset): readonly string[] {
  const tables = entries.flatMap(({ rule }) => {
    if (rule === undefined || rule.table === 'minidock' || rule.chain.startsWith('MINIDOCK')) return [];
    return JSON.stringify(rule.expr).includes('"field":"saddr"') ? [`${rule.family} ${rule.table}`] : [];
  });
  const old = /^-A (?!MINIDOCK).* -s /m.test(legacy) ? ['the legacy iptables'] : [];
  return [...new Set([...tables, ...old])];
}

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Where minidock's rules redirect a published port; undefined without a rule. */
export function redirectionOf(
  ruleset: Ruleset,
  backend: FirewallBackend,
  binding: PortBinding,
): Target | undefined {
  return backend === 'iptables'
    ? iptablesTarget(`${ruleset.iptables}\n${ruleset.legacy}`, binding)
    : mapTarget(ruleset, binding);
}

function mapTarget(ruleset: Ruleset, { hostIp, hostPort, protocol }: PortBinding): Target | undefined {
  const key = [...(isEveryAddress(hostIp) ? [] : [hostIp]), protocol, String(hostPort)].join();
  return publishedElements(ruleset.entries).find((element) => element.key.join() === key);
}

function iptablesTarget(saved: string, { hostIp, hostPort, protocol }: PortBinding): Target | undefined {
  const rule = publishedRules(saved).find(
    (one) =>
      (one.hostIp === '' ? isEveryAddress(hostIp) : one.hostIp === hostIp) &&
      one.protocol === protocol &&
      one.firstPort <= hostPort &&
      hostPort <= one.lastPort,
  );
  return rule === undefined
    ? undefined
    : { address: rule.address, port: rule.port + hostPort - rule.firstPort };
}

/** Whether this container's packets to the world get the host's address. */
export function isMasqueraded(ruleset: Ruleset, backend: FirewallBackend, address: string): boolean {
  const covers = (cidr: string): boolean => isIn(cidr, address);
  if (backend === 'iptables') {
    const text = `${ruleset.iptables}\n${ruleset.legacy}`;
    const rules = text.matchAll(/^-A MINIDOCK-POSTROUTING -s (\S+) ! -o \S+ -j MASQUERADE/gm);
    return [...rules].some(([, subnet = '']) => covers(subnet));
  }
  return (
    hasRules(ruleset, 'minidock', 'postrouting') &&
    elementsOf(ruleset.entries, 'subnets').some((element) => {
      const { prefix } = element as { readonly prefix?: { readonly addr: string; readonly len: number } };
      return prefix !== undefined && covers(`${prefix.addr}/${prefix.len}`);
    })
  );
}

export type Owner = 'minidock' | 'ufw' | 'firewalld' | 'Docker' | 'somebody else';

/** The owner of a chain, by its name. */
export function ownerOf(ruleset: Ruleset, family: string, table: string, chain: string): Owner {
  if (table === 'minidock' || chain.startsWith('MINIDOCK')) return 'minidock';
  if (table === 'firewalld') return 'firewalld';
  if (chain.startsWith('ufw-')) return 'ufw';
  if (chain.startsWith('DOCKER')) return 'Docker';
  const beside = chainsOf(ruleset).filter((other) => other.family === family && other.table === table);
  const legacy = family === 'legacy' ? [...ruleset.legacy.matchAll(/^:(\S+)/gm)].map(([, name]) => name) : [];
  const names = [...beside.map(({ name }) => name), ...legacy];
  if (names.includes('DOCKER-USER')) return 'Docker';
  if (names.some((name) => name?.startsWith('ufw-') === true)) return 'ufw';
  return 'somebody else';
}
