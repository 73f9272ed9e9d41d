/**
 * The firewall of IPv6 in ip6tables: as iptables.ts does it, with what nftables6.ts says of the differences. `rpfilter`
 * is the match for a source that is not routed to where it came from.
 */
import type { Argv } from '../../plan/argv.ts';
import type { HostStep, Question } from '../../plan/step.ts';
import { HOST_VETH_PREFIX } from '../names.ts';
import type { BridgeEndpoint, BridgeNetwork, Ipv6Block } from '../types.ts';
import { hasDocker, type ForeignFirewall } from './foreign.ts';
import { isEveryAddress } from '../host-address.ts';
import {
  groupPorts,
  publishing,
  rangeText,
  SHARED,
  type PortGroup,
  type RemovablePart,
} from './port-groups.ts';
import { opening, ports6 } from './ports6.ts';

const TOOL = ['ip6tables', '--wait'] as const;
const RESTORE: Argv = ['ip6tables-restore', '--wait', '--noflush'];

/** Link-local addresses and ::1 are left to sockets of the host. */
const CHAINS = `*raw
-N MINIDOCK-LOOPBACK
-A MINIDOCK-LOOPBACK -i ${HOST_VETH_PREFIX}+ -j DROP
-I PREROUTING -j MINIDOCK-LOOPBACK
COMMIT
*nat
-N MINIDOCK
-N MINIDOCK-REDIRECT
-N MINIDOCK-POSTROUTING
-A MINIDOCK-REDIRECT -s fe80::/10 -j RETURN
-A MINIDOCK-REDIRECT -d fe80::/10 -j RETURN
-A MINIDOCK-REDIRECT -s ::1/128 -j RETURN
-A MINIDOCK-REDIRECT -d ::1/128 -j RETURN
-A MINIDOCK-REDIRECT -m addrtype --dst-type LOCAL -j MINIDOCK
-A PREROUTING -j MINIDOCK-REDIRECT
-A OUTPUT -j MINIDOCK-REDIRECT
-A POSTROUTING -j MINIDOCK-POSTROUTING
COMMIT
*filter
-N MINIDOCK-FORWARD
-N MINIDOCK-INBOUND
-N MINIDOCK-OPENED
-A MINIDOCK-INBOUND -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A MINIDOCK-INBOUND -m conntrack --ctstate DNAT -j ACCEPT
-A MINIDOCK-INBOUND -j MINIDOCK-OPENED
-A MINIDOCK-INBOUND -j DROP
-I FORWARD -j MINIDOCK-FORWARD
COMMIT
`;

type Rule = readonly [table: readonly string[], chain: string, rule: string];
const RAW = ['-t', 'raw'] as const;
const NAT = ['-t', 'nat'] as const;

/** Into a bridge: neighbours of an isolated network are strangers, too. */
const inbound = ({ bridge, isolated = false }: BridgeNetwork): Rule => [
  [],
  'MINIDOCK-FORWARD',
  `${isolated ? '' : `! -i ${bridge} `}-o ${bridge} -j MINIDOCK-INBOUND`,
];

/** What is dropped before anything else: forged sources. */
const sources = ({ bridge }: BridgeNetwork, { subnet }: Ipv6Block): readonly Rule[] => [
  [RAW, 'MINIDOCK-LOOPBACK', `! -i ${bridge} -s ${subnet} -m addrtype ! --src-type LOCAL -j DROP`],
  // A container without an address asks in the name of ::, which is routed nowhere.
  [RAW, 'MINIDOCK-LOOPBACK', `-i ${bridge} ! -s ::/128 -m rpfilter --invert -j DROP`],
];

/** A container that asks a published port of its own. */
const turnedBack = ({ bridge }: BridgeNetwork, { subnet }: Ipv6Block): Rule => [
  NAT,
  'MINIDOCK-POSTROUTING',
  `-s ${subnet} -o ${bridge} -m conntrack --ctstate DNAT -j MASQUERADE`,
];

const appended = (network: BridgeNetwork, ipv6: Ipv6Block): readonly Rule[] => {
  const { bridge, unmasked = false, internal = false } = network;
  return [
    turnedBack(network, ipv6),
    ...(internal || unmasked || ipv6.mode === 'routed'
      ? []
      : [[NAT, 'MINIDOCK-POSTROUTING', `-s ${ipv6.subnet} ! -o ${bridge} -j MASQUERADE`] as const]),
    ...(ipv6.mode === 'routed'
      ? [[[], 'MINIDOCK-OPENED', `-o ${bridge} -p ipv6-icmp --icmpv6-type echo-request -j ACCEPT`] as const]
      : ipv6.mode === 'open'
        ? [[[], 'MINIDOCK-OPENED', `-o ${bridge} -j ACCEPT`] as const]
        : []),
    ...(internal ? [] : [[[], 'MINIDOCK-FORWARD', `-i ${bridge} -j ACCEPT`] as const]),
  ];
};

/** Before the others of its chain. */
const inserted = (network: BridgeNetwork): readonly Rule[] => {
  const { bridge, internal = false } = network;
  return [
    inbound(network),
    ...(internal ? [[[], 'MINIDOCK-FORWARD', `-i ${bridge} ! -o ${bridge} -j DROP`] as const] : []),
  ];
};

/** Docker's bridges stay its own affair; before the rule that accepts what leaves. */
const dockers = ({ bridge }: BridgeNetwork): readonly Rule[] =>
  ['docker0', 'br-+'].map((other) => [[], 'MINIDOCK-FORWARD', `-i ${bridge} -o ${other} -j RETURN`] as const);

