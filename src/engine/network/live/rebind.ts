/** Sockets that hold a container's ports, when its way out becomes another network, which may publish at another address. */
import { releasePorts, reservePorts, type HeldPort } from '../../../../runtime/network/ports.ts';
import type { BridgeNetwork, PortBinding } from '../../../../runtime/network/types.ts';
import type { ContainerConfig } from '../../spec/container.ts';
import { movePorts } from '../../spec/published-ports.ts';

/** What the shim holds; changed in place, since it is held whatever becomes of the change. */
export interface Sockets {
  held: readonly HeldPort[];
}

/** `bindings`: as they are; none of a container without a network. Numbers stay. @throws MinidockError as reservePorts. */
export function rebind(
  { spec }: ContainerConfig,
  bindings: readonly PortBinding[],
  network: BridgeNetwork,
  sockets: Sockets,
): readonly PortBinding[] {
  const { ports: wanted, isBound } = movePorts(spec.network.ports, bindings, network);
  const isSame =
    bindings.length === wanted.length &&
    wanted.every(({ hostIp }, index) => hostIp === bindings[index]?.hostIp);
  if (isBound && isSame) return bindings;
  // The old ones are in the way of the new ones: every address of the host, and one of them.
  releasePorts(sockets.held);
  sockets.held = [];
  try {
    const reservation = reservePorts(wanted);
    sockets.held = reservation.held;
    return reservation.bindings;
  } catch (error) {
    sockets.held = reservePorts(bindings).held;
    throw error;
  }
}
