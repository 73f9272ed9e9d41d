/**
 * A container on several networks, seen by one of them. Everything that a way is held against (bridge, cable, address,
 * gateway) is of one network; the fields of the container's state are of that one then.
 */
import { hasProgram } from '../../engine/spec/container.ts';
import { endpointStates } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';

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

export const hasAddress = ({ state }: Container, address: string): boolean =>
  hasProgram(state) && endpointStates(state.network).some((endpoint) => endpoint.address === address);
