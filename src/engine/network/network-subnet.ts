/** Which subnet a network may be given by hand, `network create --subnet`: what Docker refuses, and what could not work. */
import { MinidockError } from '../../../runtime/errors.ts';
import {
  contains,
  formatCidr,
  formatIpv4,
  overlaps,
  parseCidr,
  parseIpv4,
  sizeOf,
  type Cidr,
} from '../../../runtime/network/ipv4.ts';
import type { Subnet } from '../../../runtime/network/subnet.ts';
import { subnetsOf } from '../state/networks.ts';
import type { Paths } from '../state/paths.ts';

/**
 * Docker's checks, in its order and words, then those that keep this host and the network in working order.
 * @throws MinidockError BAD_NETWORK, SUBNET_OVERLAPS.
 */
export function chosenSubnet(paths: Paths, text: string, gateway: string | undefined): Subnet {
  const block = parseCidr(text);
  const bad = (reason: string): MinidockError =>
    new MinidockError({
      code: 'BAD_NETWORK',
      message: `invalid network config:\ninvalid subnet ${text}: ${reason}`,
    });
  if (block === undefined) throw bad('invalid CIDR block notation');
  if (formatCidr(block) !== text) throw bad(`it should be ${formatCidr(block)}`);
  if (block.prefix > 30 || block.prefix < 8) throw bad('a bridge network has a prefix length from 8 to 30');
  const unusable = UNUSABLE.find(([reserved]) => overlaps(parseCidr(reserved) as Cidr, block));
  if (unusable !== undefined) throw bad(`it overlaps ${unusable[0]}, ${unusable[1]}`);
  const address = gateway === undefined ? block.base + 1 : parseIpv4(gateway);
  const last = block.base + sizeOf(block) - 1;
  if (address === undefined || !contains(block, address) || address === block.base || address === last) {
    throw new MinidockError({
      code: 'BAD_NETWORK',
      message: `no matching subnet for gateway ${gateway ?? ''}`,
    });
  }
  if (subnetsOf(paths).some((other) => overlaps(other, block))) {
    throw new MinidockError({
      code: 'SUBNET_OVERLAPS',
      message: 'Pool overlaps with other one on this address space',
      hint: "See 'minidock network ls' and 'minidock network inspect', or leave --subnet out.",
    });
  }
  const own = hostAddresses().find((each) => contains(block, each.address));
  if (own !== undefined) {
    throw new MinidockError({
      code: 'SUBNET_OVERLAPS',
      message: `Pool overlaps with other one on this address space: ${formatIpv4(own.address)} is the address of ${own.link} on this host`,
      hint: 'With two links to one subnet, this host no longer finds its neighbours. Leave --subnet out for one that is free.',
    });
  }
  return { subnet: text, gateway: formatIpv4(address) };
}

/** Blocks that are no container's, and why. Docker takes them. */
const UNUSABLE: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'which means "this network" (RFC 1122): other systems do not answer to it'],
  ['127.0.0.0/8', 'which is loopback: it never leaves a host, and would hide this one from itself'],
  ['224.0.0.0/4', 'which is multicast: its addresses are of groups, and no host has one'],
  ['255.255.255.255/32', 'which is broadcast, to all hosts of whatever link'],
];

function hostAddresses(): readonly { readonly link: string; readonly address: number }[] {
  const links = process.getBuiltinModule('node:os').networkInterfaces();
  return Object.entries(links).flatMap(([link, addresses = []]) =>
    addresses.flatMap((each) => {
      const address = parseIpv4(each.address);
      return address === undefined ? [] : [{ link, address }];
    }),
  );
}
