/**
 * The two families of addresses, IPv4 and IPv6, and what the kernel and its tools call the same thing in each. A
 * question is about one family: a Stack (observe.ts) has the addresses, routes and neighbours of that one alone.
 */
import { contains, parseCidr, parseIpv4 } from '../../../runtime/network/ipv4.ts';
import { contains6, parseCidr6 } from '../../../runtime/network/ipv6/address.ts';
import { isIpv6Text, parseIpv6 } from '../../../runtime/syscall/inet.ts';

export type Family = 4 | 6;

export const familyOf = (address: string): Family => (isIpv6Text(address) ? 6 : 4);

export const isAddress = (text: string): boolean =>
  parseIpv4(text) !== undefined || parseIpv6(text) !== undefined;

/** 127.0.0.0/8, and of IPv6 one address. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

export const loopbackOf = (family: Family): string => (family === 6 ? '::1' : '127.0.0.1');

/** Of one interface only: no router forwards it. */
export const isLinkLocal = (address: string): boolean => isIn('fe80::/10', address);

/** Bits of an address. */
export const bitsOf = (family: Family): number => (family === 6 ? 128 : 32);

/** Of a route's destination, as `ip` writes it. */
export const prefixOf = ({ dst }: { readonly dst: string }): number =>
  dst === 'default' ? 0 : Number(dst.split('/')[1] ?? bitsOf(familyOf(dst)));

/** Host bits of the block are ignored, as they are of an address with its prefix length. */
export function isIn(cidr: string, address: string): boolean {
  if (isIpv6Text(cidr) !== isIpv6Text(address)) return false;
  const text = cidr.includes('/') ? cidr : `${cidr}/${bitsOf(familyOf(cidr))}`;
  if (isIpv6Text(address)) {
    const [block, number] = [parseCidr6(text), parseIpv6(address)];
    return block !== undefined && number !== undefined && contains6(block, number);
  }
  const [block, number] = [parseCidr(text), parseIpv4(address)];
  return block !== undefined && number !== undefined && contains(block, number);
}

/** Of nftables' tables, and of its expressions: `ip saddr`, `ip6 saddr`. */
export const nftFamily = (family: Family): 'ip' | 'ip6' => (family === 6 ? 'ip6' : 'ip');

export const iptablesOf = (family: Family): 'iptables' | 'ip6tables' =>
  family === 6 ? 'ip6tables' : 'iptables';

/** For commands about routes that name no address, `default` for one. */
export const ipCommand = (family: Family): string => (family === 6 ? 'ip -6' : 'ip');

/** How a machine asks for the hardware address of a neighbour. */
export const askingOf = (family: Family): string => (family === 6 ? 'neighbour discovery' : 'ARP');
