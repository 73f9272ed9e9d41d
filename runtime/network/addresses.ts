/** What the container's own stack needs, done from outside with `ip -n`: addresses, links up, and a way out. */
import type { HostStep, Undo } from '../plan/step.ts';
import { planFixedRoutes } from './fixed-routes.ts';
import { parseCidr } from './ipv4.ts';
import { NETNS_STEP, planLoopback } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';

const FREED: Undo = { kind: 'freedBy', step: NETNS_STEP };

export function planAddresses(endpoint: BridgeEndpoint): readonly HostStep[] {
  const { internal = false } = endpoint.network;
  const [before, after] = planInterface(endpoint);
  return [
    ...(endpoint.address6 === undefined ? [] : [planFixedRoutes(endpoint)]),
    ...before,
    ...planLoopback(endpoint.netns),
    ...after,
    ...(internal ? [] : planDefaultRoutes(endpoint)),
  ];
}

/** Of one interface of several: its address, and up. An IPv6 address is put on a link that is up, where it counts at once. */
export function planInterface(endpoint: BridgeEndpoint): readonly [readonly HostStep[], readonly HostStep[]] {
  const { address, address6 } = endpoint;
  return [
    address === '' ? [] : [planAddress(endpoint)],
    [planUp(endpoint), ...(address6 === undefined ? [] : [planAddress6(endpoint, address6)])],
  ];
}

function planAddress({ netns, address, network, interfaceName }: BridgeEndpoint): HostStep {
  const cidr = `${address}/${parseCidr(network.subnet)?.prefix ?? 32}`;
  return {
    id: 'address.assign',
    section: 'address',
    title: `Assign the address ${cidr}`,
    why:
      'The address makes the container reachable, and its prefix length tells the container who is on the same ' +
      'switch: it asks for those by ARP, and sends everything else to the gateway.',
    without: 'The container can neither receive nor send: "Network is unreachable".',
    command: {
      kind: 'run',
      argv: ['ip', '-n', netns, 'address', 'add', cidr, 'brd', '+', 'dev', interfaceName],
    },
    undo: FREED,
    observe: ['ip', '-n', netns, 'address', 'show', interfaceName],
  };
}

function planAddress6({ netns, network, interfaceName }: BridgeEndpoint, address6: string): HostStep {
  const cidr = `${address6}/${network.ipv6?.subnet.split('/')[1] ?? '128'}`;
  return {
    id: 'address.assign6',
    section: 'address',
    title: `Assign the IPv6 address ${cidr}`,
    why:
      'The same for IPv6, where neighbours are found by multicast (NDP) instead of ARP. "nodad" leaves out the second ' +
      'in which the kernel asks whether somebody has the address already: minidock gives it to nobody else.',
    without: 'The container has no address that anyone outside could answer to, only a link-local one.',
    command: {
      kind: 'run',
      argv: ['ip', '-n', netns, 'address', 'add', cidr, 'dev', interfaceName, 'nodad'],
    },
    undo: FREED,
    observe: ['ip', '-n', netns, '-6', 'address', 'show', interfaceName],
  };
}

function planUp({ netns, network, interfaceName, address }: BridgeEndpoint): HostStep {
  const route = address === '' ? '' : `; this also adds the route to ${network.subnet}`;
  return {
    id: 'link.up',
    section: 'address',
    title: "Bring the container's interface up",
    why: `Only an interface that is up sends and receives${route}.`,
    without: 'The interface has its address but sends nothing and has no route.',
    command: { kind: 'run', argv: ['ip', '-n', netns, 'link', 'set', interfaceName, 'up'] },
    undo: FREED,
    observe: ['ip', '-n', netns, 'route'],
  };
}

export const planDefaultRoutes = (endpoint: BridgeEndpoint): readonly HostStep[] => [
  ...(endpoint.address === '' ? [] : [planDefaultRoute(endpoint)]),
  ...(endpoint.address6 === undefined ? [] : [planDefaultRoute6(endpoint)]),
];

export function planDefaultRoute({ netns, network }: BridgeEndpoint): HostStep {
  return {
    id: 'route.default',
    section: 'address',
    title: `Send everything else to the gateway ${network.gateway}`,
    why:
      'The container knows its own subnet only. A default route sends everything else to the gateway, which is the ' +
      'host.',
    without:
      'A packet to any other network, and every answer to a client outside, ends with Network is unreachable.',
    command: { kind: 'run', argv: ['ip', '-n', netns, 'route', 'add', 'default', 'via', network.gateway] },
    undo: FREED,
    observe: ['ip', '-n', netns, 'route', 'get', '198.51.100.1'],
  };
}

export function planDefaultRoute6({ netns, network, interfaceName }: BridgeEndpoint): HostStep {
  const gateway = network.ipv6?.gateway ?? '';
  return {
    id: 'route.default6',
    section: 'address',
    title: `Send everything else of IPv6 to the gateway ${gateway}`,
    why:
      'A host usually learns its IPv6 gateway from a router advertisement, which anyone on the link can send. The ' +
      'container believes none; its route is set.',
    without: 'The container reaches its neighbours by IPv6 and nobody else.',
    command: {
      kind: 'run',
      argv: ['ip', '-n', netns, 'route', 'add', 'default', 'via', gateway, 'dev', interfaceName],
    },
    undo: FREED,
    observe: ['ip', '-n', netns, '-6', 'route', 'get', '2001:db8::1'],
  };
}
