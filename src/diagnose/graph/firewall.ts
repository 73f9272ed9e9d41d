/**
 * The firewall of this network namespace as its tools print it, chain by chain, and the ports it redirects. Rules of
 * the `iptables` command are printed in its syntax: nft shows those rules too, but not as they were written.
 */
import { legacyTables } from '../../../runtime/network/firewall/legacy-tables.ts';
import { look } from '../host/look.ts';
import type { Chain, IptablesTool, Published } from './model.ts';

export interface Firewall {
  readonly chains: readonly Chain[];
  readonly published: readonly Published[];
  /** Elements of a map that no rule uses: they redirect nothing. */
  readonly idle: readonly Published[];
}

export async function readFirewall(): Promise<Firewall> {
  const [nft, saved, saved6, legacy] = await Promise.all([
    look(['nft', 'list', 'ruleset']),
    look(['iptables-save']),
    look(['ip6tables-save']),
    legacyTables().length === 0 ? '' : look(['iptables-legacy-save']),
  ]);
  // If iptables is the legacy one, both print the same.
  return legacy !== '' && !saved.includes('(nf_tables)')
    ? parseFirewall(nft, '', { legacy, saved6 })
    : parseFirewall(nft, saved, { legacy, saved6 });
}

/** `legacy`: of the old iptables, whose tables have the same names as those that the new one keeps in nftables. */
export function parseFirewall(
  nft: string,
  saved: string,
  { legacy = '', saved6 = '' }: { readonly legacy?: string; readonly saved6?: string } = {},
): Firewall {
  const kept = parseIptables(saved, 'iptables');
  const kept6 = parseIptables(saved6, 'ip6tables');
  const told = new Set([
    ...kept.map(({ table }) => `ip ${table}`),
    ...kept6.map(({ table }) => `ip6 ${table}`),
  ]);
  const old = [...kept, ...parseIptables(legacy, 'iptables'), ...kept6];
  const { chains, published } = parseNft(nft);
  const others = chains.filter(({ table }) => !told.has(table));
  const all = [...others, ...old];
  const met = reachedChains(all);
  const isAsked = ({ where }: Published): boolean =>
    met.some(({ table, rules }) =>
      rules.some((rule) =>
        rule.split(' ').some((word) => word.startsWith('@') && where === `${table} ${word.slice(1)}`),
      ),
    );
  return {
    chains: all.filter(({ rules, policy }) => rules.length > 0 || policy === 'drop'),
    published: [
      ...published.filter(isAsked),
      ...met.flatMap((chain) =>
        chain.rules.flatMap((rule) =>
          chain.tool === 'nft' ? nftRedirection(rule, chain) : iptablesRedirection(rule, chain),
        ),
      ),
    ],
    idle: published.filter((element) => !isAsked(element)),
  };
}

/** Chains that a packet may reach: those with a hook, and those that their rules jump to. */
function reachedChains(chains: readonly Chain[]): readonly Chain[] {
  const met = new Set(chains.filter(({ hook }) => hook !== undefined));
  for (const chain of met) {
    for (const rule of chain.rules) jumpsOf(rule, chain, chains).forEach((next) => met.add(next));
  }
  return chains.filter((chain) => met.has(chain));
}

/** The text of `nft list ruleset`: a block opens with `{` at a line's end; a rule is a line of a chain. */
function parseNft(text: string): Omit<Firewall, 'idle'> {
  const chains: (Chain & { rules: string[] })[] = [];
  const published: Published[] = [];
  let table = '';
  let set = '';
  let chain: (Chain & { rules: string[] }) | undefined;
  for (const line of joinElements(text)) {
    const opened = /^(table|chain|map|set) (.+) \{$/.exec(line);
    if (opened !== null) {
      const [, what, name = ''] = opened;
      if (what === 'table') table = name;
      if (what === 'map' || what === 'set') set = name;
      chain = what === 'chain' ? { tool: 'nft', table, name, rules: [] } : undefined;
      if (chain !== undefined) chains.push(chain);
    } else if (line === '}') chain = undefined;
    else if (line.startsWith('elements = {')) published.push(...elementsOf(line, `${table} ${set}`));
    else if (chain !== undefined && line.startsWith('type ')) Object.assign(chain, parseHook(line));
    else if (chain !== undefined && line !== '') {
      chain.rules.push(line.replace(/counter packets \d+ bytes \d+/g, 'counter'));
    }
  }
  return { chains, published };
}

/** Elements may go over several lines, and end with ` }`. */
function joinElements(text: string): readonly string[] {
  const lines: string[] = [];
  let open = false;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line.startsWith('#')) continue;
    if (open) lines.push(`${lines.pop() ?? ''} ${line}`);
    else lines.push(line);
    if (line.startsWith('elements = {')) open = true;
    if (open && line.endsWith('}')) open = false;
  }
  return lines;
}

