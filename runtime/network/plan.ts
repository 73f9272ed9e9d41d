/**
 * The network of a container from top to bottom, in the order in which one would build it by hand: a namespace, a
 * switch, a cable between them, an address, a way to the world, a way in.
 */
import type { HostStep } from '../plan/step.ts';
import { planAddresses, planInterface } from './addresses.ts';
import { planBridge, planForwarding } from './bridge.ts';
import { planFirewall, planPorts } from './firewall/backend.ts';
import type { ForeignFirewall } from './firewall/foreign.ts';
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
    ...planForwarding(),
    ...planFirewall(endpoint, foreign),
    ...planPorts(endpoint),
    ...planFlows(endpoint),
  ];
}

/**
 * The container's cable to one more network, which is not its way out. It leaves out steps that the first network has
 * done for all; the container's interface distinguishes the others.
 */
export function planFurtherEndpoint(
  endpoint: BridgeEndpoint,
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  return [
    ...planBridge(endpoint.network, endpoint.ipv6),
    ...planVeth(endpoint),
    ...planInterface(endpoint),
    ...planFirewall(endpoint, foreign).filter(({ id }) => !FOR_ALL_NETWORKS.includes(id)),
  ].map((step) => ({ ...step, id: `${step.id}:${endpoint.interfaceName}` }));
}

const FOR_ALL_NETWORKS: readonly string[] = ['firewall.table', 'firewall.loopback'];

/** `--network none`: a namespace with nothing in it but loopback. */
export function planNoneEndpoint(netns: string, named = false): readonly HostStep[] {
  return [...(named ? planNamedNetns : planNetns)(netns), ...planLoopback(netns)];
}
