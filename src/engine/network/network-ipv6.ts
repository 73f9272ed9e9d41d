/**
 * The IPv6 half of a new network: what was asked for, checked as Docker checks it and for what could not work, or a
 * block of addresses that nobody has.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import {
  contains6,
  formatCidr6,
  overlaps6,
  parseCidr6,
  sizeOf6,
  type Cidr6,
} from '../../../runtime/network/ipv6/address.ts';
import { formatIpv6, parseIpv6 } from '../../../runtime/syscall/inet.ts';
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import { chooseSubnet6, readRoutes6 } from '../../../runtime/network/ipv6/subnet.ts';
import type { Ipv6Block } from '../../../runtime/network/types.ts';
import { listNetworks } from '../state/networks.ts';
import type { Paths } from '../state/paths.ts';

/** What is asked of one family. */
export interface AddressRequest {
  readonly subnet?: string;
  readonly gateway?: string;
  /** A part of the subnet. */
  readonly range?: string;
  /** Addresses by what they are for. */
  readonly reserved?: Readonly<Record<string, string>>;
}

/** @param id of the network: random digits. @throws MinidockError NO_IPV6, BAD_NETWORK, SUBNET_OVERLAPS, NO_SUBNET. */
export function chosenIpv6(paths: Paths, id: string, request: AddressRequest): Ipv6Block {
  if (!hasIpv6()) {
    throw new MinidockError({
      code: 'NO_IPV6',
      message: 'this host has no IPv6: its kernel was built or booted without (ipv6.disable=1)',
    });
  }
  const { subnet, gateway, range, reserved = {} } = request;
  const others = listNetworks(paths).flatMap(({ ipv6 }) => parseCidr6(ipv6?.subnet ?? '') ?? []);
  if (subnet === undefined) {
    const [stray] = Object.values(reserved);
    if (gateway !== undefined || range !== undefined)
      throw bad('every ip-range or gateway must have a corresponding subnet');
    if (stray !== undefined) throw bad(`no matching subnet for aux-address ${stray}`);
    return chooseSubnet6(id, [...readRoutes6(), ...others]);
  }
  const block = checkedBlock(subnet, others);
  const part = range === undefined ? undefined : rangeIn(block, range);
  const kept = Object.entries(reserved).map(([what, text]) => {
    const address = parseIpv6(text);
    if (address === undefined || !contains6(block, address))
      throw bad(`no matching subnet for aux-address ${text}`);
    return [what, formatIpv6(address)] as const;
  });
  const taken = kept.map(([, address]) => address);
  const chosen = gateway === undefined ? firstIn(block, part, taken) : gatewayIn(block, gateway);
  const clash = kept.find(([, address]) => address === chosen);
  if (clash !== undefined)
    throw bad(`failed to allocate secondary ip address (${clash.join(':')}): Address already in use`);
  return {
    subnet: formatCidr6(block),
    gateway: chosen,
    ...(part === undefined ? {} : { range: formatCidr6(part) }),
    ...(kept.length === 0 ? {} : { reserved: Object.fromEntries(kept) }),
  };
}

const bad = (message: string): MinidockError => new MinidockError({ code: 'BAD_NETWORK', message });

/** A gateway and a container need two addresses besides the first one. */
const LONGEST_PREFIX = 126;
const SHORTEST_PREFIX = 8;

/** Blocks that are no container's, and why. */
const UNUSABLE: readonly (readonly [string, string])[] = [
  ['::/8', 'which is for addresses with a meaning of their own: ::1, and those of IPv4'],
  [
    'fe80::/10',
    'which is link-local: every interface has addresses of it, and no packet of them is forwarded',
  ],
  ['ff00::/8', 'which is multicast: its addresses are of groups, and no host has one'],
];

function checkedBlock(text: string, others: readonly Cidr6[]): Cidr6 {
  const block = parseCidr6(text);
  const invalid = (reason: string): MinidockError =>
    bad(`invalid network config:\ninvalid subnet ${text}: ${reason}`);
  if (block === undefined) throw invalid('invalid CIDR block notation');
  if (parseIpv6(text.split('/')[0] ?? '') !== block.base) throw invalid(`it should be ${formatCidr6(block)}`);
  if (block.prefix > LONGEST_PREFIX || block.prefix < SHORTEST_PREFIX) {
    throw invalid(
      `a bridge network has a prefix length from ${String(SHORTEST_PREFIX)} to ${String(LONGEST_PREFIX)}`,
    );
  }
  const unusable = UNUSABLE.find(([reserved]) => overlaps6(parseCidr6(reserved) as Cidr6, block));
  if (unusable !== undefined) throw invalid(`it overlaps ${unusable[0]}, ${unusable[1]}`);
  if (others.some((other) => overlaps6(other, block))) {
    throw new MinidockError({
      code: 'SUBNET_OVERLAPS',
      message: 'Pool overlaps with other one on this address space',
      hint: "See 'minidock network ls' and 'minidock network inspect', or leave the IPv6 --subnet out.",
    });
  }
  const own = hostAddresses().find(({ address }) => contains6(block, address));
  if (own !== undefined) {
    throw new MinidockError({
      code: 'SUBNET_OVERLAPS',
      message: `Pool overlaps with other one on this address space: ${formatIpv6(own.address)} is the address of ${own.link} on this host`,
      hint: 'With two links to one subnet, this host no longer finds its neighbours. A part of the subnet that is routed to this host can be given (a /80 of a /64).',
    });
  }
  return block;
}

/** Without those of a link alone. */
function hostAddresses(): readonly { readonly link: string; readonly address: bigint }[] {
  const links = process.getBuiltinModule('node:os').networkInterfaces();
  return Object.entries(links).flatMap(([link, addresses = []]) =>
    addresses.flatMap((each) => {
      const address = each.internal ? undefined : parseIpv6(each.address);
      return address === undefined || each.address.startsWith('fe80:') ? [] : [{ link, address }];
    }),
  );
}

function rangeIn(block: Cidr6, text: string): Cidr6 {
  const range = parseCidr6(text);
  if (range === undefined || !contains6(block, range.base) || range.prefix < block.prefix)
    throw bad(`no matching subnet for range ${text}`);
  return range;
}

function gatewayIn(block: Cidr6, text: string): string {
  const address = parseIpv6(text);
  if (address === undefined || !contains6(block, address) || address === block.base)
    throw bad(`no matching subnet for gateway ${text}`);
  return formatIpv6(address);
}

/** As in Docker the gateway is the first address that may be given away. */
function firstIn(block: Cidr6, range: Cidr6 | undefined, taken: readonly string[]): string {
  const from = range ?? block;
  const end = from.base + sizeOf6(from);
  for (let address = from.base === block.base ? block.base + 1n : from.base; address < end; address++) {
    const text = formatIpv6(address);
    if (!taken.includes(text)) return text;
  }
  throw bad(`no address is left for the gateway in ${formatCidr6(from)}`);
}
