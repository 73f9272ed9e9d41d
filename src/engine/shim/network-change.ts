/**
 * A running container is connected to a network, or disconnected, by its shim: it alone writes the container's record and
 * its journal, and holds its ports. So nobody else can be at it, and the container's end, or a kill, finds all there is to
 * be taken back.
 */
import { closeSync } from 'node:fs';
import { takeResolverSockets } from '../../../runtime/network/resolver-sockets.ts';
import { releasePorts, type HeldPort } from '../../../runtime/network/ports.ts';
import { releaseAddress } from '../../../runtime/network/ipam.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import { applySteps } from '../../../runtime/plan/apply.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import type { JournalEntry } from '../../../runtime/plan/journal.ts';
import { holds } from '../../../runtime/plan/perform-host.ts';
import type { HostStep, Step } from '../../../runtime/plan/step.ts';
import { stepTimes } from '../../../runtime/plan/step-span.ts';
import { describeUndo, undoEntries } from '../../../runtime/plan/undo.ts';
import { listenToTrace } from '../../../runtime/trace.ts';
import { noteIfQuiet } from '../network/address-notes.ts';
import { bridgeEndpoints } from '../network/bridge-endpoints.ts';
import { withAddress, withoutAddress } from '../network/live/hosts-lines.ts';
import { planConnect, planDisconnect, wayOutOf, type LiveChange } from '../network/live/live-plan.ts';
import { acquireEndpoint } from '../network/live/acquire-endpoint.ts';
import { networkState, noNetwork } from '../network/make-endpoints.ts';
import { nameResolver } from '../network/live/resolv-conf.ts';
import { announceNames } from '../network/naming.ts';
import { namesOf } from '../network/networking.ts';
import { withRelays } from '../network/relayed-ports.ts';
import { planReleaseOf } from '../network/live/release-address.ts';
import { rebind, type Sockets } from '../network/live/rebind.ts';
import { withEndpoint, withoutEndpoint } from '../network/live/networks-asked.ts';
import { alreadyConnected, notConnected } from '../network/live/connect-errors.ts';
import type { ContainerConfig, ContainerState, NetworkState } from '../spec/container.ts';
import { endpointSpecs, endpointStates, ownAddresses } from '../spec/endpoints.ts';
import { expectedUndos } from '../expected-undos.ts';
import { performFileStep } from '../state/perform-file.ts';
import { writeFileAtomic } from '../state/atomic-file.ts';
import { changeConfig } from '../state/change-config.ts';
import { leasesDir } from '../state/paths.ts';
import { journalPath } from '../undo-run.ts';
import type { NetworkRequest, ShimMessage, WireError } from './client/shim-protocol.ts';
import { toWireError } from './exit.ts';
import { journalOf, type ShimContext } from './context.ts';

/** Returns the ports that are held from then on. An error goes to the client that asked, and nothing has changed. */
export async function changeNetworks(
  parts: ShimContext,
  held: readonly HeldPort[],
  request: NetworkRequest,
  answer: (message: ShimMessage) => void,
): Promise<readonly HeldPort[]> {
  const end = request.explain
    ? listenToTrace((event) => {
        for (const step of stepTimes(event)) answer({ type: 'step', ...step });
      })
    : () => undefined;
  const tell = (steps: readonly Step[], container: string): void => {
    if (request.explain) answer({ type: 'plan', steps, container });
  };
  const sockets: Sockets = { held };
  try {
    if (request.type === 'connect') await connect(parts, sockets, request, tell);
    else await disconnect(parts, sockets, request, tell);
    end();
    answer({ type: 'changed' });
  } catch (error) {
    end();
    answer({ type: 'changed', error: toWire(error) });
  }
  return sockets.held;
}

type Tell = (steps: readonly Step[], container: string) => void;

const toWire = (error: unknown): WireError => ({ ...toWireError(error, ''), exitCode: 1 });

async function connect(
  parts: ShimContext,
  sockets: Sockets,
  { spec, failAt }: Extract<NetworkRequest, { type: 'connect' }>,
  tell: Tell,
): Promise<void> {
  const { store } = parts;
  const { config, state, before } = current(parts);
  if (before.some(({ network }) => network.name === spec.network))
    throw alreadyConnected(config, spec.network);
  const { endpoint, foreign } = await acquireEndpoint(store, config, spec, before);
  const { id } = config;
  const specs = [...endpointSpecs(config.spec.network), spec];
  const directories = namesOf(store.paths, [endpoint]);
  const names = parts.names.handOver() !== undefined || directories.length === 0 ? undefined : directories;
  try {
    await withPorts(parts, sockets, wayOutOf([...before, endpoint], specs)?.network, async (ports) => {
      const change = planConnect(before, endpoint, { specs, ports, foreign, names });
      tell(change.steps, config.name);
      await perform(parts, change, failAt, (network) => {
        store.writeState(id, { ...state, network });
        changeConfig(store, id, (now) => withEndpoint(now, spec));
      });
    });
  } catch (error) {
    for (const address of ownAddresses(endpoint))
      releaseAddress(leasesDir(store.paths), endpoint.network.id, address, id);
    if (names !== undefined) {
      const opened = takeResolverSockets(endpoint.netns);
      for (const fd of opened === undefined ? [] : [opened.udp, opened.tcp]) closeSync(fd);
    }
    throw error;
  }
  if (names !== undefined) {
    const opened = takeResolverSockets(endpoint.netns);
    if (opened !== undefined) parts.names.open(opened);
    nameResolver(store.paths, config);
  }
  announce(parts);
  for (const address of ownAddresses(endpoint)) withAddress(store.paths, config, address);
}