/** Any map from a port to an address and a port. */
function elementsOf(line: string, where: string): readonly Published[] {
  const inner = line.slice(line.indexOf('{') + 1, line.lastIndexOf('}'));
  return inner.split(',').flatMap((element): readonly Published[] => {
    const match = /^(?:([\d.]+|[\da-f:]+) \. )?(tcp|udp) \. ([\d-]+) : ([\d.]+|[\da-f:]+) \. (\d+)$/.exec(
      element.trim(),
    );
    if (match === null) return [];
    const [, address = '', protocol = '', port = '', toAddress = '', toPort = ''] = match;
    return [{ protocol, address, port, toAddress, toPort, where }];
  });
}

/** By the names nft gives them; see nft(8), "Standard priority names". */
const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

function parseHook(line: string): Partial<Chain> {
  const hook = /\bhook (\w+)/.exec(line)?.[1];
  const [, name = '', sign = '+', offset = '0'] = /\bpriority (-?\w+)(?: ([+-]) (\d+))?/.exec(line) ?? [];
  const policy = /\bpolicy (\w+)/.exec(line)?.[1];
  const priority = (PRIORITIES[name] ?? Number(name)) + (sign === '-' ? -1 : 1) * Number(offset);
  return {
    ...(hook === undefined ? {} : { hook, priority }),
    ...(policy === undefined ? {} : { policy }),
  };
}

function parseIptables(text: string, tool: IptablesTool): readonly Chain[] {
  const chains = new Map<string, Chain & { rules: string[] }>();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const [, name = '', policy = ''] = declared;
      const base = policy === '-' ? {} : { ...baseOf(table, name), policy: policy.toLowerCase() };
      chains.set(`${table} ${name}`, { tool, table, name, ...base, rules: [] });
    }
    const rule = /^-A (\S+) (.*)$/.exec(line);
    if (rule !== null) chains.get(`${table} ${rule[1] ?? ''}`)?.rules.push(rule[2] ?? '');
  }
  return [...chains.values()];
}

function baseOf(table: string, name: string): { hook: string; priority: number } {
  const priority = table === 'nat' ? (/^(PRE|OUT)/.test(name) ? -100 : 100) : (PRIORITIES[table] ?? 0);
  return { hook: name.toLowerCase(), priority };
}

/** An address, alone or before a port: IPv6 is in brackets then. */
const TARGET = String.raw`(?:\[([\da-f:]+)\]|([\d.]+|[\da-f]*:[\da-f:]+))(?::(\d+(?:-\d+)?)|\b)`;
const NFT_DNAT = new RegExp(String.raw`\b(tcp|udp) dport (\d+(?:-\d+)?)\b.*\bdnat (?:ip6? )?to ${TARGET}`);
const IPTABLES_DNAT = new RegExp(`--to-destination ${TARGET}`);

function nftRedirection(rule: string, chain: Chain): readonly Published[] {
  const match = NFT_DNAT.exec(rule);
  if (match === null) return [];
  const [, protocol = '', port = '', six, four, toPort = port] = match;
  const address = /\bip6? daddr ([\d.]+|[\da-f]*:[\da-f:]+)(?: |$)/.exec(rule)?.[1] ?? '';
  const where = `${chain.table} ${chain.name}`;
  return [{ protocol, address, port, toAddress: six ?? four ?? '', toPort, where }];
}

function iptablesRedirection(rule: string, chain: Chain): readonly Published[] {
  const target = IPTABLES_DNAT.exec(rule);
  const port = /--dports? ([\d:,]+)/.exec(rule)?.[1]?.replace(':', '-');
  if (target === null || port === undefined) return [];
  const [, six, four, toPort = port] = target;
  const protocol = /-p (\w+)/.exec(rule)?.[1] ?? 'tcp';
  const address = /(?:^| )-d ([\d.]+|[\da-f:]+)(?:\/32|\/128)?(?: |$)/.exec(rule)?.[1] ?? '';
  const where = `${chain.tool} ${chain.table} ${chain.name}`;
  return [{ protocol, address, port, toAddress: six ?? four ?? '', toPort, where }];
}

const HOOKS = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'];

/** Base chains in the order in which a packet meets them. */
export const baseChains = (chains: readonly Chain[]): readonly Chain[] =>
  chains
    .filter(({ hook }) => hook !== undefined)
    .sort(
      (a, b) =>
        HOOKS.indexOf(a.hook ?? '') - HOOKS.indexOf(b.hook ?? '') || (a.priority ?? 0) - (b.priority ?? 0),
    );

/** Chains of the same table that a rule jumps to. */
export function jumpsOf(rule: string, from: Chain, chains: readonly Chain[]): readonly Chain[] {
  const name =
    from.tool === 'nft' ? /\b(?:jump|goto) (\S+)/.exec(rule)?.[1] : /(?:^| )-[jg] (\S+)/.exec(rule)?.[1];
  return chains.filter(
    (chain) => chain.tool === from.tool && chain.table === from.table && chain.name === name,
  );
}
