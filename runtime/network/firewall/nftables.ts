/**
 * The firewall in nftables: one table of our own, whose rules never change. What does change are elements of its
 * sets and maps, so a packet costs the same with one published port as with four thousand, and publishing a port is
 * one netlink message.
 *
 * One element proves that the rules of this minidock version are there; another, added last, proves that this network
 * is. So the rules that an older minidock left on the host are replaced by the next start. Setting up empties the
 * chains before filling them, in one transaction, so two containers may do it at once, and no packet passes between
 * old rules and new ones.
 */
import type { HostStep } from '../../plan/step.ts';
import type { Argv } from '../../plan/argv.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../types.ts';
import { HOST_VETH_PREFIX } from '../names.ts';
import { confinementWords } from './confinement.ts';
import { isThere, NFT_TABLE, tableScript, VERSION_SET, versionElement, type Sets } from './nft-table.ts';
import { planDockerUser, type ForeignFirewall } from './foreign.ts';
import { isEveryAddress } from '../host-address.ts';
import { groupPorts, publishing, SHARED, type PortGroup, type RemovablePart } from './port-groups.ts';
import { ports4 } from './ports6.ts';

/**
 * Hooks in the order in which a packet meets them. "th dport" is the destination port of TCP and UDP alike; a packet
 * that a map knows nothing of leaves the rule, so an unpublished port simply goes on.
 */
export const RULES: Readonly<Record<string, { readonly hook?: string; readonly rules: readonly string[] }>> =
  {
    // Before connection tracking and every rule that accepts: packets forged to come from 127.0.0.0/8, or to go there.
    // route_localnet would let them in. And frames for 01:80:c2:00:00:0e (LLDP), which a bridge leaves to the port they
    // came in by: an IP packet in one would arrive past each rule that names the bridge. And packets in the name of a
    // container that do not come from its bridge: one of them creates a conntrack entry that lets its destination in to
    // that container, since an answer is established.
    localnet: {
      hook: 'type filter hook prerouting priority raw; policy accept;',
      rules: [
        'iifname != "lo" ip saddr 127.0.0.0/8 drop',
        'iifname != "lo" ip daddr 127.0.0.0/8 drop',
        `iifname "${HOST_VETH_PREFIX}*" drop`,
        'iifname != "lo" fib saddr oifname @bridges fib saddr . iif oif missing drop',
      ],
    },
    // From other hosts and from containers. Only for addresses of this host: not for what it merely forwards.
    prerouting: {
      hook: 'type nat hook prerouting priority dstnat; policy accept;',
      rules: ['fib daddr type local jump publish'],
    },
    // From this host itself, localhost included: its own packets never pass prerouting.
    output: {
      hook: 'type nat hook output priority dstnat; policy accept;',
      rules: ['fib daddr type local jump publish'],
    },
    // A port published on one address first, then those published on all.
    publish: {
      rules: [
        'dnat ip to ip daddr . meta l4proto . th dport map @published_at',
        'dnat ip to meta l4proto . th dport map @published',
      ],
    },
    // Everything into a bridge. An accept ends this chain only: another table that drops, still drops.
    forward: {
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: ['iifname @confined jump outbound', 'oifname @bridges jump inbound'],
    },
    // Of an internal network: to neighbours only.
    outbound: {
      rules: ['iifname . oifname @neighbours accept', 'drop'],
    },
    // Answers, redirected (that is: published) connections and neighbours; nothing else reaches a container.
    inbound: {
      rules: [
        'ct state established,related accept',
        'ct status dnat accept',
        'iifname . oifname @neighbours accept',
        'drop',
      ],
    },
    // Packets whose answers would otherwise not come back this way: sent from 127.0.0.1; redirected into the very
    // network it came from; sent into the world from an address that only this host knows.
    postrouting: {
      hook: 'type nat hook postrouting priority srcnat; policy accept;',
      rules: [
        'ip saddr 127.0.0.0/8 oifname @bridges masquerade',
        'ip saddr . oifname @homes ct status dnat masquerade',
        'ip saddr . oifname @homes accept',
        'ip saddr @subnets masquerade',
      ],
    },
  };

/**
 * Of RULES and SETS: a number made of all their text. nftables.test.ts works it out again, so that nobody
 * changes a rule and forgets it here; at each start it would cost a millisecond.
 */
export const RULES_VERSION = 0x39d8f5e6;

export const SETS: Sets = {
  [`set ${VERSION_SET}`]: 'type mark;',
  'set bridges': 'type ifname;',
  'set confined': 'type ifname;',
  'set neighbours': 'type ifname . ifname;',
  'set subnets': 'type ipv4_addr; flags interval;',
  'set homes': 'type ipv4_addr . ifname; flags interval;',
  'map published': 'type inet_proto . inet_service : ipv4_addr . inet_service;',
  'map published_at': 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;',
};

const VERSION_ELEMENT = versionElement(RULES_VERSION);

