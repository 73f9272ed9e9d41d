/**
 * A container on several networks, seen by one of them. Everything that a way is held against (bridge, cable, address,
 * gateway) is of one network; the fields of the container's state are of that one then. In the same way it is seen by
 * one family: of a question about IPv6 the address, the subnet and the gateway are those of IPv6.
 */
import { hasProgram } from '../../engine/spec/container.ts';
import { endpointStates } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';
import type { EndpointState } from '../../engine/spec/container.ts';
import type { Family } from './family.ts';

const networksOf = ({ state }: Container): readonly string[] =>
  endpointStates(state.network).map(({ network }) => network.id);

/** As it is on the network with that id; unchanged if it is not on it. */
function via(container: Container, id: string | undefined): Container {
  const { state } = container;
  const [chosen] = endpointStates(state.network).filter(({ network }) => network.id === id);
  if (state.network === undefined || chosen === undefined) return container;
  const more = endpointStates(state.network).filter((endpoint) => endpoint !== chosen);
  const { interfaceName, ...rest } = state.network;
  void interfaceName;
  return { ...container, state: { ...state, network: { ...rest, ...chosen, more } } };
}

/** By the network in which it has the address. */
export const viaAddress = (container: Container, address: string): Container =>
  via(
    container,
    endpointStates(container.state.network).find((endpoint) => endpoint.address === address)?.network.id,
  );

/** Both by a network that they share, if there is one: neighbours need no gateway. */
export function viaShared(from: Container, to: Container): readonly [Container, Container] {
  const shared = networksOf(from).find((id) => networksOf(to).includes(id));
  return [via(from, shared), via(to, shared)];
}

/** Its addresses '' where it has none of that family. */
export function asFamily(container: Container, family: Family): Container {
  const { state } = container;
  const { network: own } = state;
  if (family === 4 || own?.network === undefined) return container;
  const more = (own.more ?? []).map((endpoint): EndpointState => ({ ...endpoint, ...byIpv6(endpoint) }));
  const network = { ...own, ...byIpv6({ network: own.network, address6: own.address6 }), more };
  return { ...container, state: { ...state, network } };
}

function byIpv6({
  network,
  address6 = '',
}: {
  readonly network: EndpointState['network'];
  readonly address6?: string | undefined;
}): Pick<EndpointState, 'network' | 'address'> {
  const { subnet = '', gateway = '' } = network.ipv6 ?? {};
  return { network: { ...network, subnet, gateway }, address: address6 };
}

export const hasAddress = ({ state }: Container, address: string): boolean =>
  hasProgram(state) && endpointStates(state.network).some((endpoint) => endpoint.address === address);
