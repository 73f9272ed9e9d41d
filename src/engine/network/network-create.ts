/**
 * `network create` and `network rm`: a bridge network of the user's. The definition is written before anything is
 * done to the host, and removed after everything is undone: a kill in between leaves one that can be used, or removed
 * again. A network that containers run in stays; the leases of their addresses say which.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { planBridge, planForwarding } from '../../../runtime/network/bridge.ts';
import { networkParts, planFirewall } from '../../../runtime/network/firewall/backend.ts';
import { readForeignFirewalls } from '../../../runtime/network/firewall/foreign.ts';
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import type { BridgeNetwork, FirewallBackend } from '../../../runtime/network/types.ts';
import { applySteps } from '../../../runtime/plan/apply.ts';
import { NO_JOURNAL } from '../../../runtime/plan/journal.ts';
import { holds } from '../../../runtime/plan/perform-host.ts';
import type { HostStep, Undo } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { undoCommand } from '../../../runtime/plan/undo.ts';
import { faultToInject } from '../state/perform-step.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { networkEvent } from '../state/events/events.ts';
import { writeKeptRecord } from '../state/atomic-file.ts';
import { DEFAULT_NETWORK } from '../spec/endpoints.ts';
import {
  definitionPath,
  deleteDefinition,
  findNetwork,
  listNetworks,
  lockNetworks,
  noSuchNetwork,
} from '../state/networks.ts';
import { defineNetwork, type NetworkRequest } from './network-request.ts';
import { cablesDir, dnsDir, leasesDir, type Paths } from '../state/paths.ts';

export const PREDEFINED = [DEFAULT_NETWORK, 'host', 'none', 'default'];

/**
 * @param tell gets the plan before it is carried out, for --explain
 * @throws MinidockError NETWORK_EXISTS, NETWORK_PREDEFINED, BAD_NETWORK, SUBNET_OVERLAPS, NO_SUBNET, STEP_FAILED.
 */
export async function createNetwork(
  paths: Paths,
  request: NetworkRequest,
  tell: (steps: readonly HostStep[]) => void = () => undefined,
): Promise<BridgeNetwork> {
  const lock = lockNetworks(paths);
  try {
    const { network, steps } = await planRequested(paths, request);
    tell(steps);
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
): Promise<{ readonly network: BridgeNetwork; readonly steps: readonly HostStep[] }> {
  checkName(request.name);
  if (listNetworks(paths).some(({ name }) => name === request.name)) {
    throw new MinidockError({
      code: 'NETWORK_EXISTS',
      message: `network with name ${request.name} already exists`,
    });
  }
  const network = defineNetwork(paths, request);
  const foreign = await readForeignFirewalls(network.bridge);
  return { network, steps: planBridgeNetwork(network, request.firewall, foreign) };
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

/** The network that was removed. @throws MinidockError NO_SUCH_NETWORK, NETWORK_PREDEFINED, NETWORK_IN_USE. */
export async function removeNetwork(paths: Paths, reference: string): Promise<BridgeNetwork> {
  if (PREDEFINED.includes(reference) && reference !== 'default') throw predefined(reference);
  const lock = lockNetworks(paths);
  try {
    const network = findNetwork(paths, reference);
    if (network === undefined) throw noSuchNetwork(reference);
    if (network.name === DEFAULT_NETWORK) throw predefined(network.name);
    if (endpointsOf(paths, network).length > 0) {
      throw new MinidockError({
        code: 'NETWORK_IN_USE',
        message: `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
        hint: `Stop the containers in it first: minidock ps --filter network=${network.name}`,
      });
    }
    const failures = await withdraw(network);
    if (failures.length > 0) {
      throw new MinidockError({
        code: 'NETWORK_NOT_REMOVED',
        message: `error while removing network ${network.name}: ${failures.join('; ')}`,
        hint: 'The network is still listed: fix that, then remove it again.',
      });
    }
    for (const dir of [leasesDir(paths), cablesDir(paths), dnsDir(paths)]) {
      rmSync(join(dir, network.id), { recursive: true, force: true });
    }
    deleteDefinition(definitionPath(paths, network));
    recordEvent(paths, networkEvent(network, 'destroy'));
    return network;
  } finally {
    lock.release();
  }
}

const predefined = (name: string): MinidockError =>
  new MinidockError({
    code: 'NETWORK_PREDEFINED',
    message: `${name} is a pre-defined network and cannot be removed`,
  });

/** Addresses that are leased. */
function endpointsOf(paths: Paths, { id }: BridgeNetwork): readonly string[] {
  try {
    return readdirSync(join(leasesDir(paths), id)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Removes everything of it from the host, continues after failures and reports them; missing counts as removed. */
async function withdraw(network: BridgeNetwork): Promise<readonly string[]> {
  const failures: string[] = [];
  const takeAway = async (argv: Argv): Promise<void> => {
    const failure = await undoCommand({ kind: 'run', argv });
    if (failure !== undefined) failures.push(failure);
  };
  for (const { check, remove } of networkParts(network)) {
    if (check === undefined || (await holds({ kind: 'run', argv: check }))) await takeAway(remove);
  }
  await takeAway(['ip', 'link', 'delete', network.bridge]);
  return failures;
}
