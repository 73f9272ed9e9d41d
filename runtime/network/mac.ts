/** The hardware address of a container's interface, and of a bridge. */
import { hexOfIpv6, parseIpv6 } from '../syscall/inet.ts';

/** Of a network's bridge. No container gets one that begins like this, whatever address it has. */
export const macOfBridge = (networkId: string): string =>
  ['0a', '42', ...(networkId.slice(0, 8).match(/../g) ?? [])].join(':');

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
