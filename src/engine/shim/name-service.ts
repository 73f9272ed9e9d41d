/**
 * The shim's part in answering names: it holds the two sockets at 127.0.0.11 and starts a resolver (dns/main.ts) when a
 * query comes while there is none. The resolver ends by itself when nobody asks, so a quiet container costs two sockets.
 * One that dies is started again by the next query.
 *
 * Both ends hold a pipe: the resolver's end of it closes when it is gone, whatever the reason, and it ends when the
 * shim's does.
 */
import { closeSync, readSync } from 'node:fs';
import type { ResolverSockets } from '../../../runtime/network/resolver-sockets.ts';
import { spawn } from '../../../runtime/io/spawn.ts';
import { receiveDatagram } from '../../../runtime/syscall/datagrams.ts';
import { waitForChild } from '../../../runtime/syscall/descriptors.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { acceptConnection } from '../../../runtime/syscall/sockets.ts';
import { warnStderr } from '../../io/warn-stderr.ts';
import { RESOLVER_DESCRIPTORS, type ResolverRequest } from '../dns/request.ts';
import type { Source } from './poll-loop.ts';

/** For the process that takes this one's place. */
export interface NameServiceState extends ResolverSockets {
  readonly running?: Running;
}

interface Running {
  readonly pid: number;
  /** Readable: one octet when the resolver ends as it should, the end of the file when it is gone. */
  readonly pipe: number;
}

export class NameService {
  /** undefined: the container is on no network with names. */
  private sockets: ResolverSockets | undefined;
  private running: Running | undefined;

  constructor(private readonly request: ResolverRequest) {}

  open(sockets: ResolverSockets): void {
    this.close();
    this.sockets = sockets;
  }

  handOver(): NameServiceState | undefined {
    const { sockets, running } = this;
    return sockets && { ...sockets, ...(running === undefined ? {} : { running }) };
  }

  adopt({ udp, tcp, running }: NameServiceState): void {
    this.sockets = { udp, tcp };
    this.running = running;
  }

  sources(): readonly Source[] {
    if (this.running !== undefined)
      return [{ fd: this.running.pipe, events: POLLIN, ready: () => this.ended() }];
    const { sockets } = this;
    if (sockets === undefined) return [];
    const ready = (): void => this.start(sockets);
    return [sockets.udp, sockets.tcp].map((fd) => ({ fd, events: POLLIN, ready }));
  }

  /** At the container's end: a resolver would keep its network namespace. */
  close(): void {
    const { running } = this;
    if (running !== undefined) {
      try {
        kernel.kill(running.pid, SIGKILL);
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
      this.reap(running);
    }
    if (this.sockets !== undefined) for (const fd of [this.sockets.udp, this.sockets.tcp]) closeSync(fd);
    this.sockets = undefined;
  }

  private start(sockets: ResolverSockets): void {
    if (this.running !== undefined) return;
    const { read, write } = kernel.pipe();
    try {
      // What this process runs, also when the file has been replaced since.
      const child = spawn(['/proc/self/exe', '__resolve', JSON.stringify(this.request)], {
        stdio: [
          'ignore',
          'ignore',
          2,
          ...RESOLVER_DESCRIPTORS.map((name) => ({ ...sockets, pipe: write })[name]),
        ],
        env: {},
        cwd: '/',
      });
      this.running = { pid: child.pid, pipe: read };
    } catch (error) {
      warnStderr(`names cannot be resolved: ${(error as Error).message}`);
      closeSync(read);
      this.drop(sockets);
    } finally {
      closeSync(write);
    }
  }

  private ended(): void {
    const { running } = this;
    if (running === undefined) return;
    const inOrder = readSync(running.pipe, Buffer.alloc(1)) === 1;
    this.reap(running);
    // Whatever ended it may be the next in the queue: it must not end one resolver after the other.
    if (!inOrder && this.sockets !== undefined) this.drop(this.sockets);
  }

  private reap({ pid, pipe }: Running): void {
    this.running = undefined;
    closeSync(pipe);
    try {
      waitForChild(pid);
    } catch (error) {
      if (errnoOf(error) !== 'ECHILD') throw error;
    }
  }

  private drop({ udp, tcp }: ResolverSockets): void {
    const room = Buffer.alloc(1);
    // A container that asks on and on must not keep the shim here.
    for (let left = MOST_DROPPED; left > 0 && receiveDatagram(udp, room) !== undefined; left--);
    for (let left = MOST_DROPPED; left > 0; left--) {
      const fd = acceptConnection(tcp);
      if (fd === undefined) return;
      closeSync(fd);
    }
  }
}

const SIGKILL = 9;
/** As many as a queue may hold. */
const MOST_DROPPED = 4096;
