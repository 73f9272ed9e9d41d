/**
 * Reading a log forward, from its oldest file to the one that is written to. All files are opened at once: what is there
 * at the moment of asking is read, whatever the writer deletes meanwhile, and nothing that comes later, so a container
 * that writes faster than it is read does not keep the reader for ever. A follower goes on: it knows by the inode of its
 * file that another one has been begun, and finds its place among the names by it.
 */
import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { rotatedPath } from './log-file.ts';
import {
  findRecord,
  HEADER,
  isHeader,
  isRecord,
  recordAt,
  totalLength,
  type LogRecord,
} from './log-record.ts';
import { findTail } from './log-tail.ts';

export interface LogReaderOptions {
  /** Goes on with what comes. */
  readonly follow?: boolean;
  /** Only the last lines. */
  readonly tail?: number | undefined;
  readonly onDamage?: (message: string) => void;
}

export interface OpenLog {
  readonly path: string;
  readonly fd: number;
  readonly inode: number;
  /** Bytes when it was opened. */
  readonly size: number;
}

export class LogReader {
  /** Lines to leave out at the beginning of the first record. */
  readonly skip: number;
  private readonly files: OpenLog[];
  private buffer: Buffer = Buffer.alloc(0);
  /** In the first of the files: where buffer[0] is. */
  private offset: number;
  private sawRotation = false;

  constructor(
    private readonly path: string,
    private readonly options: LogReaderOptions = {},
  ) {
    this.files = openAll(path);
    const start =
      options.tail === undefined ? { file: 0, offset: 0, skip: 0 } : findTail(this.files, options.tail);
    for (const { fd } of this.files.splice(0, start.file)) closeSync(fd);
    this.offset = start.offset;
    this.skip = start.skip;
  }

  /** undefined where the log ends, for now. */
  next(): LogRecord | undefined {
    for (;;) {
      const record = this.read();
      if (record !== undefined) return record;
      if (!this.advance()) return undefined;
    }
  }

  close(): void {
    for (const { fd } of this.files) closeSync(fd);
  }

  private read(): LogRecord | undefined {
    if (!this.fill(HEADER)) return undefined;
    if (isHeader(this.buffer)) {
      const total = totalLength(this.buffer);
      // A last record that is cut short by a crash, or not written whole yet.
      if (!this.fill(total)) return undefined;
      if (isRecord(this.buffer)) {
        const record = recordAt(this.buffer);
        this.drop(total);
        return record;
      }
    }
    return this.skipDamage() ? this.read() : undefined;
  }

  private skipDamage(): boolean {
    const [file] = this.files;
    if (file === undefined) return false;
    const left = this.end - this.offset;
    this.fill(left);
    const found = findRecord(this.buffer, 1);
    const length = found < 0 ? this.buffer.length : found;
    this.options.onDamage?.(
      `${file.path} is damaged: ${String(length)} bytes from ${String(this.offset)} on hold no record`,
    );
    this.drop(length);
    return found >= 0;
  }

  /** To the next file; for a follower, only once nothing can come in this one any more. */
  private advance(): boolean {
    const [file] = this.files;
    if (file === undefined) return false;
    if (this.files.length > 1) {
      this.files.shift();
    } else {
      if (this.options.follow !== true || inodeOf(this.path) === file.inode) return false;
      // What was written before the other file was begun is read first.
      if (!this.sawRotation) {
        this.sawRotation = true;
        return true;
      }
      const next = openNext(this.path, file.inode);
      if (next === undefined) return false;
      this.files[0] = next;
    }
    closeSync(file.fd);
    this.buffer = Buffer.alloc(0);
    this.offset = 0;
    this.sawRotation = false;
    return true;
  }

  /** What the first file holds for this reader. */
  private get end(): number {
    const [file] = this.files;
    if (file === undefined) return 0;
    return this.options.follow === true && this.files.length === 1 ? fstatSync(file.fd).size : file.size;
  }

  private drop(length: number): void {
    this.buffer = this.buffer.subarray(length);
    this.offset += length;
  }

  private fill(wanted: number): boolean {
    if (this.buffer.length >= wanted) return true;
    const [file] = this.files;
    const most = this.end - this.offset;
    if (file === undefined || most < wanted) return false;
    const chunk = Buffer.allocUnsafe(Math.min(most, Math.max(1 << 20, wanted)));
    this.buffer.copy(chunk);
    let have = this.buffer.length;
    while (have < wanted) {
      const count = readSync(file.fd, chunk, have, chunk.length - have, this.offset + have);
      if (count === 0) break;
      have += count;
    }
    this.buffer = chunk.subarray(0, have);
    return have >= wanted;
  }
}

/** Oldest first. Taken again if the writer began another file meanwhile. */
function openAll(path: string): OpenLog[] {
  for (;;) {
    const files: OpenLog[] = [];
    for (let number = 0; ; number += 1) {
      const file = open(rotatedPath(path, number));
      if (file === undefined) break;
      files.unshift(file);
    }
    const [newest, before] = [files.at(-1), files.at(-2)];
    if (newest?.inode === inodeOf(path) && before?.inode === inodeOf(rotatedPath(path, 1))) return files;
    for (const { fd } of files) closeSync(fd);
  }
}

/** The file that was begun after the one of that inode; the oldest there is if that one has gone. */
function openNext(path: string, inode: number): OpenLog | undefined {
  let number = 0;
  for (; ; number += 1) {
    const found = inodeOf(rotatedPath(path, number));
    if (found === undefined || found === inode) break;
  }
  return number === 0 ? undefined : open(rotatedPath(path, number - 1));
}

function open(path: string): OpenLog | undefined {
  try {
    const fd = openSync(path, 'r');
    const { ino, size } = fstatSync(fd);
    return { path, fd, inode: ino, size };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const inodeOf = (path: string): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.ino;
