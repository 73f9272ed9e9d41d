/**
 * What an argv of nft asks about: `nft get element ip TABLE SET '{ KEY }'`, and `delete` likewise. perform-host.ts asks
 * the kernel itself then (runtime/syscall/nft-element.ts), since nft takes four milliseconds to ask and, after a
 * deletion, waits for a grace period of the kernel's.
 *
 * Deliberately absent: notations that no step of ours uses.
 */
import { hexOfIpv6, parseIpv6 } from '../syscall/inet.ts';
import { hasNftElement, type NftElement } from '../syscall/nft-element.ts';

/** The first element it names, with the key as the kernel keeps it; undefined for any other program or question. */
export function elementIn(argv: readonly string[]): NftElement | undefined {
  const [program, verb, what, family, table, set, ...elements] = argv;
  if (program !== 'nft' || !['get', 'delete'].includes(verb ?? '')) return undefined;
  if (what !== 'element' || (family !== 'ip' && family !== 'ip6')) return undefined;
  const first = /^\{ ([^,}]+?) *[,}]/.exec(elements.join(' '))?.[1];
  const parts = first?.split(' . ').map(keyPart);
  if (table === undefined || set === undefined || parts === undefined || parts.includes(undefined))
    return undefined;
  return { ...(family === 'ip6' ? { family } : {}), table, set, key: parts.join('') };
}

/** undefined where the kernel does not say: it has no netfilter, or not for us. nft, called next, has the words for it. */
export function hasElement(element: NftElement): boolean | undefined {
  try {
    return hasNftElement(element);
  } catch {
    return undefined;
  }
}

const PROTOCOL_NUMBER: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };
const IFNAMSIZ = 16;

/** In hexadecimal: a mark, an interface, a protocol, a port, or an address, of a subnet the first one. */
function keyPart(text: string): string | undefined {
  const [, mark] = /^0x([0-9a-f]{8})$/.exec(text) ?? [];
  // In the byte order of the machine; both machines minidock is built for have the same.
  if (mark !== undefined) return padded(Buffer.from(mark, 'hex').reverse());
  const [, link] = /^"(.{1,15})"$/.exec(text) ?? [];
  if (link !== undefined) return padded(Buffer.from(link), IFNAMSIZ);
  const protocol = PROTOCOL_NUMBER[text];
  if (protocol !== undefined) return padded([protocol]);
  if (/^\d{1,5}$/.test(text)) return padded([Number(text) >> 8, Number(text) & 255]);
  const ipv6 = text.includes(':') ? parseIpv6(text.split('/')[0] ?? '') : undefined;
  if (ipv6 !== undefined) return hexOfIpv6(ipv6);
  const [, address] = /^(\d+\.\d+\.\d+\.\d+)(?:\/\d+)?$/.exec(text) ?? [];
  return address === undefined ? undefined : padded(address.split('.').map(Number));
}

/** Filled up with zeros to `size` bytes. */
const padded = (bytes: Iterable<number>, size = 4): string =>
  Buffer.concat([Uint8Array.from(bytes)], size).toString('hex');
