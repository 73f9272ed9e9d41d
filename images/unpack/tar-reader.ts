/**
 * Reads a tar archive as it streams past: POSIX ustar and PAX, GNU and old V7, everything `docker save`, BuildKit
 * and GNU tar write. Blocks are decoded in tar-header.ts; what lies between them is read here, because names and
 * attributes must stay bytes, sparse files must keep their holes, and a layer of 100,000 files should cost neither a
 * promise nor a stream per file: the handler is called synchronously, in order, with slices of the chunks.
 *
 * An archive may end wherever nothing of a file is missing: without the two empty blocks, and without the padding
 * behind the last file (umoci's `insert` writes such layers). Docker draws the line there, too.
 *
 * Deliberately absent: anything that touches the disk, and any judgement on where a path points (paths.ts).
 */
import { corruptLayer } from './corrupt.ts';
import { parsePax, paxXattrs, type PaxRecords } from './pax.ts';
import {
  checkSparseMap,
  oldGnuExtension,
  oldGnuHeader,
  paxSparse,
  Sparse1Map,
  type Segment,
  type SparseMap,
} from './sparse.ts';
import type { EntryType, TarHandler } from './tar-entry.ts';
import {
  checkRecords,
  cString,
  decodeHeader,
  isZeroBlock,
  rawHeader,
  type HeaderBlock,
  type RawHeader,
} from './tar-header.ts';

