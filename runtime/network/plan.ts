/**
 * The network of a container from top to bottom, in the order in which one would build it by hand: a namespace, a
 * switch, a cable between them, an address, a way to the world, a way in.
 */
import type { HostStep } from '../plan/step.ts';
import { planAddresses, planDefaultRoute, planDefaultRoute6, planInterface } from './addresses.ts';
import { planBridge, planForwarding } from './bridge.ts';
import { planFirewall, planPorts } from './firewall/backend.ts';
import type { ForeignFirewall } from './firewall/foreign.ts';
import { planFixedRoutes } from './fixed-routes.ts';
import { planFlows } from './flows.ts';
import { planLoopback, planNamedNetns, planNetns } from './netns.ts';
import { planResolver } from './resolver.ts';
import type { BridgeEndpoint } from './types.ts';
import { planVeth } from './veth.ts';

/**
 * `foreign`: what else filters on this host, see readForeignFirewalls; nothing by default. `named`: the namespace is
 * made with PID 1 and only gets its name here. `names`: where the names of its networks are kept, if they have any.
 */
export function planBridgeEndpoint(
  endpoint: BridgeEndpoint,
  foreign: readonly ForeignFirewall[] = [],
  named = false,
  names: readonly string[] = [],
): readonly HostStep[] {
  return [
    ...(named ? planNamedNetns : planNetns)(endpoint.netns),
    ...planBridge(endpoint.network, endpoint.ipv6),
    ...planVeth(endpoint),
    ...planAddresses(endpoint),
    ...(names.length === 0 ? [] : planResolver({ ...endpoint, names })),
    ...planForwarding(endpoint.network),
    ...planFirewall(endpoint, foreign),
    ...planPorts(endpoint),
    ...planFlows(endpoint),
  ];
}

/**
 * The container's cables to more networks, which are not its way out, unless the way out has IPv4 alone, or IPv6. They
 * leave out steps that the first network has done for all; the container's interface distinguishes the others.
 */
export function planFurtherEndpoints(
  first: BridgeEndpoint,
  more: readonly BridgeEndpoint[],
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  const [way4, way6] = [wayOut([first, ...more], has4), wayOut([first, ...more], has6)];
  const done = [...FOR_ALL_NETWORKS, ...planForwarding(first.network).map(({ id }) => id)];
  return more.flatMap((endpoint) =>
    planFurtherEndpoint(endpoint, foreign, done, [
      ...(endpoint === way4 ? [planDefaultRoute(endpoint)] : []),
      ...(endpoint === way6 ? [planDefaultRoute6(endpoint)] : []),
    ]),
  );
}

export const has4 = ({ address }: BridgeEndpoint): boolean => address !== '';
export const has6 = ({ address6 }: BridgeEndpoint): boolean => address6 !== undefined;

/** The first that leads out and has that family. */
export const wayOut = (
  endpoints: readonly BridgeEndpoint[],
  has: (endpoint: BridgeEndpoint) => boolean,
): BridgeEndpoint | undefined =>
  endpoints.find((endpoint) => endpoint.network.internal !== true && has(endpoint));

function planFurtherEndpoint(
  endpoint: BridgeEndpoint,
  foreign: readonly ForeignFirewall[],
  done: readonly string[],
  routes: readonly HostStep[],
): readonly HostStep[] {
  return [
    ...planBridge(endpoint.network, endpoint.ipv6),
    ...planVeth(endpoint),
    ...(endpoint.address6 === undefined ? [] : [planFixedRoutes(endpoint)]),
    ...planInterface(endpoint).flat(),
    ...routes,
    ...[...planForwarding(endpoint.network), ...planFirewall(endpoint, foreign)].filter(
      ({ id }) => !done.includes(id),
    ),
  ].map((step) => ({ ...step, id: `${step.id}:${endpoint.interfaceName}` }));
}

const FOR_ALL_NETWORKS: readonly string[] = ['firewall.table', 'firewall.loopback'];

/** `--network none`: a namespace with nothing in it but loopback. */
export function planNoneEndpoint(netns: string, named = false): readonly HostStep[] {
  return [...(named ? planNamedNetns : planNetns)(netns), ...planLoopback(netns)];
}
