/**
 * One header block, decoded. The `tar` package's Header does the numbers, the times and the checksum; names are taken
 * from the block as bytes, and what extended headers said before it is put in.
 */
import { Header } from 'tar/header';
import { corruptLayer } from './corrupt.ts';
import { paxNumber, paxTime, type PaxRecords } from './pax.ts';

export interface Extensions {
  readonly records: PaxRecords;
  /** GNU's entries of type L and K. */
  readonly longPath: string | undefined;
  readonly longLink: string | undefined;
}

export interface RawHeader {
  readonly typeflag: string;
  readonly path: string;
  readonly linkpath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  readonly major: number;
  readonly minor: number;
  readonly size: number;
  readonly records: PaxRecords;
  readonly realSize: number;
}

export function decodeHeader(block: Buffer): Header {
  let header: Header;
  try {
    header = new Header(block, 0);
  } catch (cause) {
    // Numbers in base 256 that are out of any range.
    throw corruptLayer('a header holds an impossible number', cause);
  }
  // The package gives no size for one that is no number or is negative; read as 0, its data would pass for headers.
  if (
    header.cksumValid &&
    header.size === undefined &&
    !/^[\0 ]*$/.test(block.toString('latin1', 124, 136))
  ) {
    throw corruptLayer('a header holds an impossible size');
  }
  return header;
}

export function rawHeader(
  block: Buffer,
  decoded: Header,
  typeflag: string,
  { records, longPath, longLink }: Extensions,
): RawHeader {
  const pax = new Map(records);
  const number = (key: string, plain: number | undefined): number => {
    const value = pax.get(key);
    return value === undefined || value === '' ? (plain ?? 0) : paxNumber(key, value);
  };
  const size = number('size', decoded.size);
  if (size < 0) throw corruptLayer('an entry has a negative size');
  const mtime = pax.get('mtime');
  // A sparse file of PAX format is stored under a made-up name; its own is in the records.
  const path = pax.get('GNU.sparse.name') ?? pax.get('path') ?? longPath ?? headerPath(block);
  return {
    typeflag,
    path,
    linkpath: pax.get('linkpath') ?? longLink ?? cString(block, 157, 100),
    mode: (decoded.mode ?? 0) & 0o7777,
    uid: number('uid', decoded.uid),
    gid: number('gid', decoded.gid),
    mtime: mtime === undefined || mtime === '' ? wholeSeconds(decoded.mtime) : paxTime('mtime', mtime),
    // The package reads device numbers only where the magic is POSIX's; GNU's header has them in the same place.
    major: typeflag === '3' || typeflag === '4' ? deviceNumber(block, 329) : 0,
    minor: typeflag === '3' || typeflag === '4' ? deviceNumber(block, 337) : 0,
    size,
    records,
    realSize: 0,
  };
}

/** The name field with ustar's prefix, as bytes. GNU's header uses the prefix's place for other things. */
function headerPath(block: Buffer): string {
  const name = cString(block, 0, 100);
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return name;
  // star keeps times in the prefix's last bytes; then byte 475 ends the prefix.
  const prefix = cString(block, 345, block[475] === 0 ? 130 : 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Dates that are out of any range count as none. */
function wholeSeconds(date: Date | undefined): bigint {
  const milliseconds = date?.getTime() ?? 0;
  return Number.isFinite(milliseconds) ? BigInt(Math.trunc(milliseconds / 1000)) * 1_000_000_000n : 0n;
}

function deviceNumber(block: Buffer, at: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(at) & 0x7fffffffffffffffn);
  const digits = cString(block, at, 8).trim();
  return digits === '' ? 0 : parseInt(digits, 8);
}

export function cString(buffer: Buffer, at: number, length: number): string {
  const zero = buffer.indexOf(0, at);
  const end = at + length;
  return buffer.toString('latin1', at, zero === -1 || zero > end ? end : zero);
}
