/**
 * Which block of addresses a new bridge network gets: the first of Docker's default pools that is clear of
 * everything this host routes to already. A block that overlaps a route would cut the host off from whatever is
 * behind it (an office VPN, a cloud's metadata service), or the containers from it.
 *
 * What the host routes to is read from /proc/net/fib_trie: all tables, policy routing and interfaces that are down
 * included, in the network namespace of the reader, without starting a program.
 */
import { readFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { parseResolvConf } from './resolv.ts';
import { contains, formatCidr, formatIpv4, overlaps, parseCidr, parseIpv4, type Cidr } from './ipv4.ts';

/** 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20: Docker's, in Docker's order. */
export const defaultPools = (): readonly Cidr[] => [
  ...Array.from({ length: 15 }, (_, index) => ({
    base: ((172 << 24) | ((17 + index) << 16)) >>> 0,
    prefix: 16,
  })),
  ...Array.from({ length: 16 }, (_, index) => ({
    base: ((192 << 24) | (168 << 16) | (index << 12)) >>> 0,
    prefix: 20,
  })),
];

/** Routes wider than this say "everything": the default route, or the halves 0.0.0.0/1 and 128.0.0.0/1 of a VPN. */
const WIDEST_ROUTE_THAT_COUNTS = 8;

export interface Subnet {
  /** '172.17.0.0/16' */
  readonly subnet: string;
  /** Its first address: '172.17.0.1'. */
  readonly gateway: string;
}

/**
 * @param routes everything the host routes to, see readRoutes
 * @param addresses single addresses to keep clear of as well: name servers, which a VPN may reach by a wide route
 */
export function chooseSubnet(
  routes: readonly Cidr[] = readRoutes(),
  addresses: readonly string[] = readNameservers(),
): Subnet {
  const taken = routes.filter((route) => route.prefix >= WIDEST_ROUTE_THAT_COUNTS);
  const keepClear = addresses.map(parseIpv4).filter((address) => address !== undefined);
  const free = defaultPools().find(
    (pool) =>
      !taken.some((route) => overlaps(pool, route)) && !keepClear.some((address) => contains(pool, address)),
  );
  if (free === undefined) {
    throw new MinidockError({
      code: 'NO_SUBNET',
      message:
        'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      hint: "Routes of this host cover 172.17.0.0/12 and 192.168.0.0/16: see 'ip route show table all'.",
    });
  }
  return { subnet: formatCidr(free), gateway: formatIpv4(free.base + 1) };
}

export function readRoutes(): readonly Cidr[] {
  return parseFibTrie(readFileSync('/proc/net/fib_trie', 'utf8'));
}

function readNameservers(): readonly string[] {
  try {
    return parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8')).nameservers;
  } catch {
    return []; // no such file, or not for us: then there is no name server to keep clear of
  }
}

/**
 * A leaf of the trie is an address on a line of its own, followed by a line for each route that starts there:
 * `|-- 192.0.2.0` then `/24 link UNICAST`. Inner nodes (`+-- 192.0.2.0/24 2 0 1`) are not routes.
 */
export function parseFibTrie(text: string): readonly Cidr[] {
  const routes = new Map<string, Cidr>();
  let leaf = '';
  for (const line of text.split('\n')) {
    const address = /^\s*\|-- (\S+)$/.exec(line)?.[1];
    if (address !== undefined) leaf = address;
    const prefix = /^\s*\/(\d+) \S+ [A-Z]/.exec(line)?.[1];
    const route = prefix === undefined ? undefined : parseCidr(`${leaf}/${prefix}`);
    if (route !== undefined) routes.set(formatCidr(route), route);
  }
  return [...routes.values()];
}
