/**
 * The networks of a container: what was asked for of each (EndpointSpec), what it has of each while it runs
 * (EndpointState), and which of them is the way out. Records of older versions, which knew one network, read as lists
 * of one.
 */
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import { CONTAINER_INTERFACE } from '../../../runtime/network/names.ts';
import {
  isBridged,
  type EndpointSpec,
  type EndpointState,
  type NetworkSpec,
  type NetworkState,
} from './container.ts';

/** A container is on it unless another one is asked for. */
export const DEFAULT_NETWORK = 'bridge';

/** In the order in which they were asked for. Empty without a network of its own. */
export function endpointSpecs({
  mode,
  endpoints,
  ip = '',
  macAddress = '',
}: NetworkSpec): readonly EndpointSpec[] {
  if (endpoints !== undefined) return endpoints;
  if (!isBridged(mode)) return [];
  return [{ network: mode, ...(ip === '' ? {} : { ip }), ...(macAddress === '' ? {} : { macAddress }) }];
}

/** The one with the default route first. */
export function endpointStates(state: NetworkState | undefined): readonly EndpointState[] {
  if (state?.network === undefined) return [];
  const { network, address, address6, macAddress, hostVeth, interfaceName, more = [] } = state;
  const own = { network, address, ...(address6 === undefined ? {} : { address6 }), macAddress, hostVeth };
  return [interfaceName === undefined ? own : { ...own, interfaceName }, ...more];
}

/** Of both families, as far as it has them. */
export const ownAddresses = ({
  address,
  address6,
}: Pick<EndpointState, 'address' | 'address6'>): readonly string[] => [
  ...(address === '' ? [] : [address]),
  ...(address6 === undefined ? [] : [address6]),
];

export const interfaceOf = ({
  interfaceName = CONTAINER_INTERFACE,
}: Pick<EndpointState, 'interfaceName'>): string => interfaceName;

/** What was asked for of a network; older versions kept an id by which it was named. */
export const specFor = (
  specs: readonly EndpointSpec[],
  { name, id }: Pick<BridgeNetwork, 'name' | 'id'>,
): EndpointSpec | undefined =>
  specs.find(({ network }) => network === name) ??
  specs.find(({ network }) => network !== '' && id.startsWith(network));

export interface Route {
  readonly network: Pick<BridgeNetwork, 'name' | 'internal'>;
  readonly priority?: number | undefined;
}

/**
 * Docker's order: an internal network leads nowhere, then the higher priority counts, then the name. The first one has
 * the default route.
 */
export function byGateway(one: Route, other: Route): number {
  const inside = (route: Route): number => Number(route.network.internal ?? false);
  return (
    inside(one) - inside(other) ||
    (other.priority ?? 0) - (one.priority ?? 0) ||
    (one.network.name < other.network.name ? -1 : 1)
  );
}
