/**
 * Sparse files in the four forms GNU tar has written them: old GNU (type 'S', the map in the header and in blocks
 * behind it) and PAX 0.0, 0.1 and 1.0 (tar's manual, "Storing Sparse Files"). A map says which pieces of the file
 * the stored data are; the rest are holes.
 */
import { corruptLayer } from './corrupt.ts';
import { paxNumber, type PaxRecords } from './pax.ts';

export interface Segment {
  readonly offset: number;
  readonly length: number;
}

export interface SparseMap {
  readonly realSize: number;
  readonly segments: readonly Segment[];
}

/** What an old GNU map gathers from its header and extension blocks. */
export interface SparseBlock {
  readonly segments: readonly Segment[];
  readonly more: boolean;
}

const headerMap = { offset: 386, entries: 4, more: 482, realSize: 483 };
const extensionMap = { offset: 0, entries: 21, more: 504 };

export function oldGnuHeader(block: Buffer): SparseBlock & { readonly realSize: number } {
  return { ...oldGnuEntries(block, headerMap), realSize: oldGnuNumber(block, headerMap.realSize) };
}

export function oldGnuExtension(block: Buffer): SparseBlock {
  return oldGnuEntries(block, extensionMap);
}

function oldGnuEntries(block: Buffer, place: { offset: number; entries: number; more: number }): SparseBlock {
  const segments: Segment[] = [];
  for (let i = 0; i < place.entries; i++) {
    const at = place.offset + i * 24;
    if (block[at] === 0) break;
    segments.push({ offset: oldGnuNumber(block, at), length: oldGnuNumber(block, at + 12) });
  }
  return { segments, more: block[place.more] === 1 };
}

/** Twelve bytes: octal digits, or base 256 when the first bit is set. */
function oldGnuNumber(block: Buffer, at: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(at + 4));

  const digits = block.toString('latin1', at, at + 12).replace(/[\0 ].*$/s, '');
  return parseInt(digits === '' ? '0' : digits, 8);
}

/** The map of PAX 0.0 and 0.1, which stands in the records; undefined when these describe no such file. */
export function paxSparseMap(records: PaxRecords): SparseMap | undefined {
  const numbers: number[] = [];
  let realSize: number | undefined;
  for (const [key, value] of records) {
    if (key === 'GNU.sparse.size') realSize = paxNumber(key, value);
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
      numbers.push(paxNumber(key, value));
    else if (key === 'GNU.sparse.map' && value !== '') {
      for (const number of value.split(',')) numbers.push(paxNumber(key, number));
    }
  }
  return realSize === undefined ? undefined : { realSize, segments: pairs(numbers) };
}

/** PAX 1.0 puts the map in front of the data; this is the real size, when the records announce one. */
export function paxSparseRealSize(records: PaxRecords): number | undefined {
  const major = records.find(([key]) => key === 'GNU.sparse.major')?.[1];
  const size = records.find(([key]) => key === 'GNU.sparse.realsize')?.[1];
  return major === '1' && size !== undefined ? paxNumber('GNU.sparse.realsize', size) : undefined;
}

/**
 * A PAX 1.0 map as its blocks come in: lines of numbers, the first one telling how many pairs follow. It is read once,
 * when all of its lines are there.
 */
export class Sparse1Map {
  readonly #blocks: Buffer[] = [];
  #length = 0;
  #lines = 0;
  #wanted: number | undefined;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** The map when it is complete. */
  add(block: Buffer): readonly Segment[] | undefined {
    this.#blocks.push(Buffer.from(block));
    this.#length += block.length;
    for (let at = block.indexOf(0x0a); at !== -1; at = block.indexOf(0x0a, at + 1)) this.#lines += 1;
    if (this.#lines === 0) return undefined;
    this.#wanted ??= 1 + 2 * pairsOf(this.#text().split('\n', 1)[0] ?? '');
    if (this.#lines < this.#wanted) return undefined;
    const lines = this.#text().split('\n').slice(1, this.#wanted);
    return pairs(lines.map((line) => paxNumber('the sparse map', line)));
  }

  #text(): string {
    return Buffer.concat(this.#blocks).toString('latin1');
  }
}

function pairsOf(line: string): number {
  const count = paxNumber('the sparse map', line);
  if (count < 0 || count > 1 << 20) throw corruptLayer('a sparse file has an impossible map');
  return count;
}

function pairs(numbers: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    segments.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  }
  return segments;
}

/** Throws unless the pieces are in order, within the file, and as long as the data stored for them. */
export function checkSparseMap(map: SparseMap, storedSize: number): void {
  let end = 0;
  let stored = 0;
  for (const { offset, length } of map.segments) {
    if (!(offset >= end && length >= 0)) throw corruptLayer('the map of a sparse file is out of order');
    end = offset + length;
    stored += length;
  }
  if (!(end <= map.realSize) || stored !== storedSize) {
    throw corruptLayer('the map of a sparse file does not fit its data');
  }
}
