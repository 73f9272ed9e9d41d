/**
 * Reads a tar archive as it streams past: POSIX ustar and PAX, GNU and old V7, everything `docker save`, BuildKit
 * and GNU tar write. Blocks are decoded in tar-header.ts by the `tar` package; what lies between them is read here, because
 * names and attributes must stay bytes, sparse files must keep their holes, and a layer of 100,000 files should cost
 * neither a promise nor a stream per file: the handler is called synchronously, in order, with slices of the chunks.
 *
 * Deliberately absent: anything that touches the disk, and any judgement on where a path points (paths.ts).
 */
import { corruptLayer } from './corrupt.ts';
import { parsePax, paxXattrs, type PaxRecords } from './pax.ts';
import {
  checkSparseMap,
  oldGnuExtension,
  oldGnuHeader,
  paxSparseMap,
  paxSparseRealSize,
  Sparse1Map,
  type Segment,
  type SparseMap,
} from './sparse.ts';
import { cString, decodeHeader, rawHeader, type RawHeader } from './tar-header.ts';

export type EntryType = 'file' | 'dir' | 'link' | 'symlink' | 'char' | 'block' | 'fifo';

export interface TarEntry {
  readonly type: EntryType;
  /** Byte string, as it stands in the archive. */
  readonly path: string;
  /** Byte string; '' unless a link of either kind. */
  readonly linkpath: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow in the archive. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly sparse: SparseMap | undefined;
}

export interface TarHandler {
  entry(entry: TarEntry): void;
  /** A piece of the current entry's data; only valid during the call. */
  data(chunk: Buffer): void;
  /** The current entry is complete. */
  end(): void;
}

const blockSize = 512;
/** Go's archive/tar, and so Docker, draws the line for extended headers here too. */
const maxExtension = 1 << 20;
/** Of a sparse file's map, which stays in memory while the file comes in. */
const maxSparseMap = 64 << 20;
const maxSegments = 1 << 20;
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

const entryTypes: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  D: 'dir',
  '6': 'fifo',
};

/** What the bytes at hand belong to. */
type State =
  | { readonly at: 'header' }
  | { readonly at: 'extension'; readonly kind: string; readonly blocks: Buffer[] }
  | { readonly at: 'sparse-header'; readonly header: RawHeader; readonly segments: Segment[] }
  | { readonly at: 'sparse-map'; readonly header: RawHeader; readonly map: Sparse1Map }
  | { readonly at: 'data' }
  | { readonly at: 'skip' }
  | { readonly at: 'end' };

