/** The hardware address of a container's interface, and of a bridge. */
import { hexOfIpv6, parseIpv6 } from '../syscall/inet.ts';

/**
 * Docker's rule: locally administered, then the four bytes of the address; 172.17.0.2 has 02:42:ac:11:00:02. On a network
 * that has IPv6 alone: the last four of that address.
 */
export function macFromAddress(address: string, address6 = ''): string {
  const bytes =
    address === ''
      ? (hexOfIpv6(parseIpv6(address6) ?? 0n)
          .slice(-8)
          .match(/../g) ?? [])
      : address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}