async function disconnect(
  parts: ShimContext,
  sockets: Sockets,
  { network: name, failAt }: Extract<NetworkRequest, { type: 'disconnect' }>,
  tell: Tell,
): Promise<void> {
  const { store } = parts;
  const { paths } = store;
  const { config, state, before } = current(parts);
  const removed = before.find(({ network }) => network.name === name);
  if (removed === undefined) throw notConnected(config, name, 'running');
  const { id } = config;
  const specs = endpointSpecs(config.spec.network);
  const left = before.filter((endpoint) => endpoint !== removed);
  const release = planReleaseOf(paths, id, state.network, removed);
  await withPorts(parts, sockets, wayOutOf(left, specs)?.network, async (ports) => {
    const change = planDisconnect(before, removed, { specs, ports, foreign: [] });
    tell([...change.steps, ...release], config.name);
    // Looked at while the cable is there.
    if (state.network !== undefined) noteIfQuiet(paths, state.network, removed.network.id);
    await perform(parts, change, failAt, (network) => {
      store.writeState(id, { ...state, network });
      changeConfig(store, id, (now) => withoutEndpoint(now, name));
    });
  });
  try {
    for (const step of release) performFileStep(step);
  } finally {
    // It is out of that network, whatever becomes of the file that holds its address.
    announce(parts);
    for (const address of ownAddresses(removed)) withoutAddress(paths, config, address);
  }
}

/** Where ports are published is the affair of the network that is to be the way out; without one they are given up. */
async function withPorts(
  parts: ShimContext,
  sockets: Sockets,
  network: BridgeNetwork | undefined,
  work: (ports: readonly PortBinding[]) => Promise<void>,
): Promise<void> {
  const { config, state } = current(parts);
  const bindings = state.network?.ports ?? [];
  const before = state.network?.network;
  // A relay leads to an address that may not be the container's any more.
  parts.relays.close();
  const ports = network === undefined ? [] : rebind(config, bindings, network, sockets);
  try {
    await work(ports);
    const [wayOut] = endpointStates(current(parts).state.network);
    if (wayOut !== undefined) sockets.held = withRelays(sockets.held, ports, wayOut);
  } catch (error) {
    if (before !== undefined) rebind(config, ports, before, sockets);
    else {
      releasePorts(sockets.held);
      sockets.held = [];
    }
    throw error;
  }
  if (network === undefined) {
    releasePorts(sockets.held);
    sockets.held = [];
  }
}

/** Under which names it is found, and whom it finds. */
function announce(parts: ShimContext): void {
  const { config, state } = current(parts);
  announceNames(parts.store.paths, config, state.network);
}

interface Current {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
  readonly before: readonly BridgeEndpoint[];
}

/** What was asked for may have changed since the shim was started. */
function current({ store, config: { id } }: ShimContext): Current {
  const found = store.read(id);
  if (found?.unreadable !== undefined) throw found.unreadable;
  if (found === undefined) throw new Error(`container ${id} has gone`);
  const { config, state } = found;
  return { config, state, before: bridgeEndpoints(config, state.network) };
}

/**
 * Carries the change out and has it recorded; undoes it if either fails. The container's journal lists what its end takes
 * back: while the change is on its way that is what was added, and then what the container has.
 */
async function perform(
  parts: ShimContext,
  { steps, endpoints }: LiveChange,
  failAt: string | undefined,
  record: (network: NetworkState) => void,
): Promise<void> {
  const { store, config } = parts;
  const journal = journalOf(parts);
  const path = journalPath(store.paths, config.id);
  const done: HostStep[] = [];
  const both = {
    record: (begun: readonly HostStep[]): void => {
      done.push(...begun);
      journal.record(begun.filter(({ id }) => !id.startsWith('port.withdraw') && id !== 'route.default'));
    },
  };
  const listed = (network: NetworkState): string =>
    expectedUndos(store.paths, { config, ran: true, network })
      .map((entry) => `${JSON.stringify(entry)}\n`)
      .join('');
  try {
    await applySteps(steps, { journal: both, ...(failAt === undefined ? {} : { failAt }) });
    const [first, ...more] = endpoints;
    const network = first === undefined ? noNetwork(config) : networkState([first, ...more], first.ports);
    record(network);
    writeFileAtomic(path, listed(network));
  } catch (error) {
    const undone = await undoEntries((await withoutUntouched(done)).reverse().flatMap(entryOf));
    const now = store.readState(config.id).network;
    if (now !== undefined) writeFileAtomic(path, listed(now));
    if (error instanceof StepError && undone.failures.length > 0)
      throw new StepError({ id: error.step, title: 'change of networks' }, error, describeUndo(undone));
    throw error;
  }
}

/** A step is listed before it is done. A rule of iptables that is still there must not be put there again. */
async function withoutUntouched(steps: readonly HostStep[]): Promise<HostStep[]> {
  const touched: HostStep[] = [];
  for (const step of steps) {
    const argv =
      step.undo.kind === 'command' && step.undo.command.kind === 'run' ? step.undo.command.argv : [];
    const [program, ...words] = argv.map((word) => (word === '-A' ? '-C' : word));
    const rule = step.id.startsWith('port.withdraw') && program === 'iptables';
    if (!rule || !(await holds({ kind: 'run', argv: [program, ...words] }))) touched.push(step);
  }
  return touched;
}

const entryOf = ({ id, undo }: HostStep): readonly JournalEntry[] =>
  undo.kind === 'command' ? [{ id, undo: undo.command }] : [];