export class TarReader {
  readonly #handler: TarHandler;
  #state: State = { at: 'header' };
  /** Bytes of the current body still to come, and of the padding behind it. */
  #remaining = 0;
  #padding = 0;
  #partial: Buffer = Buffer.alloc(0);
  #zeroBlocks = 0;
  #entries = 0;
  #globals: PaxRecords = [];
  #records: PaxRecords = [];
  #longPath: string | undefined;
  #longLink: string | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state.at !== 'end') {
      if (this.#state.at === 'data' || this.#state.at === 'skip') {
        at += this.#body(chunk.subarray(at));
        continue;
      }
      // Everything else comes in whole blocks; one cut in two by the chunks is put together first.
      const missing = blockSize - this.#partial.length;
      if (chunk.length - at < missing) {
        this.#partial = Buffer.concat([this.#partial, chunk.subarray(at)]);
        return;
      }
      const piece = chunk.subarray(at, at + missing);
      const block = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece]);
      this.#partial = Buffer.alloc(0);
      at += missing;
      this.#block(block);
    }
  }

  /** Whether the two empty blocks that end an archive have come. */
  get ended(): boolean {
    return this.#state.at === 'end';
  }

  /** The archive is over: throws if it broke off in the middle of something. */
  finish(): void {
    const whole = this.#state.at === 'end' || (this.#state.at === 'header' && this.#partial.length === 0);
    const extended = this.#records.length > 0 || this.#longPath !== undefined || this.#longLink !== undefined;
    if (this.#entries === 0 && this.#partial.length > 0) throw corruptLayer('it is not a tar archive');
    if (!whole || extended) throw corruptLayer('the archive is truncated');
  }

  #body(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#remaining);
    if (taken > 0) {
      if (this.#state.at === 'data') this.#handler.data(bytes.subarray(0, taken));
      this.#remaining -= taken;
    }
    const skipped = this.#remaining === 0 ? Math.min(bytes.length - taken, this.#padding) : 0;
    this.#padding -= skipped;
    if (this.#remaining === 0 && this.#padding === 0) this.#endOfBody();
    return taken + skipped;
  }

  #startBody(at: 'data' | 'skip', size: number): void {
    this.#state = { at };
    this.#remaining = size;
    this.#padding = paddingOf(size);
    if (size === 0) this.#endOfBody();
  }

  #endOfBody(): void {
    const had = this.#state.at;
    this.#state = { at: 'header' };
    if (had === 'data') this.#handler.end();
  }

  #block(block: Buffer): void {
    const state = this.#state;
    switch (state.at) {
      case 'header':
        this.#header(block);
        return;
      case 'extension':
        state.blocks.push(Buffer.from(block));
        this.#remaining -= blockSize;
        if (this.#remaining <= 0) this.#extension(state.kind, state.blocks, this.#padding);
        return;
      case 'sparse-header': {
        const { segments, more } = oldGnuExtension(block);
        state.segments.push(...segments);
        if (state.segments.length > maxSegments) throw corruptLayer('the map of a sparse file has no end');
        if (!more) this.#emit(state.header, { realSize: state.header.realSize, segments: state.segments });
        return;
      }
      case 'sparse-map': {
        const { header, map } = state;
        const segments = map.add(block);
        if (map.length > Math.min(header.size, maxSparseMap))
          throw corruptLayer('the map of a sparse file has no end');
        if (segments === undefined) return;
        const { realSize } = header;
        this.#emit({ ...header, size: header.size - map.length }, { realSize, segments });
        return;
      }
      case 'data':
      case 'skip':
      case 'end':
        return;
    }
  }

  #header(block: Buffer): void {
    const decoded = decodeHeader(block);
    if (decoded.nullBlock) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#state = { at: 'end' };
      return;
    }
    if (!decoded.cksumValid) {
      throw corruptLayer(this.#entries === 0 ? 'it is not a tar archive' : 'a header has a wrong checksum');
    }
    this.#zeroBlocks = 0;
    this.#entries += 1;
    const typeflag = block.toString('latin1', 156, 157);
    switch (typeflag) {
      case 'x':
      case 'X':
      case 'g':
      case 'L':
      case 'K':
        this.#startExtension(typeflag, decoded.size ?? 0);
        return;
      default:
        this.#file(block, decoded, typeflag);
    }
  }

  #startExtension(kind: string, size: number): void {
    if (size > maxExtension) throw corruptLayer(`an extended header of ${String(size)} bytes is too long`);
    if (size === 0) return;
    this.#state = { at: 'extension', kind, blocks: [] };
    this.#remaining = size;
    this.#padding = paddingOf(size);
  }

  #extension(kind: string, blocks: readonly Buffer[], padding: number): void {
    const body = Buffer.concat(blocks);
    const content = body.subarray(0, body.length - padding);
    this.#state = { at: 'header' };
    this.#remaining = 0;
    this.#padding = 0;
    if (kind === 'L') this.#longPath = cString(content, 0, content.length);
    else if (kind === 'K') this.#longLink = cString(content, 0, content.length);
    else if (kind === 'g') this.#globals = withGlobals(this.#globals, parsePax(content));
    else this.#records = parsePax(content);
  }

  #file(block: Buffer, decoded: ReturnType<typeof decodeHeader>, typeflag: string): void {
    const records = this.#globals.length === 0 ? this.#records : [...this.#globals, ...this.#records];
    const header = rawHeader(block, decoded, typeflag, {
      records,
      longPath: this.#longPath,
      longLink: this.#longLink,
    });
    this.#records = [];
    this.#longPath = undefined;
    this.#longLink = undefined;
    if (typeflag === 'S') {
      const { segments, more, realSize } = oldGnuHeader(block);
      const sparse = { ...header, realSize };
      if (more) this.#state = { at: 'sparse-header', header: sparse, segments: [...segments] };
      else this.#emit(sparse, { realSize, segments });
      return;
    }
    const realSize = records.length === 0 ? undefined : paxSparseRealSize(records);
    if (realSize !== undefined) {
      this.#state = { at: 'sparse-map', header: { ...header, realSize }, map: new Sparse1Map() };
      return;
    }
    this.#emit(header, records.length === 0 ? undefined : paxSparseMap(records));
  }

  #emit(header: RawHeader, sparse: SparseMap | undefined): void {
    // A volume label and GNU's "long names" table describe the archive, not a file.
    if (header.typeflag === 'V' || header.typeflag === 'N') {
      this.#startBody('skip', header.size);
      return;
    }
    // Before there was a type for them, directories were files whose name ends in a slash.
    const plain = header.typeflag === '0' || header.typeflag === '\0';
    const type = plain && header.path.endsWith('/') ? 'dir' : entryTypes[header.typeflag];
    if (type === undefined) throw corruptLayer(`an entry has the unknown type "${header.typeflag}"`);
    // Only files have data. Where a header gives another kind of entry a size, nothing follows it (as Go's reader has it).
    const size = type === 'file' || header.typeflag === 'D' ? header.size : 0;
    if (sparse !== undefined) checkSparseMap(sparse, size);
    const xattrs = header.records.length === 0 ? noXattrs : paxXattrs(header.records);
    this.#handler.entry({ ...header, type, size, xattrs, sparse });
    this.#startBody(type === 'file' ? 'data' : 'skip', size);
    if (type !== 'file') this.#handler.end();
  }
}

/** What holds for all entries to come is bounded as a whole. */
function withGlobals(known: PaxRecords, more: PaxRecords): PaxRecords {
  const records = [...new Map([...known, ...more])];
  const length = records.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (length > maxExtension) throw corruptLayer('its extended headers for all files (PAX) are too long');
  return records;
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}
