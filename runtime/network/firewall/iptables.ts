/**
 * The same firewall in iptables, for hosts without nft and for those who follow a text that speaks iptables. One
 * rule for each published port (or range), tried one after the other, so the cost grows with their number.
 *
 * Chains are created with -N, which fails when they exist: of two containers that set up at once the second fails,
 * looks again, and finds everything there. (The `:CHAIN -` of iptables-save would empty a chain that is in use.) Chains
 * that are there and empty, after `iptables -F`, get their lines one by one (restore-lines.ts).
 */
import type { HostStep, Question } from '../../plan/step.ts';
import type { Argv } from '../../plan/argv.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../types.ts';
import { HOST_VETH_PREFIX } from '../names.ts';
import { confinementWords } from './confinement.ts';
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
import { ports4 } from './ports6.ts';

/** `--wait`: the legacy iptables takes a lock that another program may hold just now. */
const NAT: Argv = ['iptables', '--wait', '-t', 'nat'];
const RESTORE: Argv = ['iptables-restore', '--wait', '--noflush'];

/** First of all: an accept ends a packet's way through this table. */
const LOOPBACK = `*raw
-N MINIDOCK-LOOPBACK
-A MINIDOCK-LOOPBACK ! -i lo -d 127.0.0.0/8 -j DROP
-A MINIDOCK-LOOPBACK -i ${HOST_VETH_PREFIX}+ -j DROP
-A MINIDOCK-LOOPBACK ! -i lo -s 127.0.0.0/8 -j DROP
-I PREROUTING -j MINIDOCK-LOOPBACK
COMMIT
`;

/** Its presence proves the other rules; an older minidock had only the first rule, in another chain. */
const SOURCE_RULE = ['MINIDOCK-LOOPBACK', '!', '-i', 'lo', '-s', '127.0.0.0/8', '-j', 'DROP'] as const;

const CHAINS = `*nat
-N MINIDOCK
-N MINIDOCK-POSTROUTING
-A PREROUTING -m addrtype --dst-type LOCAL -j MINIDOCK
-A OUTPUT -m addrtype --dst-type LOCAL -j MINIDOCK
-A POSTROUTING -j MINIDOCK-POSTROUTING
COMMIT
*filter
-N MINIDOCK-FORWARD
-N MINIDOCK-INBOUND
-A MINIDOCK-INBOUND -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A MINIDOCK-INBOUND -m conntrack --ctstate DNAT -j ACCEPT
-A MINIDOCK-INBOUND -j DROP
-I FORWARD -j MINIDOCK-FORWARD
COMMIT
`;

export function planFirewall(
  network: BridgeNetwork,
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  const { bridge, subnet, internal = false, unmasked = false } = network;
  if (subnet === '') return [planLoopbackChain(), planChains(), planConfinement(bridge)];
  const masquerade = ['MINIDOCK-POSTROUTING', '-s', subnet, '!', '-o', bridge, '-j', 'MASQUERADE'] as const;
  const source = ['MINIDOCK-LOOPBACK', ...forgedSource(network)];
  // The rule of this network that is added last: with it the others are there.
  const last = internal ? confinement(bridge) : ['-i', bridge, '-j', 'ACCEPT'];
  const filtered = asks([], 'MINIDOCK-FORWARD', ...last);
  // Each table is emptied on its own (`iptables -t nat -F`), so one rule of each is looked at.
  const turned = asks(['-t', 'nat'], ...turnedBack(network));
  return [
    planLoopbackChain(),
    planChains(),
    {
      id: 'firewall.source',
      section: 'nat',
      title: `Drop packets that are forged to come from ${subnet}`,
      why:
        `A container's packets come from ${bridge}. A forged packet in its name from anywhere else would create a ` +
        'conntrack entry, and its receiver could then answer: the firewall lets answers in to a container. The ' +
        'rule leaves out addresses of this host, the gateway among them.',
      without:
        'Another machine, or a container of another network, sends one packet in the name of a container and then reaches any port of it, published or not.',
      command: { kind: 'run', argv: ['iptables', '--wait', '-t', 'raw', '-A', ...source] },
      undo: SHARED,
      check: asks(['-t', 'raw'], ...source),
      observe: ['iptables', '-t', 'raw', '-S', 'MINIDOCK-LOOPBACK'],
    },
    {
      id: 'firewall.isolate',
      section: 'nat',
      title: `Close ${bridge} to everyone but its own containers`,
      why:
        "A host that forwards lets every machine on its networks route packets to a container's address, published " +
        'or not. From now on only answers, published ports and neighbours on the same bridge get in; containers ' +
        'may go out, also where the policy of FORWARD is to drop.',
      without:
        'Another machine of the same network adds a route to this host and reaches every port of every container, published or not.',
      command: { kind: 'run', argv: RESTORE, input: networkRules(network, foreign) },
      undo: SHARED,
      check: { kind: 'all', checks: [turned, filtered] },
      observe: ['iptables', '-S', 'MINIDOCK-FORWARD'],
    },
    ...(internal || unmasked ? [] : [masqueradeStep(subnet, masquerade)]),
  ];
}