export function planFirewall(
  network: BridgeNetwork,
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  const { bridge, subnet, internal = false, isolated = false, unmasked = false } = network;
  if (subnet === '') return [planTable(), planConfinement(bridge)];
  const masked = !internal && !unmasked;
  const home = `${subnet} . "${bridge}"`;
  // The element that is added last: with it the others of this network are there. One look for two steps.
  const check = isThere('homes', home);
  return [
    planTable(),
    {
      id: 'firewall.isolate',
      section: 'nat',
      title: `Close ${bridge} to everyone but its own containers`,
      why:
        "A host that forwards lets every machine on its networks route packets to a container's address, published " +
        'or not. From now on only answers, published ports and neighbours on the same bridge get in.',
      without:
        'Another machine of the same network adds a route to this host and reaches every port of every container, published or not.',
      command: {
        kind: 'run',
        argv: ['nft', '-f', '-'],
        input:
          `add element ip ${NFT_TABLE} bridges { "${bridge}" }\n` +
          (isolated ? '' : `add element ip ${NFT_TABLE} neighbours { "${bridge}" . "${bridge}" }\n`) +
          (internal ? `add element ip ${NFT_TABLE} confined { "${bridge}" }\n` : ''),
      },
      undo: SHARED,
      check,
      // The rules stand already, and ask the set: it is what differs before and after.
      observe: ['nft', 'list', 'set', 'ip', NFT_TABLE, 'bridges'],
    },
    {
      id: 'nat.masquerade',
      section: 'nat',
      title: masked ? `Masquerade what leaves ${subnet}` : `Note that ${subnet} is at home on ${bridge}`,
      why: !masked
        ? (internal
            ? 'No packet of this network leaves the host, so minidock only masquerades packets to a published port of '
            : 'Packets leave this network with the addresses of the containers, so others need a route to them. minidock ' +
              'only masquerades packets to a published port of ') + 'the same network.'
        : "The world has no route to a container's private address. Masquerading puts the host's address in its " +
          'place as a packet leaves, and conntrack turns the answer back.',
      without: !masked
        ? 'A container that opens a published port of its own network gets answers from an address it never asked.'
        : 'Packets get out, but no answer returns: a ping from the container to the world gets no reply.',
      command: {
        kind: 'run',
        argv: ['nft', '-f', '-'],
        input:
          (masked ? `add element ip ${NFT_TABLE} subnets { ${subnet} }\n` : '') +
          `add element ip ${NFT_TABLE} homes { ${home} }\n`,
      },
      undo: SHARED,
      check,
      observe: ['nft', 'list', 'set', 'ip', NFT_TABLE, masked ? 'subnets' : 'homes'],
    },
    ...planDockerUser(network, foreign),
  ];
}

function planTable(): HostStep {
  return {
    id: 'firewall.table',
    section: 'nat',
    title: `Create the firewall table '${NFT_TABLE}'`,
    why:
      'Rules are kept in tables, tables hold chains, and a chain with a hook is visited by every packet at that ' +
      'point of its way. A table of our own leaves all others alone; its rules look things up in sets and maps, ' +
      'so publishing a port later adds an element and no rule.',
    without:
      'Ports cannot be published: there is no place for a redirection, and packets to a published port find nobody listening on the host.',
    command: {
      kind: 'run',
      argv: ['nft', '-f', '-'],
      input: tableScript('ip', RULES, SETS, VERSION_ELEMENT),
    },
    undo: SHARED,
    check: isThere(VERSION_SET, VERSION_ELEMENT),
    observe: ['nft', 'list', 'table', 'ip', NFT_TABLE],
  };
}

/** Of a network that has IPv6 alone. */
function planConfinement(bridge: string): HostStep {
  return {
    ...confinementWords(bridge),
    command: {
      kind: 'run',
      argv: ['nft', '-f', '-'],
      input:
        `add element ip ${NFT_TABLE} bridges { "${bridge}" }\n` +
        `add element ip ${NFT_TABLE} confined { "${bridge}" }\n`,
    },
    undo: SHARED,
    check: isThere('confined', `"${bridge}"`),
    observe: ['nft', 'list', 'set', 'ip', NFT_TABLE, 'confined'],
  };
}

/** How many rules each chain of the table is made with. */
export const ruleCounts = (): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(RULES).map(([chain, { rules }]) => [chain, rules.length]));

/** Removes what planFirewall added for one network; the table serves the others. */
export function networkParts({ bridge, subnet }: BridgeNetwork): readonly RemovablePart[] {
  const elements = {
    ...(subnet === '' ? {} : { homes: `${subnet} . "${bridge}"`, subnets: subnet }),
    neighbours: `"${bridge}" . "${bridge}"`,
    confined: `"${bridge}"`,
    bridges: `"${bridge}"`,
  };
  return Object.entries(elements).map(([set, element]) => {
    return { remove: ['nft', 'delete', 'element', 'ip', NFT_TABLE, set, `{ ${element} }`] };
  });
}

export function planPorts(endpoint: BridgeEndpoint): readonly HostStep[] {
  return groupPorts(ports4(endpoint)).map((group) => {
    const map = isEveryAddress(group.hostIp) ? 'published' : 'published_at';
    const change = (verb: 'add' | 'delete', elements: string): Argv => {
      return ['nft', verb, 'element', 'ip', NFT_TABLE, map, `{ ${elements} }`];
    };
    const keys = keysOf(group);
    return {
      ...publishing(group),
      why:
        'The world knows only the host, not the container. An element of the map says: packets for this port get ' +
        "the container's address and port as their new destination (DNAT), before routing decides where it goes; " +
        'conntrack remembers, so answers leave with the address the client asked.',
      without: 'The host refuses clients: nothing on it listens on this port.',
      command: {
        kind: 'run',
        argv: change(
          'add',
          keys.map((key, index) => `${key} : ${targetOf(endpoint, group, index)}`).join(', '),
        ),
      },
      undo: {
        kind: 'command',
        command: { kind: 'run', argv: change('delete', keys.join(', ')) },
      },
      observe: ['nft', 'list', 'map', 'ip', NFT_TABLE, map],
    };
  });
}

function keysOf({ hostIp, protocol, hostPort, count }: PortGroup): readonly string[] {
  const ip = isEveryAddress(hostIp) ? '' : `${hostIp} . `;
  return Array.from({ length: count }, (_, index) => `${ip}${protocol} . ${hostPort + index}`);
}

function targetOf(endpoint: BridgeEndpoint, group: PortGroup, index: number): string {
  return `${endpoint.address} . ${group.containerPort + index}`;
}
