/** Which of a container's ports need a relay, since no rule leads their clients to it: see relay/main.ts. */
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import type { HeldPort } from '../../../runtime/network/ports.ts';
import type { BridgeEndpoint, PortBinding } from '../../../runtime/network/types.ts';

/** `bindings` in the order of `held`. */
export const withRelays = (
  held: readonly HeldPort[],
  bindings: readonly PortBinding[],
  endpoint: Pick<BridgeEndpoint, 'address' | 'address6' | 'network'>,
): readonly HeldPort[] =>
  held.map(({ fd, protocol }, index) => {
    const binding = bindings[index];
    const address = binding && relayTo(binding, endpoint);
    return address === undefined
      ? { fd, protocol }
      : { fd, protocol, relay: { address, port: binding?.containerPort ?? 0 } };
  });

/** The ports that have one. */
export const relayedPorts = (
  endpoint: Pick<BridgeEndpoint, 'address' | 'address6' | 'network' | 'ports'>,
): readonly PortBinding[] => endpoint.ports.filter((binding) => relayTo(binding, endpoint) !== undefined);

/** Ports of IPv4 are redirected for every client, and those of IPv6 for most; of a routed network for none. */
function relayTo(
  { hostIp }: PortBinding,
  { address, address6, network }: Pick<BridgeEndpoint, 'address' | 'address6' | 'network'>,
): string | undefined {
  if (!isIpv6Text(hostIp)) return address === '' ? address6 : undefined;
  if (network.ipv6?.mode === 'routed' && hostIp !== '::1') return undefined;
  return address6 ?? address;
}
