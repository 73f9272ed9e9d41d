/**
 * Names that are not ours: the query goes to a server as it came, and the answer comes back as it is. Each query has a
 * socket of its own, so its port is one that nobody can guess and a late answer has nowhere to go. UDP stays UDP and
 * TCP stays TCP: what a client asks for is what the server is asked for.
 */
import { closeSync, readSync } from 'node:fs';
import type { UpstreamServer } from '../../../runtime/network/resolv.ts';
import { receiveDatagram, sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { clientSocket, socketError, startConnecting } from '../../../runtime/syscall/sockets.ts';
import type { Source } from '../shim/poll-loop.ts';
import { isFailure, isReplyTo } from './message.ts';
import { LengthReader, prefixed, type Protocol } from './stream.ts';

/** Milliseconds for one server, as Docker waits. */
const PATIENCE = 4000;
const DNS_PORT = 53;

interface Lookup {
  readonly query: Buffer;
  readonly protocol: Protocol;
  /** Those that have not been asked. */
  readonly servers: readonly UpstreamServer[];
  /** undefined: nobody could tell. */
  readonly done: (reply: Buffer | undefined) => void;
  /** Of a server that failed: better than nothing if no other answers. */
  readonly failure: Buffer | undefined;
}

interface Asked extends Lookup {
  readonly fd: number;
  readonly deadline: number;
  readonly reader: LengthReader | undefined;
  sent: boolean;
}

/** Runs `make` in the namespace from which the server is reached. */
export type From = <T>(server: UpstreamServer, make: () => T) => T;

export class Upstream {
  private readonly asked = new Map<number, Asked>();
  private readonly room = Buffer.allocUnsafe(1 << 16);

  constructor(
    private readonly from: From,
    /** At once; more are refused, and their senders ask again. */
    private readonly most: number,
  ) {}

  get busy(): boolean {
    return this.asked.size > 0;
  }

  /** Milliseconds since the process began (performance.now()); undefined when nothing is waited for. */
  get deadline(): number | undefined {
    // In the order in which they were asked, all with the same patience.
    return this.asked.values().next().value?.deadline;
  }

  ask(query: Buffer, protocol: Protocol, servers: readonly UpstreamServer[], done: Lookup['done']): void {
    if (this.asked.size >= this.most) {
      done(undefined);
      return;
    }
    this.next({ query, protocol, servers, done, failure: undefined });
  }

  sources(): readonly Source[] {
    return [...this.asked.values()].map((one) => ({
      fd: one.fd,
      events: one.sent ? POLLIN : POLLOUT,
      ready: () => this.ready(one),
    }));
  }

  /** Those whose server has had its time go to the next one. */
  expire(now: number): void {
    for (const one of [...this.asked.values()]) {
      if (one.deadline > now) return;
      this.giveUp(one, undefined);
    }
  }

  private next({ servers, ...lookup }: Lookup): void {
    const [server, ...others] = servers;
    if (server === undefined) {
      lookup.done(lookup.failure);
      return;
    }
    const { protocol, query } = lookup;
    try {
      const fd = this.from(
        server,
        () => clientSocket(protocol, isIpv6Text(server.address) ? '::' : '0.0.0.0').fd,
      );
      const asked: Asked = {
        ...{ ...lookup, servers: others, fd, sent: false },
        deadline: performance.now() + PATIENCE,
        reader: protocol === 'tcp' ? new LengthReader() : undefined,
      };
      this.asked.set(fd, asked);
      try {
        startConnecting(fd, server.address, DNS_PORT);
        if (protocol === 'udp') asked.sent = sendBytes(fd, query) > 0;
      } catch {
        // No route, say: the next server may be reached.
        this.giveUp(asked, undefined);
      }
    } catch {
      // No descriptor or no port is left for this query.
      lookup.done(lookup.failure);
    }
  }

  private ready(one: Asked): void {
    try {
      if (!one.sent) this.send(one);
      else if (one.reader === undefined) this.readDatagram(one);
      else this.readStream(one, one.reader);
    } catch {
      // ECONNREFUSED, ECONNRESET: this server is not there.
      this.giveUp(one, undefined);
    }
  }

  private send(one: Asked): void {
    const error = socketError(one.fd);
    if (error !== 0) throw new Error(`connect: ${String(error)}`);
    // The first octets on a fresh connection always fit.
    const bytes = one.reader === undefined ? one.query : prefixed(one.query);
    one.sent = sendBytes(one.fd, bytes) === bytes.length;
    if (!one.sent && one.reader !== undefined) throw new Error('the connection takes nothing');
  }

  private readDatagram(one: Asked): void {
    const datagram = receiveDatagram(one.fd, this.room);
    if (datagram !== undefined && isReplyTo(datagram.bytes, one.query)) this.replied(one, datagram.bytes);
  }

  private readStream(one: Asked, reader: LengthReader): void {
    const length = readSync(one.fd, this.room, 0, this.room.length, null);
    if (length === 0) throw new Error('the server hung up');
    reader.push(this.room.subarray(0, length));
    const reply = reader.take();
    if (reply === undefined) return;
    if (!isReplyTo(reply, one.query)) throw new Error('an answer to another question');
    this.replied(one, reply);
  }

  private replied(one: Asked, reply: Buffer): void {
    if (isFailure(reply)) {
      this.giveUp(one, Buffer.from(reply));
      return;
    }
    this.close(one);
    one.done(reply);
  }

  private giveUp(one: Asked, failure: Buffer | undefined): void {
    this.close(one);
    this.next({ ...one, failure: failure ?? one.failure });
  }

  private close({ fd }: Asked): void {
    if (this.asked.delete(fd)) closeSync(fd);
  }
}
