/** Sockets that hold a container's ports, when its way out becomes another network, which may publish at another address. */
import { releasePorts, reservePorts, type HeldPort } from '../../../../runtime/network/ports.ts';
import type { BridgeNetwork, PortBinding } from '../../../../runtime/network/types.ts';
import type { ContainerConfig } from '../../spec/container.ts';
import { portsAt } from '../networking.ts';

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
  const asked = portsAt(spec.network.ports, network);
  // A port may be bound once before, and twice then: for both families. The number is that of the first.
  const firsts = bindings.filter((binding, index) => !follows(binding, bindings[index - 1]));
  const isBound = firsts.length === asked.filter((port) => port.follows !== true).length;
  let at = -1;
  const wanted = asked.map((port) => {
    if (port.follows !== true) at += 1;
    return { ...port, hostPort: firsts[at]?.hostPort ?? port.hostPort };
  });
  const isSame =
    bindings.length === wanted.length &&
    wanted.every(({ hostIp }, index) => hostIp === bindings[index]?.hostIp);
  if (isBound && isSame) return bindings;
  // The old ones are in the way of the new ones: every address of the host, and one of them.
  releasePorts(sockets.held);
  sockets.held = [];
  try {
    const reservation = reservePorts(isBound ? wanted.map(withoutRange) : asked);
    sockets.held = reservation.held;
    return reservation.bindings;
  } catch (error) {
    sockets.held = reservePorts(bindings).held;
    throw error;
  }
}

const follows = (one: PortBinding, before: PortBinding | undefined): boolean =>
  one.hostIp === '::' &&
  before?.hostIp === '0.0.0.0' &&
  one.hostPort === before.hostPort &&
  one.containerPort === before.containerPort &&
  one.protocol === before.protocol;

/** Once chosen, a port of a range is that port. */
const withoutRange = ({ hostIp, hostPort, containerPort, protocol }: PortBinding): PortBinding => ({
  ...{ hostIp, hostPort, containerPort, protocol },
});
