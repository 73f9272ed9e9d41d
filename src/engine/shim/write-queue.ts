/**
 * A queue of bytes for a descriptor that may block. It keeps the order; after the reader hangs up it drops the rest
 * without an error.
 */
import { closeSync, writeSync } from 'node:fs';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';

export class WriteQueue {
  private queue: Uint8Array[] = [];
  private waiting = 0;
  private gone = false;
  private closing = false;
  private closed = false;

  /** The descriptor is owned from here on. */
  constructor(readonly fd: number) {
    kernel.setNonBlocking(fd);
  }

  get open(): boolean {
    return !this.closed;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.waiting;
  }

  get empty(): boolean {
    return this.queue.length === 0;
  }

  /** `bytes` may be changed afterwards. */
  write(bytes: Uint8Array): void {
    if (this.gone || this.closing || bytes.length === 0) return;
    const rest = this.empty ? bytes.subarray(this.attempt(bytes)) : bytes;
    if (rest.length === 0 || this.hasGone()) return;
    this.queue.push(Buffer.from(rest));
    this.waiting += rest.length;
  }

  /** To be called when the descriptor can take more. */
  flush(): void {
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const written = this.attempt(next);
      if (this.hasGone()) break;
      this.waiting -= written;
      if (written < next.length) {
        this.queue[0] = next.subarray(written);
        return;
      }
      this.queue.shift();
    }
    this.clear();
    if (this.closing) this.close();
  }

  /** Once everything has been written. */
  end(): void {
    this.closing = true;
    if (this.empty) this.close();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.gone = true;
    this.clear();
    closeSync(this.fd);
  }

  private clear(): void {
    this.queue = [];
    this.waiting = 0;
  }

  // Behind a call: the compiler takes the property for what it was before an attempt.
  private hasGone(): boolean {
    return this.gone;
  }

  private attempt(bytes: Uint8Array): number {
    try {
      return writeSync(this.fd, bytes);
    } catch (error) {
      // EPIPE, ECONNRESET, EIO of a terminal: the reader hung up.
      if (errnoOf(error) !== 'EAGAIN') this.gone = true;
      return 0;
    }
  }
}