const BLOCK_SIZE = 512;
/** Go's archive/tar, and so Docker, draws the line for extended headers here too. */
const MAX_EXTENSION = 1 << 20;
/** Of a sparse file's map, which stays in memory while the file comes in. */
const MAX_SPARSE_MAP = 64 << 20;
const MAX_SEGMENTS = 1 << 20;
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * More kinds than Docker takes, which refuses contiguous files ('7'), GNU's sparse files ('S'), volume labels and
 * directories with a list of names ('V', 'D'): GNU tar writes them, and what they mean is beyond doubt.
 */
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
  private readonly handler: TarHandler;
  private state: State = { at: 'header' };
  /** Bytes of the current body still to come, and of the padding behind it. */
  private remaining = 0;
  private padding = 0;
  private partial: Buffer = Buffer.alloc(0);
  private zeroBlocks = 0;
  private entries = 0;
  private records: PaxRecords = [];
  private longPath: string | undefined;
  private longLink: string | undefined;

  constructor(handler: TarHandler) {
    this.handler = handler;
  }

  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.state.at !== 'end') {
      if (this.state.at === 'data' || this.state.at === 'skip') {
        at += this.body(chunk.subarray(at));
        continue;
      }
      // Everything else comes in whole blocks; one cut in two by the chunks is put together first.
      const missing = BLOCK_SIZE - this.partial.length;
      if (chunk.length - at < missing) {
        this.partial = Buffer.concat([this.partial, chunk.subarray(at)]);
        return;
      }
      const piece = chunk.subarray(at, at + missing);
      const block = this.partial.length === 0 ? piece : Buffer.concat([this.partial, piece]);
      this.partial = Buffer.alloc(0);
      at += missing;
      this.block(block);
    }
  }

  /** Whether the two empty blocks that end an archive have come. */
  get ended(): boolean {
    return this.state.at === 'end';
  }

  /** The archive is over: throws if it broke off in the middle of something. */
  finish(): void {
    const state = this.state;
    if (state.at === 'end') return;
    if (this.entries === 0 && this.partial.length > 0) throw corruptLayer('it is not a tar archive');
    const isBody = state.at === 'data' || state.at === 'skip';
    if (isBody && this.remaining === 0) this.endOfBody();
    else if (state.at === 'extension' && this.partial.length >= this.remaining)
      this.extension(state.kind, Buffer.concat([...state.blocks, this.partial.subarray(0, this.remaining)]));
    else if (state.at !== 'header' || this.partial.length > 0) throw corruptLayer('the archive is truncated');
  }

  private body(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.remaining);
    if (taken > 0) {
      if (this.state.at === 'data') this.handler.data(bytes.subarray(0, taken));
      this.remaining -= taken;
    }
    const skipped = this.remaining === 0 ? Math.min(bytes.length - taken, this.padding) : 0;
    this.padding -= skipped;
    if (this.remaining === 0 && this.padding === 0) this.endOfBody();
    return taken + skipped;
  }

  private startBody(at: 'data' | 'skip', size: number): void {
    this.state = { at };
    this.remaining = size;
    this.padding = paddingOf(size);
    if (size === 0) this.endOfBody();
  }

  private endOfBody(): void {
    const had = this.state.at;
    this.state = { at: 'header' };
    if (had === 'data') this.handler.end();
  }

  private block(block: Buffer): void {
    const state = this.state;
    switch (state.at) {
      case 'header':
        this.header(block);
        return;
      case 'extension':
        state.blocks.push(Buffer.from(block.subarray(0, this.remaining)));
        this.remaining -= Math.min(BLOCK_SIZE, this.remaining);
        if (this.remaining === 0) this.extension(state.kind, Buffer.concat(state.blocks));
        return;
      case 'sparse-header': {
        const { segments, more } = oldGnuExtension(block);
        state.segments.push(...segments);
        if (state.segments.length > MAX_SEGMENTS) throw corruptLayer('the map of a sparse file has no end');
        if (!more) this.emit(state.header, { realSize: state.header.realSize, segments: state.segments });
        return;
      }
      case 'sparse-map': {
        const { header, map } = state;
        const segments = map.add(block);
        if (map.length > Math.min(header.size, MAX_SPARSE_MAP))
          throw corruptLayer('the map of a sparse file has no end');
        if (segments === undefined) return;
        const { realSize } = header;
        this.emit({ ...header, size: header.size - map.length }, { realSize, segments });
        return;
      }
      case 'data':
      case 'skip':
      case 'end':
        return;
    }
  }

  private header(block: Buffer): void {
    if (isZeroBlock(block)) {
      this.zeroBlocks += 1;
      if (this.zeroBlocks === 2) this.state = { at: 'end' };
      return;
    }
    // GNU tar would go on, others take it for the end; Docker, in doubt, for damage.
    if (this.zeroBlocks > 0) throw corruptLayer('an empty block stands between its entries');
    const decoded = decodeHeader(block);
    if (decoded === undefined) {
      throw corruptLayer(this.entries === 0 ? 'it is not a tar archive' : 'a header has a wrong checksum');
    }
    this.entries += 1;
    switch (decoded.typeflag) {
      case 'x':
      case 'X':
      case 'g':
      case 'L':
      case 'K':
        this.startExtension(decoded);
        return;
      default:
        this.file(block, decoded);
    }
  }

  private startExtension({ typeflag: kind, size }: HeaderBlock): void {
    if (size > MAX_EXTENSION) throw corruptLayer(`an extended header of ${String(size)} bytes is too long`);
    this.remaining = size;
    if (size === 0) this.extension(kind, Buffer.alloc(0));
    else this.state = { at: 'extension', kind, blocks: [] };
  }

  private extension(kind: string, content: Buffer): void {
    this.state = { at: 'header' };
    // An empty name is none.
    if (kind === 'L') this.longPath = cString(content, 0, content.length) || undefined;
    else if (kind === 'K') this.longLink = cString(content, 0, content.length) || undefined;
    else if (kind === 'g') this.ignoreGlobal(parsePax(content));
    else this.records = parsePax(content);
  }

  /**
   * What a header for all entries to come says is checked and then ignored, as Docker does it: git writes a comment
   * there. To Docker it is an entry, so that what stood before it is used up.
   */
  private ignoreGlobal(records: PaxRecords): void {
    checkRecords(records);
    this.forgetExtensions();
  }

  private forgetExtensions(): void {
    this.records = [];
    this.longPath = undefined;
    this.longLink = undefined;
  }

  private file(block: Buffer, decoded: HeaderBlock): void {
    const records = this.records;
    const header = rawHeader(block, decoded, {
      records,
      longPath: this.longPath,
      longLink: this.longLink,
    });
    this.forgetExtensions();
    if (decoded.typeflag === 'S') {
      const { segments, more, realSize } = oldGnuHeader(block);
      const sparse = { ...header, realSize };
      if (more) this.state = { at: 'sparse-header', header: sparse, segments: [...segments] };
      else this.emit(sparse, { realSize, segments });
      return;
    }
    const sparse = records.length === 0 ? undefined : paxSparse(records);
    if (sparse === undefined) {
      this.emit(header, undefined);
      return;
    }
    const { name, segments, realSize = header.size } = sparse;
    const named = { ...header, realSize, path: name ?? header.path };
    if (segments !== undefined) this.emit(named, { realSize, segments });
    else this.state = { at: 'sparse-map', header: named, map: new Sparse1Map() };
  }

  private emit(header: RawHeader, sparse: SparseMap | undefined): void {
    // A volume label and GNU's "long names" table describe the archive, not a file.
    if (header.typeflag === 'V' || header.typeflag === 'N') {
      this.startBody('skip', header.size);
      return;
    }
    // Before there was a type for them, directories were files whose name ends in a slash.
    const type = header.typeflag === '\0' && header.path.endsWith('/') ? 'dir' : entryTypes[header.typeflag];
    if (type === undefined) throw corruptLayer(`an entry has the unknown type "${header.typeflag}"`);
    // Only files have data. Where a header gives another kind of entry a size, nothing follows it (as Go's reader has it).
    const size = type === 'file' || header.typeflag === 'D' ? header.size : 0;
    if (sparse !== undefined) checkSparseMap(sparse, size);
    const xattrs = header.records.length === 0 ? noXattrs : paxXattrs(header.records);
    this.handler.entry({ ...header, type, size, xattrs, sparse });
    this.startBody(type === 'file' ? 'data' : 'skip', size);
    if (type !== 'file') this.handler.end();
  }
}

function paddingOf(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}
