/**
 * Addresses for a client that does not exist: of blocks that are reserved for benchmarks (RFC 2544, RFC 5180) and
 * documentation (RFC 5737, RFC 3849), which only the default route leads to.
 */
import {
  contains,
  formatIpv4,
  overlaps,
  parseCidr,
  parseIpv4,
  type Cidr,
} from '../../../../runtime/network/ipv4.ts';
import { overlaps6, parseCidr6, type Cidr6 } from '../../../../runtime/network/ipv6/address.ts';
import { formatIpv6, isIpv6Text } from '../../../../runtime/syscall/inet.ts';
import type { IpRoute } from '../../host/ip.ts';
import type { Family } from '../family.ts';

export interface ClientNetwork {
  readonly host: string;
  readonly client: string;
}

const NOBODYS = ['198.18.0.0/15', '203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24'];
const NOBODYS6 = ['2001:2::/48', '2001:db8::/32'];
/** Subnets of a block that are tried. */
const MOST = 4096n;

/** Two neighbouring addresses, '' where routes lead to all of them. */
export const chooseClientNetwork = (routes: readonly IpRoute[], family: Family): ClientNetwork =>
  (family === 6 ? chooseOf6(routes) : chooseOf4(routes)) ?? { host: '', client: '' };

function chooseOf4(routes: readonly IpRoute[]): ClientNetwork | undefined {
  const taken = routes.flatMap(({ dst }): readonly Cidr[] => {
    const alone = parseIpv4(dst);
    const block = alone === undefined ? parseCidr(dst) : { base: alone, prefix: 32 };
    // A VPN may write its default route as two halves.
    return block === undefined || block.prefix <= 1 ? [] : [block];
  });
  for (const all of NOBODYS.map(parseCidr)) {
    if (all === undefined) continue;
    for (let base = all.base; contains(all, base); base += 4) {
      if (taken.some((block) => overlaps(block, { base, prefix: 30 }))) continue;
      return { host: formatIpv4(base + 1), client: formatIpv4(base + 2) };
    }
  }
  return undefined;
}

function chooseOf6(routes: readonly IpRoute[]): ClientNetwork | undefined {
  const taken = routes.flatMap(({ dst }): readonly Cidr6[] => {
    const block = parseCidr6(dst.includes('/') ? dst : `${dst}/128`);
    // Half of all addresses, or all global ones (2000::/3), is a default route.
    return !isIpv6Text(dst) || block === undefined || block.prefix <= 3 ? [] : [block];
  });
  for (const all of NOBODYS6.map(parseCidr6)) {
    if (all === undefined) continue;
    for (let at = 0n; at < MOST; at++) {
      const base = all.base + (at << 64n);
      if (taken.some((block) => overlaps6(block, { base, prefix: 64 }))) continue;
      return { host: formatIpv6(base + 1n), client: formatIpv6(base + 2n) };
    }
  }
  return undefined;
}
