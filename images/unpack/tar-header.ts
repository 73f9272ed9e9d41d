/**
 * One header block, decoded, and put together with what extended headers said before it. Names are byte strings.
 *
 * Where programs disagree this follows Go's archive/tar, with which Docker reads layers: an empty value in an extended
 * header leaves what the header says; GNU's long names win over PAX's; a number that is none is a damaged header.
 */
import { corruptLayer } from './corrupt.ts';
import { paxInteger, paxTime, type PaxRecords } from './pax.ts';
import { isChecksumRight, tarNumber } from './tar-numbers.ts';

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

/** What the block itself says, whatever an extended header before it said. */
export interface HeaderBlock {
  readonly typeflag: string;
  readonly size: number;
}

const zeros = Buffer.alloc(512);

export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeros);
}

/** @throws ImageError 'LAYER_CORRUPT' for a size that is none; undefined when the checksum is wrong. */
export function decodeHeader(block: Buffer): HeaderBlock | undefined {
  if (!isChecksumRight(block)) return undefined;
  const size = tarNumber(block, 124, 12, 'size');
  if (size < 0) throw corruptLayer('an entry has a negative size');
  return { typeflag: block.toString('latin1', 156, 157), size };
}

export function rawHeader(
  block: Buffer,
  { typeflag, size: ownSize }: HeaderBlock,
  { records, longPath, longLink }: Extensions,
): RawHeader {
  const pax = records.length === 0 ? noRecords : new Map(records);
  const format = formatOf(block);
  const size = numberOf(pax, 'size', ownSize);
  if (size < 0) throw corruptLayer('an entry has a negative size');
  const seconds = tarNumber(block, 136, 12, 'time');
  checkTimes(pax);
  return {
    typeflag,
    path: longPath ?? textOf(pax, 'path') ?? headerPath(block, format),
    linkpath: longLink ?? textOf(pax, 'linkpath') ?? cString(block, 157, 100),
    mode: tarNumber(block, 100, 8, 'mode') & 0o7777,
    uid: numberOf(pax, 'uid', tarNumber(block, 108, 8, 'owner')),
    gid: numberOf(pax, 'gid', tarNumber(block, 116, 8, 'group')),
    mtime: paxTime('mtime', pax.get('mtime') ?? '') ?? BigInt(seconds) * 1_000_000_000n,
    major: format === 'v7' ? 0 : tarNumber(block, 329, 8, 'device number'),
    minor: format === 'v7' ? 0 : tarNumber(block, 337, 8, 'device number'),
    size,
    records,
    realSize: 0,
  };
}

/** @throws ImageError 'LAYER_CORRUPT' for a number or a time that is none. */
export function checkRecords(records: PaxRecords): void {
  const pax = new Map(records);
  for (const key of ['uid', 'gid', 'size']) numberOf(pax, key, 0);
  paxTime('mtime', pax.get('mtime') ?? '');
  checkTimes(pax);
}

/** Those that are not used. */
function checkTimes(pax: ReadonlyMap<string, string>): void {
  for (const key of ['atime', 'ctime']) paxTime(key, pax.get(key) ?? '');
}

const noRecords: ReadonlyMap<string, string> = new Map();

function textOf(pax: ReadonlyMap<string, string>, key: string): string | undefined {
  return pax.get(key) || undefined;
}

function numberOf(pax: ReadonlyMap<string, string>, key: string, plain: number): number {
  const value = pax.get(key);
  return value === undefined || value === '' ? plain : paxInteger(key, value);
}

type Format = 'v7' | 'ustar' | 'star' | 'gnu';

function formatOf(block: Buffer): Format {
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'v7';
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
}

/** The name field with the prefix, as bytes. */
function headerPath(block: Buffer, format: Format): string {
  const name = cString(block, 0, 100);
  const prefix = prefixOf(block, format);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function prefixOf(block: Buffer, format: Format): string {
  switch (format) {
    case 'v7':
      return '';
    case 'ustar':
      return cString(block, 345, 155);
    case 'star':
      // Times stand behind it.
      return cString(block, 345, 131);
    case 'gnu': {
      // GNU has times in its place. Programs made with Go before 1.8 wrote a prefix there all the same.
      if (block[345] === 0 && block[357] === 0) return '';
      const prefix = cString(block, 345, 155);
      return hasTimes(block) || /[^\x00-\x7f]/.test(prefix) ? '' : prefix;
    }
  }
}

function hasTimes(block: Buffer): boolean {
  try {
    tarNumber(block, 345, 12, 'time');
    tarNumber(block, 357, 12, 'time');
    return true;
  } catch {
    return false; // No times: what this asks.
  }
}

export function cString(buffer: Buffer, at: number, length: number): string {
  const zero = buffer.indexOf(0, at);
  const end = at + length;
  return buffer.toString('latin1', at, zero === -1 || zero > end ? end : zero);
}
