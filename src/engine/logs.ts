/** Reading a container's log for people: `--tail`, `--since`, `--until`, timestamps, and following it as it grows. */
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { findTail, LogReader, type LogRecord } from './log-file.ts';
import { containerDir, type Paths } from './paths.ts';
import { waitForShim } from './shim-client.ts';
import type { Container } from './store.ts';
import { formatNs } from './time.ts';

export interface LogOptions {
  readonly follow: boolean;
  /** undefined: all. */
  readonly tail: number | undefined;
  /** Nanoseconds since the epoch. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  readonly timestamps: boolean;
}

export type LogSink = (stream: 1 | 2, bytes: Buffer) => void | Promise<void>;

export const logPath = (paths: Paths, id: string): string => join(containerDir(paths, id), 'container.log');

export async function readLogs(
  paths: Paths,
  container: Container,
  options: LogOptions,
  sink: LogSink,
): Promise<void> {
  const path = logPath(paths, container.config.id);
  if (!existsSync(path)) return;
  const start = options.tail === undefined ? { offset: 0, skip: 0 } : findTail(path, options.tail);
  const reader = new LogReader(path, start.offset);
  const printer = new LinePrinter(options, sink, start.skip);
  try {
    await drain(reader, printer);
    if (options.follow && container.state.status === 'running') {
      await follow(path, reader, printer, () => waitForShim(paths, container.config.id));
    }
  } finally {
    reader.close();
  }
}

async function drain(reader: LogReader, printer: LinePrinter): Promise<void> {
  for (let record = reader.next(); record !== undefined; record = reader.next()) await printer.print(record);
}

async function follow(
  path: string,
  reader: LogReader,
  printer: LinePrinter,
  ended: () => Promise<unknown>,
): Promise<void> {
  let wake: () => void = () => undefined;
  let over = false;
  const watcher = watch(path, () => wake());
  void ended().then(() => {
    over = true;
    wake();
  });
  try {
    for (;;) {
      // Armed before reading: a change between the read and the wait must not be missed.
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const last = over;
      await drain(reader, printer);
      if (last) return;
      if (!over) await changed;
    }
  } finally {
    watcher.close();
  }
}

/** Puts records on the sink: as they are where nothing about lines was asked, line by line otherwise. */
class LinePrinter {
  /** Streams whose last byte so far was not a newline. */
  private readonly midLine = new Set<1 | 2>();
  private skip: number;

  constructor(
    private readonly options: LogOptions,
    private readonly sink: LogSink,
    skip: number,
  ) {
    this.skip = skip;
  }

  async print(record: LogRecord): Promise<void> {
    let { payload } = record;
    while (this.skip > 0) {
      const end = payload.indexOf(0x0a);
      if (end < 0) return;
      payload = payload.subarray(end + 1);
      this.skip -= 1;
    }
    const { since, until, timestamps } = this.options;
    if (since !== undefined && record.time < since) return;
    if (until !== undefined && record.time > until) return;
    if (payload.length === 0) return;
    await this.sink(record.stream, timestamps ? this.stamp({ ...record, payload }) : payload);
  }

  /** Each line with the time of its first byte; a line cut by the end of a read goes on without a second stamp. */
  private stamp(record: LogRecord): Buffer {
    const parts: Buffer[] = [];
    const prefix = Buffer.from(`${formatNs(record.time)} `);
    let midLine = this.midLine.has(record.stream);
    let rest = record.payload;
    while (rest.length > 0) {
      const end = rest.indexOf(0x0a);
      const line = end < 0 ? rest : rest.subarray(0, end + 1);
      if (!midLine) parts.push(prefix);
      parts.push(line);
      midLine = end < 0;
      rest = rest.subarray(line.length);
    }
    if (midLine) this.midLine.add(record.stream);
    else this.midLine.delete(record.stream);
    return Buffer.concat(parts);
  }
}
