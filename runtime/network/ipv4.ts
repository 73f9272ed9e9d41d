/** IPv4 addresses as numbers and back. Numbers are unsigned, so `>>> 0` stands wherever a shift may set bit 31. */

export interface Cidr {
  /** First address of the block. */
  readonly base: number;
  readonly prefix: number;
}

/** undefined for anything but four decimal numbers up to 255 without leading zeros (which some read as octal). */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = ((value << 8) | Number(part)) >>> 0;
  }
  return value;
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** '172.17.0.0/16'; host bits are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText = '', prefixText = '', ...rest] = text.split('/');
  const address = parseIpv4(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  return prefix > 32 ? undefined : { base: (address & maskOf(prefix)) >>> 0, prefix };
}

export const formatCidr = (block: Cidr): string => `${formatIpv4(block.base)}/${block.prefix}`;

export const sizeOf = (block: Cidr): number => 2 ** (32 - block.prefix);

export function contains(block: Cidr, address: number): boolean {
  return address >= block.base && address < block.base + sizeOf(block);
}

export function overlaps(one: Cidr, two: Cidr): boolean {
  return contains(one, two.base) || contains(two, one.base);
}

function maskOf(prefix: number): number {
  // A shift by 32 is a shift by 0 in JavaScript.
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}
