/**
 * A seal under a record of minidock's own: a checksum as its last field. A record whose seal holds is what this very
 * build wrote, of the shape it had then, so a reader need not look at each of its hundred fields again (50 µs for a
 * container, and `ps` reads them all). A record without one, or with a broken one, is looked at field by field.
 *
 * The checksum is against damage, not against people: who can write here is root. The build is part of it, since
 * another build may know other shapes.
 */
import { commit, version } from '../../io/version.ts';

/** CRC-32; both Bun and Node have it built in, and Bun's zlib takes half a millisecond to load. */
const crc32 = (text: string, seed: number): number =>
  typeof Bun === 'undefined'
    ? process.getBuiltinModule('node:zlib').crc32(text, seed)
    : Bun.hash.crc32(text, seed);

const HEAD = ',"seal":"';
const DIGITS = 8;
const LENGTH = HEAD.length + DIGITS + '"}'.length;

let seed: number | undefined;

function sealOf(body: string): string {
  seed ??= crc32(`${version} ${commit}`, 0);
  return crc32(body, seed).toString(16).padStart(DIGITS, '0');
}

/** `json`: an object with at least one field. */
export function seal(json: string): string {
  const body = json.slice(0, -1);
  return `${body}${HEAD}${sealOf(body)}"}`;
}

export interface Opened {
  /** JSON without the seal, as far as there was one. */
  readonly json: string;
  /** It is what this build has written. */
  readonly isIntact: boolean;
}

export function openSeal(text: string): Opened {
  const end = text.length - LENGTH;
  if (end <= 0 || !text.startsWith(HEAD, end) || !text.endsWith('"}')) return { json: text, isIntact: false };
  const body = text.slice(0, end);
  const given = text.slice(end + HEAD.length, -2);
  return { json: `${body}}`, isIntact: sealOf(body) === given };
}