function planLoopbackChain(): HostStep {
  return {
    id: 'firewall.loopback',
    section: 'nat',
    title: 'Drop packets that are forged to come from 127.0.0.0/8, or to go there',
    why:
      'Programs that listen on 127.0.0.1 trust every client, since such packets never travel on a wire. The ' +
      'kernel drops those that do, but route_localnet lets them in on our bridges. The table raw is the first ' +
      `that a packet meets. An IP packet that comes in by a port (${HOST_VETH_PREFIX}+) and not by its bridge is ` +
      'forged too.',
    without:
      'A container with CAP_NET_RAW sends to services of this host in the name of 127.0.0.1, and to the world ' +
      'through this host.',
    command: { kind: 'run', argv: RESTORE, input: LOOPBACK },
    undo: SHARED,
    check: asks(['-t', 'raw'], ...SOURCE_RULE),
    observe: ['iptables', '-t', 'raw', '-S'],
  };
}

function planChains(): HostStep {
  return {
    id: 'firewall.table',
    section: 'nat',
    title: "Create the chains 'MINIDOCK…'",
    why:
      'iptables has fixed tables (raw, nat, filter) with built-in chains at fixed points of the way of a packet. ' +
      'Chains of our own, called from there, keep our rules apart from those of others. Redirection is for ' +
      'packets addressed to this host only (--dst-type LOCAL), from any sender, this host (OUTPUT) included.',
    without:
      'Ports cannot be published: there is no place for a redirection, and packets to a published port find nobody listening on the host.',
    command: { kind: 'run', argv: RESTORE, input: CHAINS },
    undo: SHARED,
    check: {
      kind: 'all',
      checks: [
        ...['PREROUTING', 'OUTPUT'].map((chain) =>
          asks(['-t', 'nat'], chain, '-m', 'addrtype', '--dst-type', 'LOCAL', '-j', 'MINIDOCK'),
        ),
        asks(['-t', 'nat'], 'POSTROUTING', '-j', 'MINIDOCK-POSTROUTING'),
        asks([], 'FORWARD', '-j', 'MINIDOCK-FORWARD'),
      ],
    },
    observe: ['iptables-save'],
  };
}

/** Of a network that has IPv6 alone. */
function planConfinement(bridge: string): HostStep {
  return {
    ...confinementWords(bridge),
    command: {
      kind: 'run',
      argv: RESTORE,
      input: `*filter\n-I MINIDOCK-FORWARD ${confinement(bridge).join(' ')}\nCOMMIT\n`,
    },
    undo: SHARED,
    check: asks([], 'MINIDOCK-FORWARD', ...confinement(bridge)),
    observe: ['iptables', '-S', 'MINIDOCK-FORWARD'],
  };
}

function masqueradeStep(subnet: string, masquerade: readonly string[]): HostStep {
  return {
    id: 'nat.masquerade',
    section: 'nat',
    title: `Masquerade what leaves ${subnet}`,
    why:
      "The world has no route to a container's private address. MASQUERADE puts the host's address in its place " +
      'as a packet leaves, and conntrack turns the answer back.',
    without: 'Packets get out, but no answer returns: a ping from the container to the world gets no reply.',
    command: { kind: 'run', argv: [...NAT, '-A', ...masquerade] },
    undo: SHARED,
    check: asks(['-t', 'nat'], ...masquerade),
    observe: ['iptables', '-t', 'nat', '-S', 'MINIDOCK-POSTROUTING'],
  };
}

const asks = (table: readonly string[], ...rule: readonly string[]): Question => ({
  kind: 'run',
  argv: ['iptables', '--wait', ...table, '-C', ...rule],
});

/** A container that asks a published port of its own: the last rule of nat that every network has. */
const turnedBack = ({ bridge, subnet }: BridgeNetwork): readonly string[] => [
  ...['MINIDOCK-POSTROUTING', '-s', subnet, '-o', bridge],
  ...['-m', 'conntrack', '--ctstate', 'DNAT', '-j', 'MASQUERADE'],
];

/** Into a bridge: neighbours of an isolated network are strangers, too. */
const inbound = ({ bridge, isolated = false }: BridgeNetwork): string =>
  `${isolated ? '' : `! -i ${bridge} `}-o ${bridge} -j MINIDOCK-INBOUND`;

/** Packets from an internal network to anywhere else. */
const confinement = (bridge: string): readonly string[] => ['-i', bridge, '!', '-o', bridge, '-j', 'DROP'];