const words = (verb: string, [table, chain, rule]: Rule): Argv => [
  ...TOOL,
  ...table,
  verb,
  chain,
  ...rule.split(' '),
];

const asks = (rule: Rule): Question => ({ kind: 'run', argv: words('-C', rule) });

/** In the form of ip6tables-restore, each table once. */
function script(added: readonly Rule[], first: readonly Rule[]): string {
  return ['raw', 'nat', 'filter']
    .flatMap((name) => {
      const here = ([table]: Rule): boolean => (table[1] ?? 'filter') === name;
      const lines = [
        ...first.filter(here).map(([, chain, rule]) => `-I ${chain} ${rule}`),
        ...added.filter(here).map(([, chain, rule]) => `-A ${chain} ${rule}`),
      ];
      return lines.length === 0 ? [] : [`*${name}`, ...lines, 'COMMIT'];
    })
    .concat('')
    .join('\n');
}

export function planFirewall6(
  network: BridgeNetwork,
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  const { bridge, ipv6 } = network;
  if (ipv6 === undefined) return [];
  return [
    {
      id: 'firewall.table6',
      section: 'nat',
      title: "Create the chains 'MINIDOCK…' for IPv6",
      why:
        'Rules of iptables see no IPv6 packet: ip6tables has tables of its own, with the same names. Redirection leaves ' +
        'out ::1 and link-local addresses, since no packet from there can go to another link.',
      without: 'By IPv6 everybody reaches every port of every container, past all rules for IPv4.',
      command: { kind: 'run', argv: RESTORE, input: CHAINS },
      undo: SHARED,
      check: {
        kind: 'all',
        checks: [
          asks([RAW, 'PREROUTING', '-j MINIDOCK-LOOPBACK']),
          ...['PREROUTING', 'OUTPUT'].map((chain) => asks([NAT, chain, '-j MINIDOCK-REDIRECT'])),
          asks([NAT, 'POSTROUTING', '-j MINIDOCK-POSTROUTING']),
          asks([[], 'FORWARD', '-j MINIDOCK-FORWARD']),
        ],
      },
      observe: ['ip6tables-save'],
    },
    {
      id: 'firewall.isolate6',
      section: 'nat',
      title: `Close ${bridge} to everyone but its own containers, by IPv6`,
      why:
        'Only answers, published ports and neighbours on the same bridge get in. What comes from the bridge must have a ' +
        'source that is routed there: the kernel looks at that for IPv4 (rp_filter), and not for IPv6. What leaves is ' +
        'masqueraded, unless others have a route to the subnet.',
      without: 'Another machine adds a route to this host and reaches every port of every container.',
      command: {
        kind: 'run',
        argv: RESTORE,
        input: script(
          [
            ...sources(network, ipv6),
            ...(hasDocker(foreign, 'ip6') ? dockers(network) : []),
            ...appended(network, ipv6),
          ],
          inserted(network),
        ),
      },
      undo: SHARED,
      // Each table is emptied on its own (`ip6tables -t nat -F`), so one rule of each is looked at.
      check: {
        kind: 'all',
        checks: [...sources(network, ipv6).slice(-1), turnedBack(network, ipv6), inbound(network)].map(asks),
      },
      observe: ['ip6tables', '-S', 'MINIDOCK-FORWARD'],
    },
  ];
}

/** As networkParts6 of nftables6.ts. */
export const networkParts6 = (network: BridgeNetwork, ipv6: Ipv6Block): readonly RemovablePart[] =>
  [...sources(network, ipv6), ...dockers(network), ...appended(network, ipv6), ...inserted(network)].map(
    (rule) => ({
      check: words('-C', rule),
      remove: words('-D', rule),
    }),
  );

export function planPorts6(endpoint: BridgeEndpoint): readonly HostStep[] {
  const { address6 = '', network } = endpoint;
  return groupPorts(ports6(endpoint)).map((group) => {
    const routed = network.ipv6?.mode === 'routed';
    const rule = routed ? openRule(address6, group) : portRule(address6, group);
    return {
      ...(routed ? opening(group, address6) : publishing(group)),
      why: routed
        ? 'Others know a way to the container, so nothing is redirected. The rule lets this port of this address in.'
        : "DNAT gives packets for this port the container's address and port as their new destination, before routing " +
          'decides where it goes.',
      without: routed
        ? 'Nobody outside reaches the port.'
        : 'The host refuses clients: nothing on it listens on this port.',
      command: { kind: 'run', argv: words('-A', rule) },
      undo: { kind: 'command', command: { kind: 'run', argv: words('-D', rule) } },
      observe: ['ip6tables', ...rule[0], '-S', rule[1]],
    };
  });
}

const destinations = (first: number, count: number): string =>
  count === 1 ? String(first) : `${String(first)}:${String(first + count - 1)}`;

const openRule = (address6: string, { protocol, containerPort, count }: PortGroup): Rule => [
  [],
  'MINIDOCK-OPENED',
  `-d ${address6}/128 -p ${protocol} --dport ${destinations(containerPort, count)} -j ACCEPT`,
];

function portRule(address6: string, { hostIp, protocol, hostPort, containerPort, count }: PortGroup): Rule {
  const destination = isEveryAddress(hostIp) ? '' : `-d ${hostIp}/128 `;
  const base = count === 1 ? '' : `/${String(hostPort)}`;
  const target = `[${address6}]:${rangeText(containerPort, count)}${base}`;
  const ports = destinations(hostPort, count);
  return [
    NAT,
    'MINIDOCK',
    `${destination}-p ${protocol} --dport ${ports} -j DNAT --to-destination ${target}`,
  ];
}
