/**
 * The compressed bytes of a layer, in order and off the main thread, from a file that may still be growing: at its
 * current end the reader waits for more.
 */
import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { Readable } from 'node:stream';
import { IO_CHUNK } from './compression.ts';
import type { GrowingBlob } from './types.ts';

export class BlobReader {
  /** To be read once. */
  readonly stream: Readable;
  private readonly fd: number;
  private offset = 0;
  private reading: Promise<unknown> = Promise.resolve();

  constructor(path: string, growing: GrowingBlob | undefined) {
    this.fd = openSync(path, 'r');
    this.stream = Readable.from(this.chunks(growing), { objectMode: false, highWaterMark: IO_CHUNK });
  }

  get bytesRead(): number {
    return this.offset;
  }

  /** Also in the middle. */
  async close(): Promise<void> {
    this.stream.destroy();
    await this.reading;
    closeSync(this.fd);
  }

  private async *chunks(growing: GrowingBlob | undefined): AsyncGenerator<Buffer> {
    const size = growing?.size ?? fstatSync(this.fd).size;
    let complete = growing === undefined;
    while (this.offset < size) {
      const chunk = await this.read(Math.min(IO_CHUNK, size - this.offset));
      if (chunk.length > 0) {
        this.offset += chunk.length;
        yield chunk;
      } else if (complete || growing === undefined) {
        throw new Error(`the blob ends after ${String(this.offset)} of ${String(size)} bytes`);
      } else {
        complete = !(await growing.more());
      }
    }
  }

  private read(length: number): Promise<Buffer> {
    const reading = new Promise<Buffer>((resolve, reject) => {
      const buffer = Buffer.allocUnsafe(length);
      read(this.fd, buffer, 0, length, this.offset, (error, count) => {
        if (error === null) resolve(buffer.subarray(0, count));
        else reject(error);
      });
    });
    // The descriptor may not be closed, and used again, under a read in progress.
    this.reading = reading.catch(() => undefined);
    return reading;
  }
}
