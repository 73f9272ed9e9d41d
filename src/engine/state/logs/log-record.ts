/** The records of a log (log-file.ts): recognises a record, and finds the next after damage. Pure. */

export const HEADER = 13;
export const TRAILER = 4;
export const OVERHEAD = HEADER + TRAILER;

export type LogStream = 1 | 2;
/** 3: a gap; its text goes to standard error. */
export type RecordKind = LogStream | 3;

export interface LogRecord {
  readonly kind: RecordKind;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly payload: Buffer;
}

/** No read of a container's output is nearly as long. */
const LONGEST = 1 << 26;

export const isHeader = (bytes: Buffer, at = 0): boolean =>
  bytes.length >= at + HEADER &&
  (bytes[at + 4] === 1 || bytes[at + 4] === 2 || bytes[at + 4] === 3) &&
  bytes.readUInt32BE(at) <= LONGEST;

/** Of the record that begins there, its overhead included. */
export const totalLength = (bytes: Buffer, at = 0): number => bytes.readUInt32BE(at) + OVERHEAD;

export function recordAt(bytes: Buffer, at = 0): LogRecord {
  const total = totalLength(bytes, at);
  return {
    kind: bytes[at + 4] as RecordKind,
    time: bytes.readBigUInt64BE(at + 5),
    payload: bytes.subarray(at + HEADER, at + total - TRAILER),
  };
}

export const isRecord = (bytes: Buffer, at = 0): boolean => {
  if (!isHeader(bytes, at)) return false;
  const total = totalLength(bytes, at);
  return bytes.length >= at + total && bytes.readUInt32BE(at + total - TRAILER) === total;
};

/** Where the next whole record begins, from `at` on; -1 if none does. */
export function findRecord(bytes: Buffer, at: number): number {
  for (let place = at; place + OVERHEAD <= bytes.length; place += 1) if (isRecord(bytes, place)) return place;
  return -1;
}

/**
 * A record cut short by a crash can only be the last one: where it is, the whole ones end before it. undefined if there
 * is something that is no record.
 */
export function endOfRecords(size: number, read: (at: number, length: number) => Buffer): number | undefined {
  if (size === 0) return 0;
  if (size >= OVERHEAD) {
    const total = read(size - TRAILER, TRAILER).readUInt32BE(0);
    const header = total >= OVERHEAD && total <= size ? read(size - total, HEADER) : undefined;
    if (header !== undefined && isHeader(header) && totalLength(header) === total) return size;
  }
  let offset = 0;
  for (;;) {
    const header = read(offset, HEADER);
    if (header.length < HEADER) return offset;
    if (!isHeader(header)) return undefined;
    const next = offset + totalLength(header);
    if (next > size) return offset;
    offset = next;
  }
}