const forgedSource = ({ bridge, subnet }: BridgeNetwork): readonly string[] => [
  ...['!', '-i', bridge, '-s', subnet, '-m', 'addrtype', '!', '--src-type', 'LOCAL', '-j', 'DROP'],
];

/** As networkParts of nftables: the rules of one network, those for Docker's sake included. */
export function networkParts(network: BridgeNetwork): readonly RemovablePart[] {
  const { bridge, subnet } = network;
  const own = confinement(bridge);
  if (subnet === '') {
    const rule = (verb: string): Argv => ['iptables', '--wait', verb, 'MINIDOCK-FORWARD', ...own];
    return [{ check: rule('-C'), remove: rule('-D') }];
  }
  const nat = ['-t', 'nat'];
  const docker = `MINIDOCK-${bridge}`;
  const rules: readonly (readonly [readonly string[], string, string])[] = [
    [nat, 'MINIDOCK-POSTROUTING', `-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`],
    [nat, 'MINIDOCK-POSTROUTING', turnedBack(network).slice(1).join(' ')],
    [nat, 'MINIDOCK-POSTROUTING', `-s ${subnet} ! -o ${bridge} -j MASQUERADE`],
    [[], 'MINIDOCK-FORWARD', inbound(network)],
    ...['docker0', 'br-+'].map(
      (other) => [[], 'MINIDOCK-FORWARD', `-i ${bridge} -o ${other} -j RETURN`] as const,
    ),
    [[], 'MINIDOCK-FORWARD', `-i ${bridge} -j ACCEPT`],
    [[], 'MINIDOCK-FORWARD', own.join(' ')],
    [[], 'DOCKER-USER', `-j ${docker}`],
    [['-t', 'raw'], 'MINIDOCK-LOOPBACK', forgedSource(network).join(' ')],
  ];
  const words = (table: readonly string[], ...rest: readonly string[]): Argv => [
    'iptables',
    '--wait',
    ...table,
    ...rest,
  ];
  return [
    ...rules.map(([table, chain, rule]) => ({
      check: words(table, '-C', chain, ...rule.split(' ')),
      remove: words(table, '-D', chain, ...rule.split(' ')),
    })),
    { check: words([], '-S', docker), remove: words([], '-F', docker) },
    { check: words([], '-S', docker), remove: words([], '-X', docker) },
  ];
}

/**
 * Inbound rules go first (-I) and outbound ones last (-A), so that one network's permission to go out never lets it
 * into another. Where Docker lives too, its bridges stay its own affair.
 */
function networkRules(network: BridgeNetwork, foreign: readonly ForeignFirewall[]): string {
  const { bridge, internal = false } = network;
  const dockers = hasDocker(foreign) ? ['docker0', 'br-+'] : [];
  return [
    '*nat',
    `-A MINIDOCK-POSTROUTING -s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`,
    `-A ${turnedBack(network).join(' ')}`,
    'COMMIT',
    '*filter',
    `-I MINIDOCK-FORWARD ${inbound(network)}`,
    ...dockers.map((other) => `-A MINIDOCK-FORWARD -i ${bridge} -o ${other} -j RETURN`),
    internal
      ? `-I MINIDOCK-FORWARD ${confinement(bridge).join(' ')}`
      : `-A MINIDOCK-FORWARD -i ${bridge} -j ACCEPT`,
    'COMMIT',
    '',
  ].join('\n');
}

export function planPorts(endpoint: BridgeEndpoint): readonly HostStep[] {
  return groupPorts(ports4(endpoint)).map((group) => {
    const rule = portRule(endpoint.address, group);
    return {
      ...publishing(group),
      why:
        "The world knows only the host, not the container. DNAT gives packets for this port the container's " +
        'address and port as their new destination, before routing decides where it goes; conntrack remembers, so ' +
        'answers leave with the address the client asked.',
      without: 'The host refuses clients: nothing on it listens on this port.',
      command: { kind: 'run', argv: [...NAT, '-A', 'MINIDOCK', ...rule] },
      undo: { kind: 'command', command: { kind: 'run', argv: [...NAT, '-D', 'MINIDOCK', ...rule] } },
      observe: ['iptables', '-t', 'nat', '-S', 'MINIDOCK'],
    };
  });
}

function portRule(address: string, group: PortGroup): readonly string[] {
  const { hostIp, protocol, hostPort, containerPort, count } = group;
  const destination = isEveryAddress(hostIp) ? [] : ['-d', `${hostIp}/32`];
  const ports = count === 1 ? String(hostPort) : `${hostPort}:${hostPort + count - 1}`;
  // The number after the slash is what the range is counted from, so that each port keeps its own counterpart.
  const base = count === 1 ? '' : `/${hostPort}`;
  const target = `${address}:${rangeText(containerPort, count)}${base}`;
  return [...destination, '-p', protocol, '--dport', ports, '-j', 'DNAT', '--to-destination', target];
}
