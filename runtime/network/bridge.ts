/**
 * The bridge of a network and the switch that makes the host a router. All of it is shared: the first container
 * creates it, and it stays when one fails. The checks read files of /proc, because every start makes them and a file
 * costs a thousandth of a process; /proc/net and /proc/sys/net show the reader's network namespace.
 */
import type { HostStep, Undo } from '../plan/step.ts';
import { parseCidr } from './ipv4.ts';
import { planForwarding6, planGateway6, planIpv6OnBridge } from './ipv6/bridge.ts';
import { planWithoutIpv6 } from './ipv6/keep-off.ts';
import { macOfBridge } from './mac.ts';
import type { BridgeNetwork } from './types.ts';

const SHARED: Undo = {
  kind: 'shared',
  why: 'every container of the network uses this bridge, and an idle one costs nothing',
};

/** `ipv6`: the host has it, see hasIpv6. */
export function planBridge(network: BridgeNetwork, ipv6: boolean): readonly HostStep[] {
  const { bridge, subnet } = network;
  return [
    planCreation(network),
    ...(network.ipv6 !== undefined
      ? planIpv6OnBridge(bridge, SHARED)
      : ipv6
        ? planWithoutIpv6({
            noun: 'bridge',
            interfaceName: bridge,
            order: 'A new bridge is down and hears nothing until then.',
            undo: SHARED,
          })
        : []),
    ...(subnet === '' ? [] : [planGateway(network)]),
    ...(network.ipv6 === undefined ? [] : [planGateway6(bridge, network.ipv6, SHARED)]),
    planUp(network),
    ...(subnet === '' ? [] : [planLocalnet(bridge)]),
  ];
}

const settings = (bridge: string): string => `/proc/sys/net/ipv4/conf/${bridge}`;

function planCreation(network: BridgeNetwork): HostStep {
  const { bridge, id } = network;
  return {
    id: 'bridge.create',
    section: 'bridge',
    title: `Create the bridge ${bridge}`,
    why:
      'A bridge is a switch in the kernel: what is plugged into it can talk at Ethernet level. One per network, so ' +
      'that any number of containers needs one cable each instead of one between every two.',
    without:
      'Each cable would need its own pair of addresses and routes, and the containers could reach each other only through as many links.',
    command: {
      kind: 'run',
      argv: [
        'ip',
        'link',
        'add',
        'name',
        bridge,
        'address',
        macOfBridge(id),
        ...mtuOf(network),
        'type',
        'bridge',
      ],
    },
    undo: SHARED,
    check: { kind: 'path-exists', path: settings(bridge) },
    observe: ['ip', 'link', 'show', 'dev', bridge, 'type', 'bridge'],
  };
}

function planGateway({ bridge, gateway, subnet }: BridgeNetwork): HostStep {
  const prefix = parseCidr(subnet)?.prefix ?? 32;
  return {
    id: 'bridge.address',
    section: 'bridge',
    title: `Give the bridge the gateway address ${gateway}`,
    why:
      'A bridge is also an interface of the host. With an address on it the host joins the switch and can be the ' +
      "containers' gateway.",
    without:
      'The containers could reach each other and nothing else: no gateway, and the host could not reach them either.',
    command: { kind: 'run', argv: ['ip', 'address', 'add', `${gateway}/${prefix}`, 'dev', bridge] },
    undo: SHARED,
    // A leaf of the routing trie: the kernel adds a local route for every address, also of a link that is down.
    check: { kind: 'file-contains', path: '/proc/net/fib_trie', text: `|-- ${gateway}\n` },
    observe: ['ip', 'address', 'show', bridge],
  };
}

/** IFF_UP, IFF_BROADCAST and IFF_MULTICAST, as in /sys/class/net. */
const UP = '0x1003';

function planUp({ bridge, subnet }: BridgeNetwork): HostStep {
  return {
    id: 'bridge.up',
    section: 'bridge',
    title: 'Bring the bridge up',
    why:
      'An interface that is down passes nothing and has no route. Bringing it up also makes the kernel route ' +
      `${subnet === '' ? 'the subnet' : subnet} to the bridge, which is how the host finds the containers.`,
    without: 'Nothing passes between the cables, and a ping from the host ends in its default route.',
    command: { kind: 'run', argv: ['ip', 'link', 'set', bridge, 'up'] },
    undo: SHARED,
    check:
      subnet === ''
        ? { kind: 'file-contains', path: `/sys/class/net/${bridge}/flags`, text: UP }
        : { kind: 'file-contains', path: '/proc/net/route', text: `${bridge}\t` },
    observe: ['ip', 'route', 'show', 'dev', bridge],
  };
}

function planLocalnet(bridge: string): HostStep {
  const path = `${settings(bridge)}/route_localnet`;
  return {
    id: 'bridge.localnet',
    section: 'bridge',
    title: 'Let the bridge carry connections that began at 127.0.0.1',
    why:
      'The kernel treats 127.0.0.0/8 on any interface but lo as forged and drops it. A connection from the host ' +
      'to localhost:8080 is redirected to a container, so its packets leave through the bridge; minidock allows ' +
      'them on this bridge alone, never on all interfaces.',
    without:
      "A published port works from everywhere but from the host's own localhost, where connecting times out.",
    command: { kind: 'write', path, text: '1' },
    undo: SHARED,
    check: { kind: 'file-contains', path, text: '1' },
    observe: ['cat', path],
  };
}

/** Words of `ip link add`. */
export const mtuOf = ({ mtu }: BridgeNetwork): readonly string[] =>
  mtu === undefined ? [] : ['mtu', String(mtu)];

export const planForwarding = (network: BridgeNetwork): readonly HostStep[] => [
  ...(network.subnet === '' ? [] : [planForwarding4()]),
  ...planForwarding6(network),
];

export function planForwarding4(): HostStep {
  const path = '/proc/sys/net/ipv4/ip_forward';
  return {
    id: 'forwarding.enable',
    section: 'nat',
    title: 'Make the host a router',
    why:
      'By default Linux drops packets that are not for itself. Every packet between a container and the world ' +
      'arrives on one interface and leaves by another, so the host has to forward.',
    without:
      'A container reaches the host and its neighbours, and no other machine: the host silently drops its ' +
      'packets.',
    command: { kind: 'write', path, text: '1' },
    undo: {
      kind: 'shared',
      why: 'every container, and perhaps other software of the host, forwards through it',
    },
    check: { kind: 'file-contains', path, text: '1' },
    observe: ['cat', path],
  };
}
