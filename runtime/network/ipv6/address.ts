/**
 * Blocks of IPv6 addresses, and addresses in the one form that minidock keeps: leases are files named after addresses.
 */
import { formatIpv6, parseIpv6 } from '../../syscall/inet.ts';

export interface Cidr6 {
  /** First address of the block. */
  readonly base: bigint;
  readonly prefix: number;
}

/** 'fd00::/64'; host bits are cleared. */
export function parseCidr6(text: string): Cidr6 | undefined {
  const [addressText = '', prefixText = '', ...rest] = text.split('/');
  const address = parseIpv6(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  return prefix > 128 ? undefined : { base: blockBase(address, prefix), prefix };
}

export const formatCidr6 = ({ base, prefix }: Cidr6): string => `${formatIpv6(base)}/${String(prefix)}`;

export const sizeOf6 = ({ prefix }: Cidr6): bigint => 1n << BigInt(128 - prefix);

export const contains6 = (block: Cidr6, address: bigint): boolean =>
  blockBase(address, block.prefix) === block.base;

export const overlaps6 = (one: Cidr6, two: Cidr6): boolean =>
  contains6(one, two.base) || contains6(two, one.base);

function blockBase(address: bigint, prefix: number): bigint {
  const host = BigInt(128 - prefix);
  return (address >> host) << host;
}
