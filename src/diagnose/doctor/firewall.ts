/**
 * Which other firewalls filter what this host forwards, and whether they let containers through. Every chain of a
 * hook decides, so an accept of minidock does not overrule another chain's drop. Conversely, published ports never
 * meet the rules for programs of the host, since redirected packets are forwarded, not received.
 */
import type { ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { quoteWord } from '../../../runtime/plan/quote.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { ok, type Finding } from './finding.ts';
import type { View } from './view.ts';

/** One bridge for each family: the others would repeat the same findings. */
const BRIDGE = 'minidock0';

export interface FirewallReport {
  readonly findings: readonly Finding[];
  /** Names of the firewalls that block packets from outside to a port that is published at the address. */
  readonly blocking: (backend: FirewallBackend, hostIp: string) => readonly string[];
  /** A firewall whose owner may expect it to guard published ports. */
  readonly believed: string | undefined;
}

export async function examineFirewall(view: View, backend: FirewallBackend): Promise<FirewallReport> {
  const main = view.networks.find(({ name }) => name === 'bridge')?.bridge ?? BRIDGE;
  // The first network with IPv6, of whose kind the default one is not.
  const main6 = view.networks.find(({ ipv6 }) => ipv6 !== undefined)?.bridge;
  const found = await Promise.all(
    view.foreign.flatMap((other) => {
      const bridge = isIpv6(other) ? main6 : main;
      return bridge === undefined ? [] : [examineOther(other, bridge)];
    }),
  );
  const passes = ({ other, named }: Found, by: FirewallBackend): boolean =>
    // Our rules come first in that chain, and accept.
    named || other.kind === 'docker' || (by === 'iptables' && isFilterForward(other));
  const docker = view.links.some(({ ifname }) => ifname === 'docker0');
  const findings = found.map((one) => tell(one.other, passes(one, backend), one.bridge));
  if (docker && !view.foreign.some(({ kind }) => kind === 'docker')) {
    findings.push(
      ok(
        'firewall.docker',
        'Docker is installed and drops none of our packets',
        'The first container to publish a port gets it.',
      ),
    );
  }
  if (findings.length === 0)
    findings.push(ok('firewall.forward', 'no other firewall on this host drops forwarded packets'));
  return {
    findings,
    blocking: (by, hostIp) =>
      found
        .filter((one) => !passes(one, by) && sees(one.other, isIpv6Text(hostIp)))
        .map(({ other }) => nameOf(other)),
    believed: found.map(({ other }) => other.kind).find((kind) => kind === 'ufw' || kind === 'firewalld'),
  };
}

interface Found {
  readonly other: ForeignFirewall;
  readonly bridge: string;
  /** Its rules let packets of the bridge pass. */
  readonly named: boolean;
}

const examineOther = async (other: ForeignFirewall, bridge: string): Promise<Found> => ({
  ...{ other, bridge },
  named: await namesBridge(other, bridge),
});

const isIpv6 = (other: ForeignFirewall): boolean =>
  (other.kind === 'chain' || other.kind === 'docker') && other.family === 'ip6';

const sees = (other: ForeignFirewall, six: boolean): boolean =>
  other.kind === 'chain' && other.family !== 'inet' ? isIpv6(other) === six : true;

function nameOf(other: ForeignFirewall): string {
  switch (other.kind) {
    case 'docker':
      return 'Docker';
    case 'ufw':
    case 'firewalld':
      return other.kind;
    case 'chain':
      return `chain ${other.chain} of table ${other.family} ${other.table}`;
  }
}

function tell(other: ForeignFirewall, through: boolean, bridge: string): Finding {
  const id = `firewall.${other.kind === 'chain' ? `chain:${other.family}:${other.table}:${other.chain}` : other.kind}`;
  const name = nameOf(other);
  if (other.kind === 'docker') {
    return ok(
      isIpv6(other) ? `${id}6` : id,
      `Docker has set the policy of FORWARD to drop${isIpv6(other) ? ' for IPv6 too' : ''}; DOCKER-USER lets our packets pass`,
      'The first container of minidock puts a rule there. The first container to publish a port gets it.',
    );
  }
  if (through) return ok(id, `${name} drops forwarded packets, but accepts those of ${bridge}`);
  return {
    id,
    level: 'problem',
    what: `${name} drops forwarded packets${isIpv6(other) ? ' of IPv6' : ''}, also to and from ${bridge}`,
    means: 'Containers reach no other host, and only this host reaches published ports.',
    todo: remedies(other, bridge),
  };
}

function remedies(other: ForeignFirewall, bridge: string): readonly string[] {
  switch (other.kind) {
    case 'docker':
      return [];
    case 'ufw':
      return [`ufw route allow in on ${bridge}`, `ufw route allow out on ${bridge}`];
    case 'firewalld':
      return [`firewall-cmd --permanent --zone=trusted --add-interface=${bridge}`, 'firewall-cmd --reload'];
    case 'chain': {
      const tool = isIpv6(other) ? 'ip6tables' : 'iptables';
      if (other.chain === 'FORWARD' && other.table === 'filter') {
        return [
          `${tool} -I FORWARD -i ${bridge} -j ACCEPT`,
          `${tool} -I FORWARD -o ${bridge} -m conntrack --ctstate DNAT,ESTABLISHED,RELATED -j ACCEPT`,
          'Or run containers with --firewall=iptables, which puts its rules into that chain.',
        ];
      }
      const chain = [other.family, other.table, other.chain].map(quoteWord).join(' ');
      return [
        `nft insert rule ${chain} iifname ${bridge} accept`,
        `nft insert rule ${chain} oifname ${bridge} ct status dnat accept`,
        `nft insert rule ${chain} oifname ${bridge} ct state established,related accept`,
      ];
    }
  }
}

/**
 * Whether its rules name the bridge in both directions. Other conditions are left to `minidock why`, which sends a
 * packet.
 */
async function namesBridge(other: ForeignFirewall, bridge: string): Promise<boolean> {
  const table =
    other.kind === 'firewalld'
      ? ['inet', 'firewalld']
      : other.kind === 'chain'
        ? [other.family, other.table]
        : [isIpv6(other) ? 'ip6' : 'ip', 'filter'];
  const listings = await Promise.all([
    readProgram(['nft', 'list', 'table', ...table] as unknown as readonly [string, ...string[]]),
    readProgram([isIpv6(other) ? 'ip6tables-legacy' : 'iptables-legacy', '-S']),
  ]);
  const lines = listings.flatMap(({ stdout }) => stdout.split('\n'));
  const accepts = (pattern: RegExp): boolean =>
    lines.some((line) => pattern.test(line) && /accept|trusted/i.test(line));
  return (
    accepts(new RegExp(`iifname "?${bridge}"?\\b|-i ${bridge}\\b`)) &&
    accepts(new RegExp(`oifname "?${bridge}"?\\b|-o ${bridge}\\b`))
  );
}

const isFilterForward = (other: ForeignFirewall): boolean =>
  other.kind === 'ufw' || (other.kind === 'chain' && other.table === 'filter' && other.chain === 'FORWARD');
