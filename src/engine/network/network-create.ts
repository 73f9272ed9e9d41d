/**
 * `network create`: a bridge network of the user's. The definition is written before anything is done to the host: a
 * kill in between leaves one that can be used, or removed again (network-remove.ts).
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { planBridge, planForwarding } from '../../../runtime/network/bridge.ts';
import { planFirewall } from '../../../runtime/network/firewall/backend.ts';
import { readForeignFirewalls } from '../../../runtime/network/firewall/foreign.ts';
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import type { BridgeNetwork, FirewallBackend } from '../../../runtime/network/types.ts';
import { applySteps } from '../../../runtime/plan/apply.ts';
import { NO_JOURNAL } from '../../../runtime/plan/journal.ts';
import type { HostStep, Undo } from '../../../runtime/plan/step.ts';
import { PREDEFINED, withdraw } from './network-remove.ts';
import { faultToInject } from '../state/perform-step.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { networkEvent } from '../state/events/events.ts';
import { writeKeptRecord } from '../state/atomic-file.ts';
import { definitionPath, deleteDefinition, listNetworks, lockNetworks } from '../state/networks.ts';
import { warnOfForeign } from './foreign-warnings.ts';
import { defineNetwork, type NetworkRequest } from './network-request.ts';
import type { Paths } from '../state/paths.ts';

/**
 * @param tell gets the plan before it is carried out, for --explain
 * @throws MinidockError NETWORK_EXISTS, NETWORK_PREDEFINED, BAD_NETWORK, SUBNET_OVERLAPS, NO_SUBNET, STEP_FAILED.
 */
export async function createNetwork(
  paths: Paths,
  request: NetworkRequest,
  tell: (steps: readonly HostStep[], warnings: readonly string[]) => void = () => undefined,
): Promise<BridgeNetwork> {
  const lock = lockNetworks(paths);
  try {
    const { network, steps, warnings } = await planRequested(paths, request);
    tell(steps, warnings);
    writeKeptRecord(definitionPath(paths, network), network);
    try {
      // The undo needs no journal, see withdraw.
      await applySteps(steps, { journal: NO_JOURNAL, ...faultToInject() });
    } catch (error) {
      await withdraw(network);
      deleteDefinition(definitionPath(paths, network));
      throw error;
    }
    recordEvent(paths, networkEvent(network, 'create'));
    return network;
  } finally {
    lock.release();
  }
}

/** Nothing is made or taken. @throws as createNetwork, but for STEP_FAILED. */
export async function planRequested(
  paths: Paths,
  request: NetworkRequest,
): Promise<{
  readonly network: BridgeNetwork;
  readonly steps: readonly HostStep[];
  /** Another firewall drops forwarded packets: a run looks for that only where it makes the bridge. */
  readonly warnings: readonly string[];
}> {
  checkName(request.name);
  if (listNetworks(paths).some(({ name }) => name === request.name)) {
    throw new MinidockError({
      code: 'NETWORK_EXISTS',
      message: `network with name ${request.name} already exists`,
    });
  }
  const network = defineNetwork(paths, request);
  const foreign = await readForeignFirewalls(network.bridge);
  return {
    network,
    steps: planBridgeNetwork(network, request.firewall, foreign),
    warnings: warnOfForeign(foreign, request.firewall, network),
  };
}

type Foreign = Awaited<ReturnType<typeof readForeignFirewalls>>;

/** What a network is, without a container in it. No container's end takes any of it away; the network's own does. */
const planBridgeNetwork = (
  network: BridgeNetwork,
  firewall: FirewallBackend,
  foreign: Foreign,
): readonly HostStep[] => [
  ...planBridge(network, hasIpv6()).map((step): HostStep => ({ ...step, undo: undoOfBridge(step, network) })),
  ...planForwarding(network),
  ...planFirewall({ network, firewall }, foreign).map((step): HostStep =>
    step.id === 'firewall.table' || step.id === 'firewall.loopback'
      ? step
      : { ...step, undo: removal(network) },
  ),
];

const undoOfBridge = ({ id }: HostStep, { bridge }: BridgeNetwork): Undo =>
  id === 'bridge.create'
    ? { kind: 'command', command: { kind: 'run', argv: ['ip', 'link', 'delete', bridge] } }
    : { kind: 'freedBy', step: 'bridge.create' };

const removal = ({ name }: BridgeNetwork): Undo => ({
  kind: 'command',
  command: { kind: 'run', argv: ['minidock', 'network', 'rm', name] },
});

function checkName(name: string): void {
  if (PREDEFINED.includes(name)) {
    throw new MinidockError({
      code: 'NETWORK_PREDEFINED',
      message: `operation is not permitted on predefined ${name} network`,
    });
  }
  if (name.trim() === '' || /\p{Cc}/u.test(name) || name.startsWith('container:')) {
    throw new MinidockError({ code: 'BAD_NETWORK', message: `invalid name for a network: "${name}"` });
  }
}
