/**
 * Other firewalls of this host that drop what is forwarded. An accept in our table does not overrule a drop in
 * another one: every base chain of a hook has its say. Where the other firewall has a place meant for additions
 * (Docker's DOCKER-USER), the accept goes there; otherwise a warning says what to type, since those firewalls own
 * their configuration. minidock never changes a policy.
 */
import { existsSync } from 'node:fs';
import { readProgram } from '../../plan/read-program.ts';
import type { HostStep } from '../../plan/step.ts';
import type { BridgeNetwork } from '../types.ts';
import { legacyTables } from './legacy-tables.ts';

export type ForeignFirewall =
  /** Docker filters IPv6 since version 27. */
  | { readonly kind: 'docker'; readonly family?: 'ip6' }
  | { readonly kind: 'ufw' }
  | { readonly kind: 'firewalld' }
  /** A chain at the forward hook whose policy is drop, of the `iptables` command or of somebody's nft script. */
  | { readonly kind: 'chain'; readonly family: string; readonly table: string; readonly chain: string };

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

/**
 * Starts nft only if a firewall is likely: a sign of Docker, ufw or firewalld, or no bridge yet (the first container
 * since boot).
 */
export async function readForeignFirewalls(bridge: string): Promise<readonly ForeignFirewall[]> {
  const signs = ['/proc/sys/net/ipv4/conf/docker0', '/etc/ufw/ufw.conf', '/run/firewalld'];
  const first = !existsSync(`/proc/sys/net/ipv4/conf/${bridge}`);
  if (
    !first &&
    !signs.some((path) => existsSync(path)) &&
    ![...legacyTables(), ...legacyTables(6)].includes('filter')
  )
    return [];
  return listForeignFirewalls();
}

/** The same in any case; starts a program. */
export async function listForeignFirewalls(): Promise<readonly ForeignFirewall[]> {
  const { exitCode, stdout } = await readProgram(['nft', '-j', 'list', 'chains']);
  const chains = exitCode === 0 ? parseChains(stdout) : [];
  const legacy = ([4, 6] as const).filter((family) => legacyTables(family).includes('filter'));
  return findForeign([...chains, ...(await Promise.all(legacy.map(readLegacyChains))).flat()]);
}

export function parseChains(json: string): readonly NftChain[] {
  const { nftables } = JSON.parse(json) as { nftables: readonly { readonly chain?: NftChain }[] };
  return nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
}

export function findForeign(chains: readonly NftChain[]): readonly ForeignFirewall[] {
  const found: ForeignFirewall[] = [];
  // firewalld's chain accepts by policy and rejects by a last rule, so its name has to do.
  if (chains.some(({ table, name }) => table === 'firewalld' && name === 'filter_FORWARD')) {
    found.push({ kind: 'firewalld' });
  }
  const dropping = chains.filter(
    ({ hook, policy, family, table }) =>
      hook === 'forward' &&
      policy === 'drop' &&
      ['ip', 'ip6', 'inet'].includes(family) &&
      table !== 'minidock',
  );
  for (const { family, table, name } of dropping) {
    const has = (chain: string): boolean =>
      chains.some((other) => other.family === family && other.table === table && other.name === chain);
    if (has('DOCKER-USER')) found.push({ kind: 'docker', ...(family === 'ip6' ? { family } : {}) });
    else if (has('ufw-before-forward') || has('ufw6-before-forward')) {
      // Its commands are about both families.
      if (!found.some(({ kind }) => kind === 'ufw')) found.push({ kind: 'ufw' });
    } else found.push({ kind: 'chain', family, table, chain: name });
  }
  return found;
}

/** Whether it sees packets of the network: those of its family, and inet those of both. */
export const concerns = (
  other: ForeignFirewall,
  { subnet, ipv6 }: Pick<BridgeNetwork, 'subnet' | 'ipv6'>,
): boolean =>
  other.kind === 'docker' || other.kind === 'chain'
    ? ({ ip: subnet !== '', ip6: ipv6 !== undefined }[other.family ?? 'ip'] ?? true)
    : true;

export const hasDocker = (foreign: readonly ForeignFirewall[], of?: 'ip6'): boolean =>
  foreign.some((other) => other.kind === 'docker' && other.family === of);

/** The accept in the chain that Docker documents for it. Docker's own bridges are left to Docker. */
export function planDockerUser(
  { bridge }: BridgeNetwork,
  foreign: readonly ForeignFirewall[],
  of?: 'ip6',
): readonly HostStep[] {
  if (!hasDocker(foreign, of)) return [];
  const [tool, suffix, named] =
    of === 'ip6' ? (['ip6tables', '6', ', by IPv6 too'] as const) : (['iptables', '', ''] as const);
  const chain = `MINIDOCK-${bridge}`;
  const input = [
    '*filter',
    `-N ${chain}`,
    `-A ${chain} -i ${bridge} -o docker0 -j RETURN`,
    `-A ${chain} -i ${bridge} -o br-+ -j RETURN`,
    `-A ${chain} -i ${bridge} -j ACCEPT`,
    `-A ${chain} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A ${chain} -o ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`,
    `-I DOCKER-USER -j ${chain}`,
    'COMMIT',
    '',
  ].join('\n');
  return [
    {
      id: `firewall.docker-user${suffix}`,
      section: 'nat',
      title: `Ask Docker to let our packets pass${named}`,
      why:
        'Docker is on this host and has set the policy of FORWARD to drop. A packet must be accepted at every ' +
        'chain of a hook, so it needs an accept there too; DOCKER-USER is the chain that Docker keeps for others.',
      without:
        "Docker's policy drops what containers send to other hosts, and what others send to published ports.",
      command: { kind: 'run', argv: [`${tool}-restore`, '--wait', '--noflush'], input },
      undo: {
        kind: 'shared',
        why: 'every container of the network needs it, and Docker loses nothing by it',
      },
      check: { kind: 'run', argv: [tool, '--wait', '-C', 'DOCKER-USER', '-j', chain] },
      observe: [tool, '-S', chain],
    },
  ];
}

async function readLegacyChains(family: 4 | 6): Promise<readonly NftChain[]> {
  const tool = family === 6 ? 'ip6tables-legacy' : 'iptables-legacy';
  const { exitCode, stdout } = await readProgram([tool, '-S']);
  if (exitCode !== 0) return [];
  return stdout.split('\n').flatMap((line): readonly NftChain[] => {
    const [flag, name = '', policy = ''] = line.split(' ');
    if (flag !== '-P' && flag !== '-N') return [];
    const base = flag === '-P' && name === 'FORWARD' ? { hook: 'forward', policy: policy.toLowerCase() } : {};
    return [{ family: family === 6 ? 'ip6' : 'ip', table: 'filter', name, ...base }];
  });
}
