/** DNS over TCP: each message has its length in front, two octets (RFC 1035, 4.2.2). */
import { closeSync, readSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import type { Source } from '../shim/poll-loop.ts';

export type Protocol = 'udp' | 'tcp';

export function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Puts messages together from pieces; holds at most one that is not whole. */
export class LengthReader {
  private held: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): readonly Buffer[] {
    this.held = Buffer.concat([this.held, bytes]);
    const whole: Buffer[] = [];
    while (this.held.length >= 2 && this.held.length >= 2 + this.held.readUInt16BE(0)) {
      const end = 2 + this.held.readUInt16BE(0);
      whole.push(Buffer.from(this.held.subarray(2, end)));
      this.held = this.held.subarray(end);
    }
    return whole;
  }
}

/** Milliseconds that a connection may stay without a word. */
const IDLE = 10_000;
/** Octets that wait to be taken. The resolver hangs up on a client that asks on without reading. */
const MOST_WAITING = 1 << 20;

/** One connection of a program in the container. */
export class Connection {
  private readonly reader = new LengthReader();
  private waiting: Buffer = Buffer.alloc(0);
  private open = true;
  deadline = performance.now() + IDLE;

  constructor(
    readonly fd: number,
    private readonly room: Buffer,
    private readonly asked: (query: Buffer, connection: Connection) => void,
    private readonly closed: (connection: Connection) => void,
  ) {}

  source(): Source {
    return {
      fd: this.fd,
      events: POLLIN | (this.waiting.length > 0 ? POLLOUT : 0),
      ready: () => {
        this.flush();
        if (this.open) this.read();
      },
    };
  }

  /** Does nothing once it has hung up. */
  send(reply: Buffer): void {
    if (!this.open) return;
    this.waiting = Buffer.concat([this.waiting, prefixed(reply)]);
    this.flush();
    if (this.waiting.length > MOST_WAITING) this.close();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.fd);
    this.closed(this);
  }

  private flush(): void {
    if (this.waiting.length === 0) return;
    try {
      this.waiting = this.waiting.subarray(sendBytes(this.fd, this.waiting));
    } catch {
      this.close(); // EPIPE, ECONNRESET
    }
  }

  private read(): void {
    let length: number;
    try {
      length = readSync(this.fd, this.room, 0, this.room.length, null);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') this.close();
      return;
    }
    if (length === 0) {
      this.close();
      return;
    }
    this.deadline = performance.now() + IDLE;
    for (const query of this.reader.push(this.room.subarray(0, length))) this.asked(query, this);
  }
}
