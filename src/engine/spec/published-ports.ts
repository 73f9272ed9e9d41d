/**
 * On which addresses of the host a container's ports are bound. `-p 80:80` says none: then the network that they are
 * published on says one, or it is every address, of both families where the host has both. Clients of the family that
 * the container does not have are relayed.
 *
 * So a port that was asked for once may be bound twice; `follows` marks the second one, which has the first one's number.
 */
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import type { BridgeNetwork, PortBinding, PortRequest } from '../../../runtime/network/types.ts';

const EVERY_ADDRESS = '0.0.0.0';
const EVERY_ADDRESS6 = '::';

type Place = Pick<BridgeNetwork, 'publishAt' | 'ipv6' | 'subnet'>;

/** `network`: the one that the ports are published on. */
export const portsAt = (ports: readonly PortRequest[], network: Place | undefined): readonly PortRequest[] =>
  network === undefined || (network.publishAt === undefined && network.ipv6 === undefined && !hasIpv6())
    ? ports
    : ports.flatMap((port) =>
        port.hostIp === EVERY_ADDRESS && port.everyAddress !== true ? atEveryAddress(port, network) : [port],
      );

function atEveryAddress(port: PortRequest, { publishAt, subnet }: Place): readonly PortRequest[] {
  if (publishAt !== undefined) return [{ ...port, hostIp: publishAt }];
  const { hostPortEnd, ...one } = port;
  void hostPortEnd;
  return subnet === ''
    ? [{ ...port, hostIp: EVERY_ADDRESS6 }]
    : [port, { ...one, hostIp: EVERY_ADDRESS6, follows: true }];
}

export interface Moved {
  readonly ports: readonly PortRequest[];
  /** Each has a number already; without it `bindings` were none, or not of these ports. */
  readonly isBound: boolean;
}

/** Ports that are bound as `bindings`, on another network: their numbers stay. */
export function movePorts(
  ports: readonly PortRequest[],
  bindings: readonly PortBinding[],
  network: Place | undefined,
): Moved {
  const asked = portsAt(ports, network);
  const firsts = bindings.filter((binding, index) => !isSecond(binding, bindings[index - 1]));
  const isBound = firsts.length === asked.filter(({ follows }) => follows !== true).length;
  if (!isBound) return { ports: asked, isBound };
  return { ports: numbered(asked, (_, index) => firsts[index]?.hostPort), isBound };
}

/** Each with the number that `numberOf` knows, which is asked for the first of both families; once known, a port of a range is that port. */
export function numbered(
  asked: readonly PortRequest[],
  numberOf: (port: PortRequest, index: number) => number | undefined,
): readonly PortRequest[] {
  let index = -1;
  let last: number | undefined;
  return asked.map((port) => {
    if (port.follows !== true) {
      index += 1;
      last = numberOf(port, index);
    }
    const { hostPortEnd, ...one } = port;
    void hostPortEnd;
    return last === undefined ? port : { ...one, hostPort: last };
  });
}

const isSecond = (one: PortBinding, before: PortBinding | undefined): boolean =>
  one.hostIp === EVERY_ADDRESS6 &&
  before?.hostIp === EVERY_ADDRESS &&
  one.hostPort === before.hostPort &&
  one.containerPort === before.containerPort &&
  one.protocol === before.protocol;
