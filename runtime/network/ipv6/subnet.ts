/**
 * Which block of IPv6 addresses a new network gets: a /64 of fd00::/8, whose next 40 bits are random (RFC 4193), clear
 * of everything this host routes to. Nobody else has that block, so two hosts, or a host and a VPN, do not clash.
 */
import { existsSync, readFileSync } from 'node:fs';
import { MinidockError } from '../../errors.ts';
import { formatCidr6, overlaps6, parseCidr6, type Cidr6 } from './address.ts';
import { formatIpv6, parseIpv6 } from '../../syscall/inet.ts';

const DIGITS = 10;
/** Routes wider than this say "everything", or all of fd00::/8. */
const WIDEST_ROUTE_THAT_COUNTS = 9;

/** @param random hexadecimal digits, the network's id, in which the first block that is free is found */
export function chooseSubnet6(
  random: string,
  taken: readonly Cidr6[],
): { readonly subnet: string; readonly gateway: string } {
  const routes = taken.filter(({ prefix }) => prefix >= WIDEST_ROUTE_THAT_COUNTS);
  for (let at = 0; at + DIGITS <= random.length; at += DIGITS) {
    const digits = random.slice(at, at + DIGITS);
    const block = parseCidr6(`fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6)}::/64`);
    if (block === undefined || routes.some((route) => overlaps6(route, block))) continue;
    return { subnet: formatCidr6(block), gateway: formatIpv6(block.base + 1n) };
  }
  throw new MinidockError({
    code: 'NO_SUBNET',
    message:
      'could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network',
    hint: "Routes of this host cover fd00::/8: see 'ip -6 route show table all', or choose a subnet by hand.",
  });
}

const ROUTES = '/proc/net/ipv6_route';

export const readRoutes6 = (): readonly Cidr6[] =>
  existsSync(ROUTES) ? parseRoutes6(readFileSync(ROUTES, 'utf8')) : [];

/** A line begins with the destination in 32 digits and its prefix length in two. */
export const parseRoutes6 = (text: string): readonly Cidr6[] =>
  text.split('\n').flatMap((line) => {
    const [, digits = '', length = ''] = /^([0-9a-f]{32}) ([0-9a-f]{2}) /.exec(line) ?? [];
    const base = parseIpv6(digits.replace(/(.{4})(?=.)/g, '$1:'));
    return base === undefined ? [] : [{ base, prefix: Number.parseInt(length, 16) }];
  });
