/**
 * Sparse files in the four forms GNU tar has written them: old GNU (type 'S', the map in the header and in blocks
 * behind it) and PAX 0.0, 0.1 and 1.0 (tar's manual, "Storing Sparse Files"). A map says which pieces of the file
 * the stored data are; the rest are holes. What a file must say to be one of these is as in Go's archive/tar.
 */
import { corruptLayer } from './corrupt.ts';
import { paxInteger, type PaxRecords } from './pax.ts';
import { tarNumber } from './tar-numbers.ts';

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

const oldGnuNumber = (block: Buffer, at: number): number =>
  tarNumber(block, at, 12, 'number of a sparse file');

export interface PaxSparse {
  /** The stored name is made up; this is the file's own. */
  readonly name: string | undefined;
  readonly realSize: number | undefined;
  /** Undefined where it stands in front of the data: version 1.0. */
  readonly segments: readonly Segment[] | undefined;
}

/** What the records say of a sparse file; undefined when they describe none. */
export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  const values = new Map(records);
  const of = (key: string): string => values.get(`GNU.sparse.${key}`) ?? '';
  const version = `${of('major')}.${of('minor')}`;
  const map = mapOf00(records) ?? of('map');
  const known = version === '.' ? map !== '' : ['0.0', '0.1', '1.0'].includes(version);
  if (!known) return undefined;
  const size = of('size') || of('realsize');
  return {
    name: of('name') || undefined,
    realSize: size === '' ? undefined : paxInteger('GNU.sparse.size', size),
    segments: version === '1.0' ? undefined : segmentsOf(map, of('numblocks')),
  };
}

/** Version 0.0 repeats two keys, in turn; as version 0.1 writes the same. */
function mapOf00(records: PaxRecords): string | undefined {
  const numbers: string[] = [];
  for (const [key, value] of records) {
    if (key !== 'GNU.sparse.offset' && key !== 'GNU.sparse.numbytes') continue;
    const expected = numbers.length % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes';
    if (key !== expected || value.includes(',')) throw corruptLayer('a sparse file has an impossible map');
    numbers.push(value);
  }
  return numbers.length === 0 ? undefined : numbers.join(',');
}

function segmentsOf(map: string, count: string): readonly Segment[] {
  const numbers = map === '' ? [] : map.split(',');
  if (paxInteger('GNU.sparse.numblocks', count) * 2 !== numbers.length)
    throw corruptLayer('a sparse file has a map of another length than it says');
  return pairs(numbers.map((number) => paxInteger('GNU.sparse.map', number)));
}

/**
 * A PAX 1.0 map as its blocks come in: lines of numbers, the first one says how many pairs follow. It is read once,
 * when all of its lines are there.
 */
export class Sparse1Map {
  private readonly blocks: Buffer[] = [];
  private total = 0;
  private lines = 0;
  private wanted: number | undefined;

  /** Bytes so far. */
  get length(): number {
    return this.total;
  }

  /** The map when it is complete. */
  add(block: Buffer): readonly Segment[] | undefined {
    this.blocks.push(Buffer.from(block));
    this.total += block.length;
    for (let at = block.indexOf(0x0a); at !== -1; at = block.indexOf(0x0a, at + 1)) this.lines += 1;
    if (this.lines === 0) return undefined;
    this.wanted ??= 1 + 2 * pairsOf(this.text().split('\n', 1)[0] ?? '');
    if (this.lines < this.wanted) return undefined;
    const lines = this.text().split('\n').slice(1, this.wanted);
    return pairs(lines.map((line) => paxInteger('the sparse map', line)));
  }

  private text(): string {
    return Buffer.concat(this.blocks).toString('latin1');
  }
}

function pairsOf(line: string): number {
  const count = paxInteger('the sparse map', line);
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

/** @throws unless the pieces are in order, within the file, and as long as the data stored for them. */
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
