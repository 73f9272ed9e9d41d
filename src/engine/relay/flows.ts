/**
 * UDP through a relay: a client is known by its address, and each has a socket of its own to the container, so that an
 * answer finds the client that it is for. A client that is silent for a while is forgotten, as conntrack forgets a flow.
 * A datagram that cannot be passed on now is lost, as UDP may lose it.
 */
import { closeSync } from 'node:fs';
import { receiveDatagram, sendBytes } from '../../../runtime/syscall/datagrams.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { clientSocket, startConnecting } from '../../../runtime/syscall/sockets.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import type { Source } from '../shim/poll-loop.ts';

interface Flow {
  readonly fd: number;
  /** The client's struct sockaddr. */
  readonly client: Uint8Array;
  /** Milliseconds, when the last datagram passed, either way. */
  used: number;
}

export interface FlowsTo {
  readonly address: string;
  readonly port: number;
  /** The most clients at a time; one more takes the place of the one that was silent for longest. */
  readonly most: number;
  /** Milliseconds after which a silent client is forgotten. */
  readonly silence: number;
}

export class Flows {
  /** By the client's address, the one that was silent for longest first. */
  private readonly flows = new Map<string, Flow>();

  constructor(
    private readonly listener: number,
    private readonly to: FlowsTo,
    /** For the largest datagram. */
    private readonly room: Buffer,
  ) {}

  get size(): number {
    return this.flows.size;
  }

  sources(): readonly Source[] {
    return [
      { fd: this.listener, events: POLLIN, ready: () => this.receive() },
      ...[...this.flows].map(([key, flow]): Source => ({
        fd: flow.fd,
        events: POLLIN,
        ready: () => this.answer(key, flow),
      })),
    ];
  }

  /** Milliseconds until the next client may be forgotten; -1 without one. */
  forget(now: number): number {
    for (const [key, { used }] of this.flows) {
      if (used + this.to.silence > now) return used + this.to.silence - now;
      this.close(key);
    }
    return -1;
  }

  private receive(): void {
    const datagram = attempt(() => receiveDatagram(this.listener, this.room));
    if (datagram === undefined) return;
    const client = Uint8Array.from(datagram.from);
    const key = Buffer.from(client).toString('hex');
    const flow = this.flows.get(key) ?? attempt(() => this.open(client));
    if (flow === undefined) return;
    this.touch(key, flow);
    attempt(() => sendBytes(flow.fd, datagram.bytes));
  }

  private open(client: Uint8Array): Flow {
    const [oldest] = this.flows.keys();
    if (this.flows.size >= this.to.most && oldest !== undefined) this.close(oldest);
    const { fd } = clientSocket('udp', isIpv6Text(this.to.address) ? '::' : '0.0.0.0');
    try {
      startConnecting(fd, this.to.address, this.to.port);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return { fd, client, used: 0 };
  }

  private answer(key: string, flow: Flow): void {
    // Another client may have taken its place in this round.
    if (this.flows.get(key) !== flow) return;
    const datagram = attempt(() => receiveDatagram(flow.fd, this.room));
    if (datagram === undefined) return;
    this.touch(key, flow);
    attempt(() => sendBytes(this.listener, datagram.bytes, flow.client));
  }

  /** To the end of the order. */
  private touch(key: string, flow: Flow): void {
    flow.used = Date.now();
    this.flows.delete(key);
    this.flows.set(key, flow);
  }

  private close(key: string): void {
    const flow = this.flows.get(key);
    if (flow !== undefined) closeSync(flow.fd);
    this.flows.delete(key);
  }
}

/** undefined where the kernel refuses: nobody listens there, the container has gone, or the client has. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // Lost: a client of UDP asks again.
  }
}
