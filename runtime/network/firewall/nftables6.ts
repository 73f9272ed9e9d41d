/**
 * The firewall of IPv6 in nftables: a table of the same name in the family ip6, with the same demands (backend.ts) and
 * the same means (nftables.ts). It is there as soon as a network has IPv6. What differs:
 *
 *   - 127.0.0.0/8 needs rules, ::1 none: a kernel takes no packet from or to ::1 off a wire, and has no route_localnet.
 *     For the same reason a redirection cannot lead out of ::1; such clients are relayed (src/engine/relay).
 *   - no rp_filter: the kernel does not look whether a source belongs to the interface, so a rule does.
 *   - link-local addresses (fe80::/10) stay on their link, and no redirection leads them to another one.
 *   - a network may be routed: its containers have addresses that others know a way to, so nothing is translated, and
 *     a published port is open at the container's own address.
 */
import type { Argv } from '../../plan/argv.ts';
import type { HostStep } from '../../plan/step.ts';
import { HOST_VETH_PREFIX } from '../names.ts';
import type { BridgeEndpoint, BridgeNetwork, Ipv6Block } from '../types.ts';
import {
  isThere,
  NFT_TABLE,
  tableScript,
  VERSION_SET,
  versionElement,
  type Chains,
  type Sets,
} from './nft-table.ts';
import { planDockerUser, type ForeignFirewall } from './foreign.ts';
import { isEveryAddress } from '../host-address.ts';
import { groupPorts, publishing, SHARED, type PortGroup, type RemovablePart } from './port-groups.ts';
import { opening, ports6 } from './ports6.ts';

/** Link-local addresses and ::1 are left to sockets of the host. */
const REDIRECTED =
  'ip6 saddr != { ::1, fe80::/10 } ip6 daddr != { ::1, fe80::/10 } fib daddr type local jump publish';

export const RULES6: Chains = {
  // As in nftables.ts; and of what comes from a bridge of ours: only sources that are routed there, so no address of the
  // host, which the kernel would take from anyone.
  localnet: {
    hook: 'type filter hook prerouting priority raw; policy accept;',
    rules: [
      `iifname "${HOST_VETH_PREFIX}*" drop`,
      'iifname != "lo" fib saddr oifname @bridges fib saddr . iif oif missing drop',
      'iifname @bridges fib saddr . iif oif missing drop',
    ],
  },
  prerouting: { hook: 'type nat hook prerouting priority dstnat; policy accept;', rules: [REDIRECTED] },
  output: { hook: 'type nat hook output priority dstnat; policy accept;', rules: [REDIRECTED] },
  publish: {
    rules: [
      'dnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at',
      'dnat ip6 to meta l4proto . th dport map @published',
    ],
  },
  forward: {
    hook: 'type filter hook forward priority filter; policy accept;',
    rules: ['iifname @confined jump outbound', 'oifname @bridges jump inbound'],
  },
  outbound: { rules: ['iifname . oifname @neighbours accept', 'drop'] },
  // Of a routed network: also pings, and published ports at the container's own address.
  inbound: {
    rules: [
      'ct state established,related accept',
      'ct status dnat accept',
      'iifname . oifname @neighbours accept',
      'oifname @routed icmpv6 type echo-request accept',
      'ip6 daddr . meta l4proto . th dport @opened accept',
      'oifname @open accept',
      'drop',
    ],
  },
  postrouting: {
    hook: 'type nat hook postrouting priority srcnat; policy accept;',
    rules: [
      'ip6 saddr . oifname @homes ct status dnat masquerade',
      'ip6 saddr . oifname @homes accept',
      'ip6 saddr @subnets masquerade',
    ],
  },
};

/** As RULES_VERSION. */
export const RULES6_VERSION = 0x322d494e;

export const SETS6: Sets = {
  [`set ${VERSION_SET}`]: 'type mark;',
  'set bridges': 'type ifname;',
  'set confined': 'type ifname;',
  'set routed': 'type ifname;',
  'set open': 'type ifname;',
  'set neighbours': 'type ifname . ifname;',
  'set subnets': 'type ipv6_addr; flags interval;',
  'set homes': 'type ipv6_addr . ifname; flags interval;',
  'set opened': 'type ipv6_addr . inet_proto . inet_service;',
  'map published': 'type inet_proto . inet_service : ipv6_addr . inet_service;',
  'map published_at': 'type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;',
};

const VERSION_ELEMENT = versionElement(RULES6_VERSION);

const add = (set: string, element: string): string => `add element ip6 ${NFT_TABLE} ${set} { ${element} }\n`;

