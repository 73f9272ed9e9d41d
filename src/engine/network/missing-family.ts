/** What cannot be had of a network that lacks IPv6, or IPv4. */
import { MinidockError } from '../../../runtime/errors.ts';
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import type { EndpointSpec } from '../spec/container.ts';

type Family = Pick<BridgeNetwork, 'name' | 'subnet'> & { readonly ipv6?: BridgeNetwork['ipv6'] | undefined };

/** @throws MinidockError ADDRESS_OUTSIDE_SUBNET, in Docker's words. */
export function refuseMissingFamily({ name, subnet, ipv6 }: Family, { ip, ip6 }: EndpointSpec): void {
  const missing = ip6 !== undefined && ipv6 === undefined ? 'IPv6' : undefined;
  const lacks = missing ?? (ip !== undefined && ip !== '' && subnet === '' ? 'IPv4' : undefined);
  if (lacks === undefined) return;
  throw new MinidockError({
    code: 'ADDRESS_OUTSIDE_SUBNET',
    message:
      `invalid config for network ${name}: invalid endpoint settings:\n` +
      `no configured subnet or ip-range contain the IP address ${(lacks === 'IPv6' ? ip6 : ip) ?? ''}`,
    exitCode: 125,
    hint: `The network '${name}' has no ${lacks}.`,
  });
}
