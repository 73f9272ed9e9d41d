/**
 * Cables of a container that runs: plugged in, pulled out, and its way out moved from one to another. The steps of a start,
 * with undos of their own: the container's namespace stays, whatever becomes of the change.
 */
import type { HostStep, Undo } from '../plan/step.ts';
import { planDefaultRoute, planDefaultRoute6, planInterface } from './addresses.ts';
import { planBridge, planForwarding } from './bridge.ts';
import { planFirewall, planPorts } from './firewall/backend.ts';
import type { ForeignFirewall } from './firewall/foreign.ts';
import { planFixedRoutes } from './fixed-routes.ts';
import { planFlows } from './flows.ts';
import { NETNS_STEP } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';
import { planVeth } from './veth.ts';

/** What makes the cable, and takes all of it away. */
export const CABLE_STEP = 'veth.create';

export function planPlug(endpoint: BridgeEndpoint, foreign: readonly ForeignFirewall[]): readonly HostStep[] {
  return [
    ...planBridge(endpoint.network, endpoint.ipv6),
    ...planVeth(endpoint).map((step) =>
      step.id === CABLE_STEP ? { ...step, undo: deletion(endpoint) } : step,
    ),
    planFixedRoutes(endpoint),
    ...planInterface(endpoint).flat(),
    ...planForwarding(endpoint.network),
    ...planFirewall(endpoint, foreign),
  ].map((step) =>
    step.undo.kind === 'freedBy' && step.undo.step === NETNS_STEP
      ? { ...step, undo: { kind: 'freedBy', step: CABLE_STEP } }
      : step,
  );
}

const deletion = ({ hostVeth }: BridgeEndpoint): Undo => ({
  kind: 'command',
  command: { kind: 'run', argv: ['ip', 'link', 'delete', hostVeth] },
});

export function planUnplug({ hostVeth, interfaceName, network, netns }: BridgeEndpoint): HostStep {
  return {
    id: 'veth.delete',
    section: 'veth',
    title: `Delete the veth pair of ${interfaceName}`,
    why:
      `With one end of a cable the kernel takes away the other: ${interfaceName}, its address ` +
      `and the routes by it, the container’s end and the port of ${network.bridge}.`,
    without: 'The container stays a neighbour of everyone in the network.',
    command: { kind: 'run', argv: ['ip', 'link', 'delete', hostVeth] },
    undo: { kind: 'none', why: `minidock network connect ${network.name} plugs in a new one` },
    observe: ['ip', '-n', netns, 'address'],
  };
}

/** The default route leads to another gateway; `from` is undefined where there was none. */
export function planGateway(to: BridgeEndpoint, from: BridgeEndpoint | undefined): HostStep {
  const words = (one: BridgeEndpoint): readonly string[] => ['via', one.network.gateway];
  return rerouted(planDefaultRoute(to), to, words(to), from && words(from));
}

/** The same of IPv6, which may have another way out. */
export function planGateway6(to: BridgeEndpoint, from: BridgeEndpoint | undefined): HostStep {
  const words = ({ network, interfaceName }: BridgeEndpoint): readonly string[] => [
    ...['via', network.ipv6?.gateway ?? '', 'dev', interfaceName],
  ];
  return rerouted(planDefaultRoute6(to), to, words(to), from && words(from));
}

function rerouted(
  step: HostStep,
  { netns }: BridgeEndpoint,
  to: readonly string[],
  from: readonly string[] | undefined,
): HostStep {
  const route = (verb: 'replace' | 'delete', words: readonly string[]): HostStep['command'] => ({
    kind: 'run',
    argv: ['ip', '-n', netns, 'route', verb, 'default', ...words],
  });
  return {
    ...step,
    command: route('replace', to),
    undo: { kind: 'command', command: from === undefined ? route('delete', to) : route('replace', from) },
  };
}

/** Ports lead to the address of the new endpoint; neighbouring steps of nft are one transaction. */
export const planMovedPorts = (
  to: BridgeEndpoint | undefined,
  from: BridgeEndpoint | undefined,
): readonly HostStep[] => [
  ...(from === undefined ? [] : planPorts(from).map(withdrawal)),
  ...(to === undefined ? [] : [...planPorts(to), ...planFlows(to)]),
];

/** The way back of a step, as a step. */
function withdrawal(step: HostStep): HostStep {
  if (step.undo.kind !== 'command') throw new Error(`step ${step.id} has no undo`);
  return {
    ...step,
    id: step.id.replace(/^port\.publish/, 'port.withdraw'),
    title: step.title.replace(/^Publish (.*) as (.*)$/, 'Withdraw $1, which led to $2'),
    why: 'The redirection names an address that the container is about to lose, or that is not on its way out any more.',
    without: 'Clients of the port are sent to an address that may be another container’s, and wait in vain.',
    command: step.undo.command,
    undo: { kind: 'command', command: step.command },
  };
}