export function planFirewall6(
  network: BridgeNetwork,
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  const { bridge, internal = false, isolated = false, unmasked = false, ipv6 } = network;
  if (ipv6 === undefined) return [];
  const { subnet, mode } = ipv6;
  const masked = !internal && !unmasked && mode !== 'routed';
  const home = `${subnet} . "${bridge}"`;
  // The element that is added last, as in nftables.ts.
  const check = isThere('homes', home, 'ip6');
  return [
    {
      id: 'firewall.table6',
      section: 'nat',
      title: `Create the firewall table '${NFT_TABLE}' for IPv6`,
      why:
        'Rules of the family ip see no IPv6 packet. This table has the same chains for the family ip6. It also drops ' +
        'what comes from a bridge with a source that does not belong there: for IPv4 the kernel can look at that itself ' +
        '(rp_filter), for IPv6 it cannot.',
      without: 'By IPv6 everybody reaches every port of every container, past all rules for IPv4.',
      command: {
        kind: 'run',
        argv: ['nft', '-f', '-'],
        input: tableScript('ip6', RULES6, SETS6, VERSION_ELEMENT),
      },
      undo: SHARED,
      check: isThere(VERSION_SET, VERSION_ELEMENT, 'ip6'),
      observe: ['nft', 'list', 'table', 'ip6', NFT_TABLE],
    },
    {
      id: 'firewall.isolate6',
      section: 'nat',
      title: `Close ${bridge} to everyone but its own containers, by IPv6`,
      why:
        'A host that forwards lets every machine that has a route to the containers reach any port of them. ' +
        (mode === 'open'
          ? 'This network was made without that protection (nat-unprotected).'
          : 'From now on only answers, published ports and neighbours on the same bridge get in.'),
      without: 'Another machine adds a route to this host and reaches every port of every container.',
      command: {
        kind: 'run',
        argv: ['nft', '-f', '-'],
        input:
          add('bridges', `"${bridge}"`) +
          (isolated ? '' : add('neighbours', `"${bridge}" . "${bridge}"`)) +
          (internal ? add('confined', `"${bridge}"`) : '') +
          (mode === undefined ? '' : add(mode, `"${bridge}"`)),
      },
      undo: SHARED,
      check,
      observe: ['nft', 'list', 'set', 'ip6', NFT_TABLE, 'bridges'],
    },
    {
      id: 'nat.masquerade6',
      section: 'nat',
      title: masked ? `Masquerade what leaves ${subnet}` : `Note that ${subnet} is at home on ${bridge}`,
      why: masked
        ? 'The world has no route to a private address (fd00::/8). Masquerading puts the host’s own IPv6 address in its ' +
          'place as a packet leaves, and conntrack turns the answer back.'
        : (internal
            ? 'No packet of this network leaves the host, so minidock only masquerades packets to a published port of '
            : 'Packets leave this network with the addresses of the containers, so others need a route to them. minidock ' +
              'only masquerades packets to a published port of ') + 'the same network.',
      without: masked
        ? 'Packets get out, but no answer returns.'
        : 'A container that opens a published port of its own network gets answers from an address it never asked.',
      command: {
        kind: 'run',
        argv: ['nft', '-f', '-'],
        input: (masked ? add('subnets', subnet) : '') + add('homes', home),
      },
      undo: SHARED,
      check,
      observe: ['nft', 'list', 'set', 'ip6', NFT_TABLE, masked ? 'subnets' : 'homes'],
    },
    ...planDockerUser(network, foreign, 'ip6'),
  ];
}

/** Removes what planFirewall6 added for one network; the table serves the others. */
export function networkParts6({ bridge }: BridgeNetwork, { subnet }: Ipv6Block): readonly RemovablePart[] {
  const elements = {
    homes: `${subnet} . "${bridge}"`,
    subnets: subnet,
    neighbours: `"${bridge}" . "${bridge}"`,
    confined: `"${bridge}"`,
    routed: `"${bridge}"`,
    open: `"${bridge}"`,
    bridges: `"${bridge}"`,
  };
  return Object.entries(elements).map(([set, element]) => ({
    remove: ['nft', 'delete', 'element', 'ip6', NFT_TABLE, set, `{ ${element} }`],
  }));
}

export function planPorts6(endpoint: BridgeEndpoint): readonly HostStep[] {
  const { address6 = '', network } = endpoint;
  return groupPorts(ports6(endpoint)).map((group) => {
    const routed = network.ipv6?.mode === 'routed';
    const set = routed ? 'opened' : isEveryAddress(group.hostIp) ? 'published' : 'published_at';
    const change = (verb: 'add' | 'delete', elements: readonly string[]): Argv => {
      return ['nft', verb, 'element', 'ip6', NFT_TABLE, set, `{ ${elements.join(', ')} }`];
    };
    const keys = routed ? openedKeys(address6, group) : publishedKeys(group);
    return {
      ...(routed ? opening(group, address6) : publishing(group)),
      why: routed
        ? 'Others know a way to the container, so nothing is redirected. An element of the set says that this port of ' +
          'this address is open.'
        : "An element of the map says: packets for this port get the container's address and port as their new " +
          'destination (DNAT), before routing decides where it goes.',
      without: routed
        ? 'Nobody outside reaches the port.'
        : 'The host refuses clients: nothing on it listens on this port.',
      command: {
        kind: 'run',
        argv: change(
          'add',
          routed
            ? keys
            : keys.map((key, index) => `${key} : ${address6} . ${String(group.containerPort + index)}`),
        ),
      },
      undo: { kind: 'command', command: { kind: 'run', argv: change('delete', keys) } },
      observe: ['nft', 'list', routed ? 'set' : 'map', 'ip6', NFT_TABLE, set],
    };
  });
}

function publishedKeys({ hostIp, protocol, hostPort, count }: PortGroup): readonly string[] {
  const ip = isEveryAddress(hostIp) ? '' : `${hostIp} . `;
  return Array.from({ length: count }, (_, index) => `${ip}${protocol} . ${String(hostPort + index)}`);
}

const openedKeys = (address6: string, { protocol, containerPort, count }: PortGroup): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${address6} . ${protocol} . ${String(containerPort + index)}`);
