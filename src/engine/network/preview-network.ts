/** What acquiring a container's networks would give, with nothing taken: for --dry-run and --script. */
import { MinidockError } from '../../../runtime/errors.ts';
import type { ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import { peekAddress } from '../../../runtime/network/ipam.ts';
import { peekAddress6 } from '../../../runtime/network/ipv6/ipam.ts';
import { releasePorts, reservePorts } from '../../../runtime/network/ports.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import type { ContainerConfig, EndpointSpec, NetworkSpec } from '../spec/container.ts';
import { byGateway, endpointSpecs } from '../spec/endpoints.ts';
import { portsAt } from '../spec/published-ports.ts';
import { previewDefinition } from '../state/networks.ts';
import { leasesDir, type Paths } from '../state/paths.ts';
import type { ContainerStore } from '../state/store.ts';
import type { Attachment } from './attachment.ts';
import { inGatewayOrder, nextEndpoint, toEndpoints, type Leased } from './make-endpoints.ts';
import { refuseMissingFamily } from './missing-family.ts';
import { acquireNetwork, foreignFor, namesOf } from './networking.ts';

/** What acquireNetwork would give now, or what it would throw, keeping nothing: for --dry-run. `taken`: addresses asked for count as free. */
export async function previewNetwork(
  store: ContainerStore,
  config: ContainerConfig,
  ports?: readonly PortBinding[],
  taken = false,
): Promise<Attachment> {
  const specs = endpointSpecs(config.spec.network);
  if (specs.length === 0) return (await acquireNetwork(store, config)).attachment;
  const leased = specs.map((spec): Leased => {
    const network = previewDefinition(store.paths, spec.network);
    return leasedAs(store.paths, spec, network, taken);
  });
  const asked = portsAt(config.spec.network.ports, inGatewayOrder(leased)[0]?.network);
  const [endpoint, ...more] = toEndpoints(config, leased, ports ?? asked);
  const all = [endpoint, ...more];
  return { kind: 'bridge', endpoint, more, foreign: await foreignFor(all), names: namesOf(store.paths, all) };
}

/** `taken`: addresses asked for count as free. */
function leasedAs(paths: Paths, spec: EndpointSpec, network: BridgeNetwork, taken = false): Leased {
  const { ip = '', ip6 = '' } = spec;
  refuseMissingFamily(network, spec);
  const leases = leasesDir(paths);
  const address = taken && ip !== '' ? ip : network.subnet === '' ? '' : peekAddress(leases, network, ip);
  if (network.ipv6 === undefined) return { spec, network, address };
  return {
    ...{ spec, network, address },
    address6: taken && ip6 !== '' ? ip6 : peekAddress6(leases, network, ip6),
  };
}

/**
 * Its host ports as they would be now, held for no longer than it takes to know; as asked for where there are none to
 * have, with what reservePorts throws then.
 */
export function peekPorts(
  paths: Paths,
  { spec: { network } }: ContainerConfig,
): {
  readonly ports: readonly PortBinding[];
  readonly refusal?: MinidockError;
} {
  if (endpointSpecs(network).length === 0) return { ports: [] };
  try {
    const { bindings, held } = reservePorts(portsAt(network.ports, wayOut(paths, network)));
    releasePorts(held);
    return { ports: bindings };
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    return { ports: network.ports, refusal: error };
  }
}

/** Of a container that does not run: the network on which its ports would be published. */
function wayOut(paths: Paths, spec: NetworkSpec): BridgeNetwork | undefined {
  return endpointSpecs(spec)
    .map(({ network, priority }) => ({ network: previewDefinition(paths, network), priority }))
    .toSorted(byGateway)[0]?.network;
}

/** The same, with nothing taken: for --dry-run. */
export async function previewEndpoint(
  store: ContainerStore,
  config: ContainerConfig,
  spec: EndpointSpec,
  others: readonly BridgeEndpoint[],
): Promise<{ readonly endpoint: BridgeEndpoint; readonly foreign: readonly ForeignFirewall[] }> {
  const network = previewDefinition(store.paths, spec.network);
  const endpoint = nextEndpoint(config, leasedAs(store.paths, spec, network), others);
  return { endpoint, foreign: await foreignFor([endpoint]) };
}
