/**
 * A blob that another reader reads while it is still being written: a layer unpacks while it downloads, and is there
 * when its last byte is.
 *
 * Invariant: the reader's result counts only once the blob is complete and verified; until then neither a result nor
 * an error counts. When the writer begins again, so does the reader.
 */
import { closeSync, openSync } from 'node:fs';
import type { GrowingBlob } from '../unpack/types.ts';

export interface ArrivingBlob extends GrowingBlob {
  /** A path that leads to the file whatever it is called by now. */
  readonly blob: string;
  /** Aborted when what was read counts no longer. */
  readonly signal: AbortSignal;
}

/** Bytes between two calls of a reader: enough not to be felt. */
const NOTICE_STEP = 1 << 20;

export class Arrival {
  private readonly size: number;
  /** Of its own, since the file gets another name when it is complete, perhaps before anyone has begun to read. */
  private fd: number | undefined;
  private attempt = new AbortController();
  private told = 0;
  private result: { readonly error?: unknown } | undefined;
  private waiting: (() => void)[] = [];

  /** Bytes that the blob will have. */
  constructor(size: number) {
    this.size = size;
  }

  /** The writer: its bytes go to this file, from the first one on; what it wrote before counts no longer. */
  begin(path: string): void {
    this.attempt.abort();
    this.attempt = new AbortController();
    this.close();
    this.fd = openSync(path, 'r');
    this.told = 0;
    this.wake();
  }

  /** The writer: so many bytes are in the file. */
  grow(written: number): void {
    if (written < this.told + NOTICE_STEP) return;
    this.told = written;
    this.wake();
  }

  /** The blob is in the store, or never will be. */
  end(failure?: { readonly error: unknown }): void {
    this.result = failure ?? {};
    if (failure !== undefined) this.attempt.abort();
    this.wake();
  }

  /** The creator calls it when no reader is left. */
  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  /** What `read` makes of the blob; it is called again if the bytes turn out to be wrong ones. @throws what either throws. */
  async readAlong<T>(read: (source: ArrivingBlob) => Promise<T>): Promise<T> {
    for (;;) {
      while (this.fd === undefined && this.result === undefined) await this.change();
      if (this.result !== undefined && 'error' in this.result) throw this.result.error;
      const { signal } = this.attempt;
      const result = await this.read(read, signal);
      while (this.result === undefined && !signal.aborted) await this.change();
      if (!signal.aborted) return result();
    }
  }

  /** Its result or its error, to be taken out later. */
  private async read<T>(read: (source: ArrivingBlob) => Promise<T>, signal: AbortSignal): Promise<() => T> {
    let told = 0;
    const more = async (): Promise<boolean> => {
      while (this.told === told && this.result === undefined && !signal.aborted) await this.change();
      told = this.told;
      return this.result === undefined && !signal.aborted;
    };
    try {
      const blob = `/proc/${String(process.pid)}/fd/${String(this.fd)}`;
      const value = await read({ blob, size: this.size, more, signal });
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
