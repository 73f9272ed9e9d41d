/** DNS over TCP: each message has its length in front, two octets (RFC 1035, 4.2.2). */
import { closeSync, readSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import type { Source } from '../shim/poll-loop.ts';
import { LARGEST_QUERY } from './message.ts';

export type Protocol = 'udp' | 'tcp';

export function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Puts messages together from pieces. */
export class LengthReader {
  private held: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.held = Buffer.concat([this.held, bytes]);
  }

  /** The next message, once all of it is there. */
  take(): Buffer | undefined {
    const end = 2 + this.announced;
    if (this.held.length < end) return undefined;
    const message = Buffer.from(this.held.subarray(2, end));
    this.held = this.held.subarray(end);
    return message;
  }

  /** Octets of the next message; 0 where that is not known yet. */
  get announced(): number {
    return this.held.length < 2 ? 0 : this.held.readUInt16BE(0);
  }
}

/** Octets that are read before others have their turn: some fifty short queries. */
const TURN = 1024;
/** Milliseconds that a connection may stay without a word. */
const IDLE = 10_000;
/** Octets that wait to be taken: an answer of the largest size, and another. Who has more asks much and reads nothing. */
const MOST_WAITING = 1 << 17;

/** One connection of a program in the container. While answers wait to be taken, no further query is read from it. */
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
      events: this.waiting.length > 0 ? POLLOUT : POLLIN,
      ready: () => {
        if (!this.open) return;
        if (this.waiting.length === 0) return this.read();
        this.flush();
        this.answerHeld();
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
      length = readSync(this.fd, this.room, 0, TURN, null);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') this.close();
      return;
    }
    if (length === 0) {
      this.close();
      return;
    }
    this.deadline = performance.now() + IDLE;
    this.reader.push(this.room.subarray(0, length));
    this.answerHeld();
  }

  private answerHeld(): void {
    while (this.open && this.waiting.length === 0) {
      if (this.reader.announced > LARGEST_QUERY) return this.close();
      const query = this.reader.take();
      if (query === undefined) return;
      this.asked(query, this);
    }
  }
}
