/** Cables of a container out of networks and addresses: which of them is the way out, what their ends are called. Pure. */
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import { macFromAddress } from '../../../runtime/network/mac.ts';
import { CONTAINER_INTERFACE, hostVethName, interfaceAt, netnsName } from '../../../runtime/network/names.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import type { ContainerConfig, EndpointSpec, EndpointState, NetworkState } from '../spec/container.ts';
import { byGateway } from '../spec/endpoints.ts';
import { randomHex } from '../spec/ids.ts';

/** A network that a container is about to be attached to, with its address there. */
export interface Leased {
  readonly spec: EndpointSpec;
  readonly network: BridgeNetwork;
  readonly address: string;
  /** Absent on a network without IPv6. */
  readonly address6?: string | undefined;
}

/** The way out first, as eth0. */
export function toEndpoints(
  config: ContainerConfig,
  leased: readonly Leased[],
  ports: readonly PortBinding[],
): readonly [BridgeEndpoint, ...BridgeEndpoint[]] {
  const cables = new Set<string>();
  const endpoints = inGatewayOrder(leased).map((one, index) => {
    const endpoint = toEndpoint(config, one, interfaceAt(index), index === 0 ? ports : [], cables);
    cables.add(endpoint.hostVeth);
    return endpoint;
  });
  return endpoints as unknown as readonly [BridgeEndpoint, ...BridgeEndpoint[]];
}

export const inGatewayOrder = (leased: readonly Leased[]): readonly Leased[] =>
  leased.length === 1
    ? leased
    : leased.toSorted((one, other) =>
        byGateway(
          { network: one.network, priority: one.spec.priority },
          { network: other.network, priority: other.spec.priority },
        ),
      );

/** `cables`: names that others of the container's cables have. */
function toEndpoint(
  config: ContainerConfig,
  { spec, network, address, address6 }: Leased,
  interfaceName: string,
  ports: readonly PortBinding[],
  cables: ReadonlySet<string>,
): BridgeEndpoint {
  let hostVeth: string;
  do hostVeth = hostVethName(config.id, randomHex(2));
  while (cables.has(hostVeth));
  return {
    containerId: config.id,
    netns: netnsName(config.id),
    network,
    address,
    ...(address6 === undefined ? {} : { address6 }),
    macAddress: spec.macAddress ?? macFromAddress(address, address6),
    hostVeth,
    interfaceName,
    ports,
    firewall: config.spec.network.firewall,
    ipv6: hasIpv6(),
  };
}

/** Its interface is numbered behind those that are there. */
export function nextEndpoint(
  config: ContainerConfig,
  leased: Leased,
  others: readonly BridgeEndpoint[],
): BridgeEndpoint {
  const numbers = others.map(({ interfaceName }) => Number(/\d+$/.exec(interfaceName)?.[0] ?? 0));
  const cables = new Set(others.map(({ hostVeth }) => hostVeth));
  return toEndpoint(config, leased, interfaceAt(Math.max(-1, ...numbers) + 1), [], cables);
}

/** Of a container that is attached to nothing, but could be. */
export const noNetwork = ({ id }: Pick<ContainerConfig, 'id'>): NetworkState => detached(netnsName(id));

/** What is kept of them: the first one is the way out. */
export function networkState(
  [first, ...others]: readonly [BridgeEndpoint, ...BridgeEndpoint[]],
  ports: readonly PortBinding[],
): NetworkState {
  const more = others.map(toState);
  return { ...toState(first), netns: first.netns, ports, ...(more.length === 0 ? {} : { more }) };
}

const toState = ({
  network,
  address,
  address6,
  macAddress,
  hostVeth,
  interfaceName,
}: BridgeEndpoint): EndpointState => ({
  ...{ network, address, macAddress, hostVeth },
  ...(address6 === undefined ? {} : { address6 }),
  ...(interfaceName === CONTAINER_INTERFACE ? {} : { interfaceName }),
});

export function detached(netns: string): NetworkState {
  return { network: undefined, netns, address: '', macAddress: '', hostVeth: '', ports: [] };
}
