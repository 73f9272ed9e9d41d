/**
 * A container's log, as files: container.log, which is written to, and container.log.1, .2 … which were before it. One
 * record for each read(2) of its output, so that writing costs the same for one line or for ten thousand, and reading
 * it back is copying:
 *
 *     [payload length u32][kind u8: 1 stdout, 2 stderr, 3 gap][time u64, ns since the epoch][payload][record length u32]
 *
 * All numbers big endian. The trailing length lets `--tail` walk backwards from the end. A line's time is the time of
 * the read that brought its first byte. A gap says, as a line of text, how much could not be written at its place.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { endOfRecords, HEADER, OVERHEAD, TRAILER, type LogStream, type RecordKind } from './log-record.ts';
import { formatNs, nowNs } from '../../spec/time.ts';
import type { LogLoss } from '../../spec/container.ts';

export interface LogLimits {
  /** Bytes of a file before the next one is begun. */
  readonly maxSize: number;
  /** Files that are kept, the one written to included. */
  readonly maxFiles: number;
}

export const rotatedPath = (path: string, number: number): string =>
  number === 0 ? path : `${path}.${String(number)}`;

export class LogWriter {
  private fd: number;
  /** Where the next record goes: the end of the last whole one. */
  private size: number;
  /** Since the last record that was written. */
  private missing = 0;
  private loss: LogLoss | undefined;

  /** Calls `onLoss` with everything lost so far: at the beginning of a loss, at its end, and at the end of the log. */
  constructor(
    private readonly path: string,
    private readonly limits: LogLimits = { maxSize: Infinity, maxFiles: 1 },
    private readonly onLoss: (loss: LogLoss) => void = () => undefined,
  ) {
    this.fd = openSync(path, 'a', 0o600);
    const { size } = fstatSync(this.fd);
    const end = sizeOfWhole(path);
    this.size = end ?? size;
    // A damaged file is kept as it is, and a new one begun.
    if (end === undefined) this.rotate();
    else if (end < size) ftruncateSync(this.fd, end);
  }

  /** What cannot be written costs lines of the log and nothing else: its place is marked as soon as that can be. */
  write(stream: LogStream, payload: Uint8Array): void {
    try {
      if (this.size > 0 && this.size + payload.length + OVERHEAD > this.limits.maxSize) this.rotate();
      if (this.missing > 0) this.markGap();
      this.append(stream, payload);
    } catch (error) {
      const first = this.missing === 0;
      this.missing += payload.length;
      this.loss = {
        bytes: (this.loss?.bytes ?? 0) + payload.length,
        since: this.loss?.since ?? formatNs(nowNs()),
        reason: (error as Error).message,
      };
      if (first) this.onLoss(this.loss);
    }
  }

  /** Once: a shim that waits between two runs has closed it already when it has to stop. */
  close(): void {
    if (this.fd < 0) return;
    try {
      if (this.missing > 0) this.markGap();
    } catch {
      // Still no room: the container's record holds it.
    }
    if (this.loss !== undefined) this.onLoss(this.loss);
    closeSync(this.fd);
    this.fd = -1;
  }

  private markGap(): void {
    const text = `[minidock: ${String(this.missing)} bytes of output are missing here: the log could not be written (${this.loss?.reason ?? ''})]\n`;
    this.append(3, Buffer.from(text));
    this.missing = 0;
    if (this.loss !== undefined) this.onLoss(this.loss);
  }

  /** @throws what write(2) says, a full disk above all; the log then ends with the last whole record. */
  private append(kind: RecordKind, payload: Uint8Array): void {
    const header = Buffer.allocUnsafe(HEADER);
    header.writeUInt32BE(payload.length, 0);
    header[4] = kind;
    header.writeBigUInt64BE(nowNs(), 5);
    const trailer = Buffer.allocUnsafe(TRAILER);
    const total = payload.length + OVERHEAD;
    trailer.writeUInt32BE(total, 0);
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

  /** The oldest file goes, all others get the next number. Readers know a file by its inode (log-reader.ts). */
  private rotate(): void {
    const { maxFiles } = this.limits;
    if (maxFiles === 1) rmSync(this.path, { force: true });
    for (let number = maxFiles - 1; number > 0; number -= 1) {
      try {
        renameSync(rotatedPath(this.path, number - 1), rotatedPath(this.path, number));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // There are not that many yet.
      }
    }
    const before = this.fd;
    this.fd = openSync(this.path, 'a', 0o600);
    closeSync(before);
    this.size = fstatSync(this.fd).size;
  }
}

/** undefined if it holds something that is no record. */
function sizeOfWhole(path: string): number | undefined {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    return endOfRecords(size, (at, length) => {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
    });
  } finally {
    closeSync(fd);
  }
}
