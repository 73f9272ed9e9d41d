/**
 * IPv6 addresses of a network, leased as IPv4 ones are (../ipam.ts): a file named after the address, in its one form.
 * They go out from the lowest, as Docker's do, so that a container often gets the last digits of its IPv4 address.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../errors.ts';
import { leaseOne, namesIn, ownerOf, type Lease } from '../ipam.ts';
import { hasIpv6 } from './keep-off.ts';
import type { BridgeNetwork } from '../types.ts';
import { contains6, parseCidr6, sizeOf6, type Cidr6 } from './address.ts';
import { formatIpv6, parseIpv6 } from '../../syscall/inet.ts';

/** As acquireAddress, with the same errors; of a network that has IPv6. */
export function acquireAddress6(
  leasesDir: string,
  network: BridgeNetwork,
  owner: string,
  requested = '',
  isUsed: (address: string) => boolean = () => false,
): string {
  refuseWithoutIpv6(network);
  const directory = join(leasesDir, network.id);
  return leaseOne(directory, owner, isUsed, (lease) => choose(directory, network, requested, lease));
}

/** What acquireAddress6 would give now, touching nothing. @throws as that. */
export function peekAddress6(leasesDir: string, network: BridgeNetwork, requested = ''): string {
  refuseWithoutIpv6(network);
  const directory = join(leasesDir, network.id);
  return choose(directory, network, requested, (address) => !existsSync(join(directory, address)));
}

/** The network was made when the kernel had IPv6. */
function refuseWithoutIpv6({ name }: BridgeNetwork): void {
  if (hasIpv6()) return;
  throw new MinidockError({
    code: 'NO_IPV6',
    message: `the network ${name} has IPv6, and this host has none: its kernel was built or booted without`,
    hint: 'Boot without ipv6.disable=1, or use another network.',
    exitCode: 125,
  });
}

const choose = (directory: string, network: BridgeNetwork, requested: string, lease: Lease): string =>
  requested === ''
    ? lowestFree(directory, network, lease)
    : leaseRequested(directory, network, requested, lease);

interface Block {
  readonly block: Cidr6;
  readonly range: Cidr6;
  /** What no container gets, by what it is. */
  readonly special: ReadonlyMap<string, string>;
}

function lowestFree(directory: string, network: BridgeNetwork, lease: Lease): string {
  const { block, range, special } = blockOf(network);
  const taken = new Set(namesIn(directory));
  const end = range.base + sizeOf6(range);
  // The first address of a block is that of all its routers (RFC 4291, 2.6.1).
  for (let address = range.base === block.base ? block.base + 1n : range.base; address < end; address++) {
    const text = formatIpv6(address);
    if (!special.has(text) && !taken.has(text) && lease(text)) return text;
  }
  const subnet = network.ipv6?.range ?? network.ipv6?.subnet ?? '';
  throw new MinidockError({
    code: 'NO_ADDRESS',
    message: `no available IPv6 addresses on this network's address pools: ${network.name} (${network.id})`,
    hint: `All addresses of ${subnet} are leased: remove containers that are no longer needed.`,
  });
}

function leaseRequested(directory: string, network: BridgeNetwork, requested: string, lease: Lease): string {
  const { block, special } = blockOf(network);
  const subnet = network.ipv6?.subnet ?? '';
  const address = parseIpv6(requested);
  if (address === undefined)
    throw new MinidockError({ code: 'BAD_ADDRESS', message: `invalid IPv6 address: ${requested}` });
  const text = formatIpv6(address);
  if (!contains6(block, address)) {
    throw new MinidockError({
      code: 'ADDRESS_OUTSIDE_SUBNET',
      message: `invalid address ${requested}: It does not belong to any of this network's subnets`,
      hint: `The network '${network.name}' has the subnet ${subnet}.`,
    });
  }
  const isWhat = address === block.base ? 'the address of all routers' : special.get(text);
  if (isWhat !== undefined) {
    throw new MinidockError({
      code: 'ADDRESS_RESERVED',
      message: 'Address already in use',
      hint: `${text} is ${isWhat} of ${subnet}.`,
    });
  }
  if (!lease(text)) {
    throw new MinidockError({
      code: 'ADDRESS_IN_USE',
      message: 'Address already in use',
      hint: `${text} belongs to container ${ownerOf(join(directory, text))?.slice(0, 12) ?? 'that has just gone'}.`,
    });
  }
  return text;
}

function blockOf({ name, ipv6 }: BridgeNetwork): Block {
  const block = parseCidr6(ipv6?.subnet ?? '');
  if (ipv6 === undefined || block === undefined) {
    throw new MinidockError({
      code: 'BAD_NETWORK',
      message: `network ${name} has the IPv6 subnet '${ipv6?.subnet ?? ''}'`,
    });
  }
  const reserved = Object.entries(ipv6.reserved ?? {}).map(([what, address]) => [address, what] as const);
  return {
    block,
    range: parseCidr6(ipv6.range ?? '') ?? block,
    special: new Map([[ipv6.gateway, 'the gateway'], ...reserved]),
  };
}
