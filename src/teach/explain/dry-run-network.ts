/** `--dry-run` of `network connect` and `disconnect`: the steps that the container's shim would do. */
import { bridgeEndpoints } from '../../engine/network/bridge-endpoints.ts';
import { alreadyConnected } from '../../engine/network/live/connect-errors.ts';
import { connectedNetwork, refuseConnect } from '../../engine/life/connect-network.ts';
import type { BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import { planConnect, planDisconnect, wayOutOf } from '../../engine/network/live/live-plan.ts';
import { planReleaseOf } from '../../engine/network/live/release-address.ts';
import { hasNames } from '../../engine/network/naming.ts';
import { namesOf } from '../../engine/network/networking.ts';
import { peekPorts, previewEndpoint } from '../../engine/network/preview-network.ts';
import { hasProgram, type EndpointSpec } from '../../engine/spec/container.ts';
import { endpointSpecs } from '../../engine/spec/endpoints.ts';
import { movePorts } from '../../engine/spec/published-ports.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { ExplainHow } from './how.ts';
import { printSteps, sayNothing } from './step-printer.ts';

export async function printConnect(
  store: ContainerStore,
  container: Container,
  spec: EndpointSpec,
  how: ExplainHow,
): Promise<void> {
  const { config, state } = container;
  refuseConnect(container, spec);
  if (!hasProgram(state)) return sayStopped(container, how);
  const before = bridgeEndpoints(config, state.network);
  if (before.some(({ network }) => network.name === spec.network))
    throw alreadyConnected(config, spec.network);
  const { endpoint, foreign } = await previewEndpoint(store, config, spec, before);
  const specs = [...endpointSpecs(config.spec.network), spec];
  const out = wayOutOf([...before, endpoint], specs)?.network;
  const named = hasNames(state.network) || namesOf(store.paths, [endpoint]).length === 0;
  const names = named ? undefined : namesOf(store.paths, [endpoint]);
  const ports = before.length === 0 ? peekPorts(store.paths, config).ports : moved(container, out);
  await printSteps(planConnect(before, endpoint, { specs, ports, foreign, names }).steps, how);
}

export async function printDisconnect(
  store: ContainerStore,
  container: Container,
  reference: string,
  how: ExplainHow,
): Promise<void> {
  const { config, state } = container;
  const name = connectedNetwork(store, container, reference);
  if (!hasProgram(state)) return sayStopped(container, how);
  const before = bridgeEndpoints(config, state.network);
  const removed = before.find(({ network }) => network.name === name);
  if (removed === undefined) throw new Error(`${name} is not among the networks of ${config.name}`);
  const specs = endpointSpecs(config.spec.network);
  const left = before.filter((endpoint) => endpoint !== removed);
  const out = wayOutOf(left, specs)?.network;
  const wanted = { specs, ports: out === undefined ? [] : moved(container, out), foreign: [] };
  await printSteps(
    [
      ...planDisconnect(before, removed, wanted).steps,
      ...planReleaseOf(store.paths, config.id, state.network, removed),
    ],
    how,
  );
}

/** The numbers stay. */
const moved = ({ config, state }: Container, network: BridgeNetwork | undefined): readonly PortBinding[] =>
  movePorts(config.spec.network.ports, state.network?.ports ?? [], network).ports;

const sayStopped = ({ config }: Container, how: ExplainHow): void =>
  sayNothing(stdout, how, `${config.name} does not run; the network is noted for its next start`);
