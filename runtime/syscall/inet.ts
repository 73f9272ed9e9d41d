/**
 * inet_pton(3) and inet_ntop(3) of IPv6: addresses as numbers of 128 bits and back. Text goes out in the one form of
 * RFC 5952, so that two texts of one address are equal.
 */

const GROUPS = 8;

/** undefined for anything else, a zone (fe80::1%eth0) included. */
export function parseIpv6(text: string): bigint | undefined {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text)) return undefined;
  const plain = withoutDots(text);
  const halves = plain?.split('::') ?? [];
  if (plain === undefined || halves.length > 2) return undefined;
  const [before = [], after] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = before.length + (after?.length ?? 0);
  if (after === undefined ? given !== GROUPS : given >= GROUPS) return undefined;
  const groups = [...before, ...Array.from({ length: GROUPS - given }, () => '0'), ...(after ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`);
}

/** `::ffff:192.0.2.1` with its last four octets as two groups; undefined where they are none. */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const match = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const octets = (match ?? []).slice(2);
  if (match === null || octets.some((octet) => Number(octet) > 255 || /^0\d/.test(octet))) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number);
  return `${match[1] ?? ''}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** 32 hexadecimal digits, as in /proc/net/if_inet6. */
export const hexOfIpv6 = (address: bigint): string => address.toString(16).padStart(32, '0');

/** RFC 5952: small letters, no leading zeros, and `::` for the longest run of zeros, the first of equals. */
export function formatIpv6(address: bigint): string {
  const groups = hexOfIpv6(address).match(/.{4}/g) ?? [];
  const short = groups.map((group) => group.replace(/^0{1,3}/, ''));
  let [at, length] = [0, 0];
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (short[end] === '0') end++;
    if (end - start > length) [at, length] = [start, end - start];
  }
  if (length < 2) return short.join(':');
  return `${short.slice(0, at).join(':')}::${short.slice(at + length).join(':')}`;
}

/** The same address in its one form; undefined for what is none. */
export function canonicalIpv6(text: string): string | undefined {
  const address = parseIpv6(text);
  return address === undefined ? undefined : formatIpv6(address);
}

/** Of text that is an address of one family or the other. */
export const isIpv6Text = (text: string): boolean => text.includes(':');
