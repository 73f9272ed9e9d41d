/** From the records of a log to what a reader sees: since, until, time stamps, and the lines that `--tail` leaves out. */
import type { LogRecord, RecordKind } from './state/logs/log-record.ts';
import { formatNs } from './spec/time.ts';

export interface PrintOptions {
  /** Nanoseconds since the epoch; both ends belong to what is printed, as in Docker. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  readonly timestamps: boolean;
  /** Stands in front of each line of output, after the time: what `logs --details` adds. */
  readonly details?: string;
}

export type LogSink = (stream: 1 | 2, bytes: Buffer) => void | Promise<void>;

/** Puts records on the sink: as they are where nothing about lines was asked, line by line otherwise. */
export class LinePrinter {
  /** Streams whose last byte so far was not a newline. */
  private readonly midLine = new Set<RecordKind>();
  private skip: number;

  constructor(
    private readonly options: PrintOptions,
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
    const { since, until, timestamps, details } = this.options;
    if (since !== undefined && record.time < since) return;
    if (until !== undefined && record.time > until) return;
    if (payload.length === 0) return;
    await this.sink(
      record.kind === 1 ? 1 : 2,
      timestamps || details !== undefined ? this.stamp({ ...record, payload }) : payload,
    );
  }

  /** Each line with the time of its first byte; a line cut by the end of a read goes on without a second stamp. */
  private stamp(record: LogRecord): Buffer {
    const parts: Buffer[] = [];
    const { timestamps, details = '' } = this.options;
    const prefix = Buffer.from(`${timestamps ? `${formatNs(record.time)} ` : ''}${details}`);
    let midLine = this.midLine.has(record.kind);
    let rest = record.payload;
    while (rest.length > 0) {
      const end = rest.indexOf(0x0a);
      const line = end < 0 ? rest : rest.subarray(0, end + 1);
      if (!midLine) parts.push(prefix);
      parts.push(line);
      midLine = end < 0;
      rest = rest.subarray(line.length);
    }
    if (midLine) this.midLine.add(record.kind);
    else this.midLine.delete(record.kind);
    return Buffer.concat(parts);
  }
}
