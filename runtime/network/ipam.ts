/**
 * Addresses of a bridge network. A lease is a file named after the address, below a directory named after the
 * network, with its owner's id as content: no lock and no index, since the kernel lets only one process create a
 * name. The file is written under another name first and linked into place, so a lease is never seen without its
 * owner, even after a crash between the two.
 *
 * Deliberately absent: deciding that a lease is stale. The recovery of a dead container calls `releaseAddresses`.
 */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { MinidockError } from '../errors.ts';
import { contains, formatIpv4, parseCidr, parseIpv4, sizeOf } from './ipv4.ts';
import type { BridgeNetwork } from './types.ts';

/**
 * Leases the requested address (`--ip`), or the lowest free one, to the owner and returns it.
 * @throws ADDRESS_IN_USE, ADDRESS_OUTSIDE_SUBNET, ADDRESS_RESERVED, BAD_ADDRESS or NO_ADDRESS.
 *
 * @param leasesDir holds one directory for each network
 * @param owner the container's id
 * @param isUsed whether a container uses the address although its lease is lost
 */
export function acquireAddress(
  leasesDir: string,
  network: BridgeNetwork,
  owner: string,
  requested?: string,
  isUsed: (address: string) => boolean = () => false,
): string {
  const directory = join(leasesDir, network.id);
  return leaseOne(directory, owner, isUsed, (lease) =>
    requested !== undefined && requested !== ''
      ? leaseRequested(directory, network, requested, lease)
      : lowestFree(directory, network, lease),
  );
}

/** Whether the address is the owner's from now on. */
export type Lease = (address: string) => boolean;

/** What `choose` returns, after it has leased that. */
export function leaseOne(
  directory: string,
  owner: string,
  isUsed: (address: string) => boolean,
  choose: (lease: Lease) => string,
): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const own = join(directory, `.${owner}`);
  writeFileSync(own, owner, { mode: 0o644 });
  try {
    return choose((address) => !isUsed(address) && tryLease(own, join(directory, address)));
  } finally {
    rmSync(own, { force: true });
  }
}

/** What acquireAddress would give now, touching nothing. @throws what it throws. */
export function peekAddress(leasesDir: string, network: BridgeNetwork, requested = ''): string {
  const directory = join(leasesDir, network.id);
  return requested === ''
    ? lowestFree(directory, network, () => true)
    : leaseRequested(directory, network, requested, (address) => !existsSync(join(directory, address)));
}

/** Gives one address back, unless it has another owner by now. Gone already counts as given back. */
export function releaseAddress(leasesDir: string, networkId: string, address: string, owner: string): void {
  const file = join(leasesDir, networkId, address);
  if (ownerOf(file) === owner) rmSync(file, { force: true });
}

/** Restores the lease of the address's owner. */
export function restoreAddress(leasesDir: string, networkId: string, address: string, owner: string): void {
  const directory = join(leasesDir, networkId);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const own = join(directory, `.${owner}`);
  writeFileSync(own, owner, { mode: 0o644 });
  renameSync(own, join(directory, address));
}

/** The owner of the lease; undefined without one. */
export const leaseOf = (leasesDir: string, networkId: string, address: string): string | undefined =>
  ownerOf(join(leasesDir, networkId, address));

/** The files of whatever an owner holds, in every network, and of what a kill has kept from becoming a lease. */
export const leaseFiles = (leasesDir: string, owner: string): readonly string[] =>
  namesIn(leasesDir).flatMap((networkId) =>
    namesIn(join(leasesDir, networkId))
      .map((name) => join(leasesDir, networkId, name))
      .filter((file) => basename(file) === `.${owner}` || ownerOf(file) === owner),
  );

export function releaseAddresses(leasesDir: string, owner: string): void {
  for (const file of leaseFiles(leasesDir, owner)) rmSync(file, { force: true });
}

/** The addresses of an owner. */
export function addressesOf(
  leasesDir: string,
  owner: string,
): readonly { readonly networkId: string; readonly address: string }[] {
  return namesIn(leasesDir).flatMap((networkId) =>
    namesIn(join(leasesDir, networkId))
      .filter((address) => !address.startsWith('.'))
      .filter((address) => ownerOf(join(leasesDir, networkId, address)) === owner)
      .map((address) => ({ networkId, address })),
  );
}

function lowestFree(directory: string, network: BridgeNetwork, lease: Lease): string {
  const { block, gateway } = readNetwork(network);
  const taken = new Set([...namesIn(directory), ...Object.values(network.reserved ?? {})]);
  const range = parseCidr(network.range ?? network.subnet) ?? block;
  // The first address of a subnet names the network and the last one is its broadcast address.
  const [first, last] = [block.base + 1, block.base + sizeOf(block) - 2];
  const end = Math.min(last, range.base + sizeOf(range) - 1);
  for (let address = Math.max(first, range.base); address <= end; address++) {
    if (address === gateway) continue;
    const text = formatIpv4(address);
    if (!taken.has(text) && lease(text)) return text;
  }
  throw new MinidockError({
    code: 'NO_ADDRESS',
    message: `no available IPv4 addresses on this network's address pools: ${network.name} (${network.id})`,
    hint: `All addresses of ${network.range ?? network.subnet} are leased: remove containers that are no longer needed.`,
  });
}

function leaseRequested(directory: string, network: BridgeNetwork, requested: string, lease: Lease): string {
  const { block, gateway } = readNetwork(network);
  const address = parseIpv4(requested);
  if (address === undefined) {
    throw new MinidockError({ code: 'BAD_ADDRESS', message: `invalid IPv4 address: ${requested}` });
  }
  if (!contains(block, address)) {
    throw new MinidockError({
      code: 'ADDRESS_OUTSIDE_SUBNET',
      message: `invalid address ${requested}: It does not belong to any of this network's subnets`,
      hint: `The network '${network.name}' has the subnet ${network.subnet}.`,
    });
  }
  const special =
    address === gateway
      ? 'the gateway'
      : address === block.base
        ? 'the network itself'
        : address === block.base + sizeOf(block) - 1
          ? 'the broadcast address'
          : Object.entries(network.reserved ?? {}).find(([, one]) => one === requested)?.[0];
  if (special !== undefined) {
    throw new MinidockError({
      code: 'ADDRESS_RESERVED',
      message: 'Address already in use',
      hint: `${requested} is ${special} of ${network.subnet}.`,
    });
  }
  if (!lease(requested)) {
    const owner = ownerOf(join(directory, requested));
    throw new MinidockError({
      code: 'ADDRESS_IN_USE',
      message: 'Address already in use',
      hint: `${requested} belongs to container ${owner?.slice(0, 12) ?? 'that has just gone'}.`,
    });
  }
  return requested;
}

/** link(2) refuses a name that exists, as O_EXCL would. */
function tryLease(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readNetwork(network: BridgeNetwork): { block: { base: number; prefix: number }; gateway: number } {
  const block = parseCidr(network.subnet);
  const gateway = parseIpv4(network.gateway);
  if (block === undefined || gateway === undefined) {
    throw new MinidockError({
      code: 'BAD_NETWORK',
      message: `network ${network.name} has the subnet '${network.subnet}' and the gateway '${network.gateway}'`,
    });
  }
  return { block, gateway };
}

export function ownerOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
