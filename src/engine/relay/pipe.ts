/** One connection of a client's, and the one to the container that it is relayed to: octets both ways, until both have ended. */
import { closeSync, readSync } from 'node:fs';
import { sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import { endWriting, socketError } from '../../../runtime/syscall/sockets.ts';
import type { Source } from '../shim/poll-loop.ts';

/** Octets read at a time. What is read is sent on before more is read, so nobody can fill memory. */
export const ROOM = 1 << 16;

interface Way {
  readonly from: number;
  readonly to: number;
  waiting: Buffer;
  /** `from` has said its last, and `to` has been told. */
  ended: boolean;
}

export class Relayed {
  private connected = false;
  private open = true;
  private readonly ways: readonly [Way, Way];

  constructor(
    private readonly client: number,
    /** Is being connected. */
    private readonly server: number,
    private readonly room: Buffer,
    private readonly closed: (relayed: Relayed) => void,
  ) {
    const way = (from: number, to: number): Way => ({ from, to, waiting: Buffer.alloc(0), ended: false });
    this.ways = [way(client, server), way(server, client)];
  }

  sources(): readonly Source[] {
    if (!this.connected) return [{ fd: this.server, events: POLLOUT, ready: () => this.begin() }];
    return this.ways.flatMap((way): readonly Source[] => {
      if (way.ended) return [];
      return way.waiting.length > 0
        ? [{ fd: way.to, events: POLLOUT, ready: () => this.attempt(() => this.flush(way)) }]
        : [{ fd: way.from, events: POLLIN, ready: () => this.attempt(() => this.read(way)) }];
    });
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.client);
    closeSync(this.server);
    this.closed(this);
  }

  private begin(): void {
    if (socketError(this.server) === 0) this.connected = true;
    else this.close();
  }

  /** ECONNRESET, EPIPE: either end is gone, and so is the other then. */
  private attempt(work: () => void): void {
    if (!this.open) return;
    try {
      work();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') this.close();
    }
  }

  private read(way: Way): void {
    const length = readSync(way.from, this.room, 0, ROOM, null);
    if (length === 0) {
      way.ended = true;
      endWriting(way.to);
      if (this.ways.every(({ ended }) => ended)) this.close();
      return;
    }
    way.waiting = Buffer.from(this.room.subarray(0, length));
    this.flush(way);
  }

  private flush(way: Way): void {
    way.waiting = way.waiting.subarray(sendBytes(way.to, way.waiting));
  }
}
