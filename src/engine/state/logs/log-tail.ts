/**
 * Where to start reading for the last lines of a log: the record that holds the first of them, and how many of that
 * record's leading lines to leave out. Reads backwards over all files, so its cost does not grow with the log.
 */
import { readSync } from 'node:fs';
import {
  findRecord,
  HEADER,
  isHeader,
  recordAt,
  totalLength,
  TRAILER,
  OVERHEAD,
  type LogRecord,
} from './log-record.ts';

interface File {
  readonly fd: number;
  readonly size: number;
}

export interface TailStart {
  /** Which of the files, by its place. */
  readonly file: number;
  readonly offset: number;
  readonly skip: number;
}

interface Placed {
  readonly file: number;
  readonly offset: number;
  readonly end: number;
  readonly record: LogRecord;
}

export function findTail(files: readonly File[], lines: number): TailStart {
  let seen = 0;
  let following: Placed | undefined;
  for (const placed of backwards(files)) {
    const { kind, payload } = placed.record;
    if (lines === 0) return { file: placed.file, offset: placed.end, skip: 0 };
    // What the other stream says next is a line of its own, also where this one has not ended its own.
    if (following !== undefined && following.record.kind !== kind && payload.at(-1) !== 0x0a) {
      seen += 1;
      if (seen >= lines) return { file: following.file, offset: following.offset, skip: 0 };
    }
    let breaks = count(payload, 0x0a);
    // The newline that ends the log ends its last line; it does not begin another.
    if (following === undefined && payload.at(-1) === 0x0a) breaks -= 1;
    if (seen + breaks >= lines)
      return { file: placed.file, offset: placed.offset, skip: seen + breaks - lines + 1 };
    seen += breaks;
    following = placed;
  }
  return { file: 0, offset: 0, skip: 0 };
}

function* backwards(files: readonly File[]): Generator<Placed> {
  for (let file = files.length - 1; file >= 0; file -= 1) {
    const { fd, size } = files[file] as File;
    let end = size;
    while (end > 0) {
      const start = startOfLast(fd, end);
      // Cut short by a crash, or damaged: what is before that can only be found from the beginning.
      if (start === undefined) {
        yield* forwards(read(fd, 0, end), file).reverse();
        break;
      }
      yield { file, offset: start, end, record: recordAt(read(fd, start, end - start)) };
      end = start;
    }
  }
}

function startOfLast(fd: number, end: number): number | undefined {
  if (end < OVERHEAD) return undefined;
  const total = read(fd, end - TRAILER, TRAILER).readUInt32BE(0);
  if (total < OVERHEAD || total > end) return undefined;
  const header = read(fd, end - total, HEADER);
  return isHeader(header) && totalLength(header) === total ? end - total : undefined;
}

function forwards(bytes: Buffer, file: number): Placed[] {
  const found: Placed[] = [];
  for (let at = findRecord(bytes, 0); at >= 0; at = findRecord(bytes, found.at(-1)?.end ?? 0)) {
    found.push({ file, offset: at, end: at + totalLength(bytes, at), record: recordAt(bytes, at) });
  }
  return found;
}

function read(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

function count(bytes: Buffer, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found += 1;
  return found;
}
