/** What the container's own stack needs, done from outside with `ip -n`: addresses, links up, and a way out. */
import type { HostStep, Undo } from '../plan/step.ts';
import { parseCidr } from './ipv4.ts';
import { NETNS_STEP, planLoopback } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';

const FREED: Undo = { kind: 'freedBy', step: NETNS_STEP };

export function planAddresses(endpoint: BridgeEndpoint): readonly HostStep[] {
  const [assign, up] = planInterface(endpoint);
  return [
    assign,
    ...planLoopback(endpoint.netns),
    up,
    ...(endpoint.network.internal === true ? [] : [planDefaultRoute(endpoint)]),
  ];
}

/** Of one interface of several: its address, and up. */
export function planInterface(endpoint: BridgeEndpoint): readonly [HostStep, HostStep] {
  const { netns, address, network, interfaceName } = endpoint;
  const cidr = `${address}/${parseCidr(network.subnet)?.prefix ?? 32}`;
  return [
    {
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
    },
    {
      id: 'link.up',
      section: 'address',
      title: "Bring the container's interface up",
      why: `Only an interface that is up sends and receives; this also adds the route to ${network.subnet}.`,
      without: 'The interface has its address but sends nothing and has no route.',
      command: { kind: 'run', argv: ['ip', '-n', netns, 'link', 'set', interfaceName, 'up'] },
      undo: FREED,
      observe: ['ip', '-n', netns, 'route'],
    },
  ];
}

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
