/**
 * The resolver of one container: reads queries from its two sockets, answers what it knows and hands on the rest. One
 * loop over poll(2) as the shim's, so that nothing a client does can hold up another one.
 */
import { closeSync, readFileSync } from 'node:fs';
import { receiveDatagram, sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { acceptConnection } from '../../../runtime/syscall/sockets.ts';
import { serveOnce, type Source } from '../shim/poll-loop.ts';
import { fitDatagram, RCODE, readQuery, writeAnswer, writeRefusal, type Query } from './message.ts';
import { Connection, type Protocol } from './stream.ts';
import { Upstream, type From } from './upstream.ts';
import type { Zone } from './zone.ts';

export interface ResolverSockets {
  readonly udp: number;
  /** Listens. */
  readonly tcp: number;
  /** Its other end closes when the shim is gone; nothing is read from it. */
  readonly pipe: number;
}

/** Datagrams that are read before anything else has its turn. */
const ROUND = 64;
const MOST_CONNECTIONS = 256;
/** Each needs a descriptor, and the zone's files one now and then: a process without any would end. */
const MOST_LOOKUPS = 512;
const OTHERS = 64;

export class Resolver {
  private readonly upstream: Upstream;
  private readonly connections = new Set<Connection>();
  private readonly room = Buffer.allocUnsafe(1 << 16);
  private readonly listeners: readonly Source[];
  private readonly mostConnections: number;

  constructor(
    private readonly sockets: ResolverSockets,
    private readonly zone: Zone,
    from: From,
  ) {
    const room = Math.max(descriptorLimit() - OTHERS, 2);
    this.mostConnections = Math.min(MOST_CONNECTIONS, Math.floor(room / 3));
    this.upstream = new Upstream(from, Math.min(MOST_LOOKUPS, room - this.mostConnections));
    this.listeners = [
      { fd: sockets.udp, events: POLLIN, ready: () => this.readDatagrams() },
      { fd: sockets.tcp, events: POLLIN, ready: () => this.accept() },
    ];
  }

  /** True when nobody has asked for `idle` milliseconds, false when the shim is gone. */
  serve(idle: number): boolean {
    let abandoned = false;
    const shim: Source = { fd: this.sockets.pipe, events: 0, ready: () => (abandoned = true) };
    while (!abandoned) {
      const waiting = [...this.connections];
      const sources = [
        shim,
        ...this.listeners,
        ...waiting.map((connection) => connection.source()),
        ...this.upstream.sources(),
      ];
      const now = performance.now();
      const deadlines = [this.upstream.deadline, ...waiting.map(({ deadline }) => deadline)];
      const next = Math.min(...deadlines.map((deadline) => deadline ?? Infinity));
      const timeout = Number.isFinite(next) ? Math.max(0, next - now) : idle;
      const came = serveOnce(sources, timeout);
      const then = performance.now();
      this.upstream.expire(then);
      for (const connection of waiting) if (connection.deadline <= then) connection.close();
      if (!came && timeout === idle && !this.upstream.busy && this.connections.size === 0) return true;
    }
    return false;
  }

  private readDatagrams(): void {
    for (let round = 0; round < ROUND; round++) {
      const datagram = receiveDatagram(this.sockets.udp, this.room);
      if (datagram === undefined) return;
      const { from } = datagram;
      // The room is used again before an answer from elsewhere is there.
      const bytes = Buffer.from(datagram.bytes);
      this.resolve(bytes, 'udp', (reply, size) => {
        try {
          sendBytes(this.sockets.udp, fitDatagram(reply, size), from);
        } catch {
          // The program has gone, or gave an address that nothing can be sent to.
        }
      });
    }
  }

  private accept(): void {
    const fd = acceptConnection(this.sockets.tcp);
    if (fd === undefined) return;
    if (this.connections.size >= this.mostConnections) {
      closeSync(fd);
      return;
    }
    const asked = (query: Buffer, connection: Connection): void =>
      this.resolve(query, 'tcp', (reply) => connection.send(reply));
    const closed = (connection: Connection): void => void this.connections.delete(connection);
    this.connections.add(new Connection(fd, this.room, asked, closed));
  }

  private resolve(bytes: Buffer, protocol: Protocol, reply: (bytes: Buffer, size: number) => void): void {
    const query = readQuery(bytes);
    if (query === undefined) return;
    if ('refusal' in query) {
      reply(writeRefusal(bytes, query.refusal), bytes.length);
      return;
    }
    const records = this.zone.answer(query);
    if (records !== undefined) {
      reply(writeAnswer(query, records), query.size);
      return;
    }
    this.handOn(query, protocol, reply);
  }

  private handOn(query: Query, protocol: Protocol, reply: (bytes: Buffer, size: number) => void): void {
    this.upstream.ask(query.bytes, protocol, this.zone.servers, (answer) =>
      // What the server sent fits what the client said that it takes: it read the same query.
      reply(answer ?? writeRefusal(query.bytes, RCODE.serverFailure), answer?.length ?? query.size),
    );
  }
}

/** ulimit -n (getrlimit(2)). */
const descriptorLimit = (): number =>
  Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024);
