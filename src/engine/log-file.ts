/**
 * A container's log. One record for each read(2) of its output, so that writing costs the same for one line or for
 * ten thousand, and reading it back is copying:
 *
 *     [payload length u32][stream u8: 1 stdout, 2 stderr][time u64, ns since the epoch][payload][record length u32]
 *
 * All numbers big endian. The trailing length lets `--tail` walk backwards from the end. A line's time is the time
 * of the read that brought its first byte.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writevSync } from 'node:fs';
import { nowNs } from './time.ts';

const HEADER = 13;
const TRAILER = 4;
const OVERHEAD = HEADER + TRAILER;

export type LogStream = 1 | 2;

export interface LogRecord {
  readonly stream: LogStream;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly payload: Buffer;
}

export class LogWriter {
  private readonly fd: number;
  /** Where the next record goes: the end of the last whole one. */
  private size: number;

  constructor(path: string) {
    this.fd = openSync(path, 'a', 0o600);
    this.size = wholeRecords(path);
    ftruncateSync(this.fd, this.size);
  }

  /** @throws what write(2) says, a full disk above all; the log then ends with the last whole record. */
  write(stream: LogStream, payload: Uint8Array): void {
    const header = Buffer.allocUnsafe(HEADER);
    header.writeUInt32BE(payload.length, 0);
    header[4] = stream;
    header.writeBigUInt64BE(nowNs(), 5);
    const trailer = Buffer.allocUnsafe(TRAILER);
    trailer.writeUInt32BE(payload.length + OVERHEAD, 0);
    const total = payload.length + OVERHEAD;
    let written = 0;
    try {
      written = writevSync(this.fd, [header, payload, trailer]);
    } finally {
      // Half a record in the middle would make nonsense of all that follow.
      if (written === total) this.size += total;
      else ftruncateSync(this.fd, this.size);
    }
    if (written !== total)
      throw Object.assign(new Error('ENOSPC: the log could not be written whole'), { code: 'ENOSPC' });
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Reads records forward from any record boundary; `next` gives undefined where the log ends for now. */
export class LogReader {
  private readonly fd: number;
  private buffer: Buffer = Buffer.alloc(0);
  /** File offset of buffer[0]. */
  private offset: number;

  constructor(path: string, offset = 0) {
    this.fd = openSync(path, 'r');
    this.offset = offset;
  }

  next(): LogRecord | undefined {
    if (!this.fill(HEADER)) return undefined;
    const length = this.buffer.readUInt32BE(0);
    if (!this.fill(length + OVERHEAD)) return undefined;
    const record: LogRecord = {
      stream: this.buffer[4] === 2 ? 2 : 1,
      time: this.buffer.readBigUInt64BE(5),
      payload: this.buffer.subarray(HEADER, HEADER + length),
    };
    this.buffer = this.buffer.subarray(length + OVERHEAD);
    this.offset += length + OVERHEAD;
    return record;
  }

  close(): void {
    closeSync(this.fd);
  }

  private fill(wanted: number): boolean {
    if (this.buffer.length >= wanted) return true;
    const chunk = Buffer.allocUnsafe(Math.max(1 << 20, wanted));
    this.buffer.copy(chunk);
    let have = this.buffer.length;
    while (have < wanted) {
      const count = readSync(this.fd, chunk, have, chunk.length - have, this.offset + have);
      if (count === 0) break;
      have += count;
    }
    this.buffer = chunk.subarray(0, have);
    return have >= wanted;
  }
}

/**
 * Where to start reading for the last `lines` lines: the offset of the record that holds the first of them, and how
 * many of that record's leading lines to leave out. Reads backwards, so its cost does not grow with the log.
 */
export function findTail(path: string, lines: number): { readonly offset: number; readonly skip: number } {
  const fd = openSync(path, 'r');
  try {
    let end = endOfRecords(fd, fstatSync(fd).size);
    if (lines === 0) return { offset: end, skip: 0 };
    let seen = 0;
    let last = true;
    let following: number | undefined;
    while (end > 0) {
      const trailer = Buffer.allocUnsafe(TRAILER);
      readSync(fd, trailer, 0, TRAILER, end - TRAILER);
      const total = trailer.readUInt32BE(0);
      const header = Buffer.allocUnsafe(HEADER);
      readSync(fd, header, 0, HEADER, end - total);
      const payload = Buffer.allocUnsafe(total - OVERHEAD);
      readSync(fd, payload, 0, payload.length, end - total + HEADER);
      // What the other stream says next is a line of its own, also where this one has not ended its own.
      if (following !== undefined && following !== header[4] && payload.at(-1) !== 0x0a) {
        seen += 1;
        if (seen >= lines) return { offset: end, skip: 0 };
      }
      following = header[4];
      let breaks = count(payload, 0x0a);
      // The newline that ends the log ends its last line; it does not begin another.
      if (last && payload.at(-1) === 0x0a) breaks -= 1;
      last = false;
      if (seen + breaks >= lines) return { offset: end - total, skip: seen + breaks - lines + 1 };
      seen += breaks;
      end -= total;
    }
    return { offset: 0, skip: 0 };
  } finally {
    closeSync(fd);
  }
}

function wholeRecords(path: string): number {
  const fd = openSync(path, 'r');
  try {
    return endOfRecords(fd, fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}

/** A record cut short by a crash can only be the last one: where it is, the whole ones end before it. */
function endOfRecords(fd: number, size: number): number {
  if (size === 0) return 0;
  const trailer = Buffer.allocUnsafe(TRAILER);
  readSync(fd, trailer, 0, TRAILER, size - TRAILER);
  const total = trailer.readUInt32BE(0);
  if (total >= OVERHEAD && total <= size) {
    const header = Buffer.allocUnsafe(TRAILER);
    readSync(fd, header, 0, TRAILER, size - total);
    if (header.readUInt32BE(0) + OVERHEAD === total) return size;
  }
  let offset = 0;
  for (;;) {
    const header = Buffer.allocUnsafe(TRAILER);
    if (readSync(fd, header, 0, TRAILER, offset) < TRAILER) return offset;
    const next = offset + header.readUInt32BE(0) + OVERHEAD;
    if (next > size) return offset;
    offset = next;
  }
}

function count(bytes: Buffer, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found += 1;
  return found;
}
