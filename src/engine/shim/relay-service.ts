/**
 * The shim's part in serving ports that the kernel cannot redirect for some clients (relay/main.ts): it starts a relay for
 * a port when somebody connects and there is none. Connections to other ports of ours find no rule, and are closed.
 */
import { closeSync, readSync } from 'node:fs';
import { spawn } from '../../../runtime/io/spawn.ts';
import { refuseClients, refuseConnections, type HeldPort } from '../../../runtime/network/ports.ts';
import type { Protocol } from '../../../runtime/network/types.ts';
import { waitForChild } from '../../../runtime/syscall/descriptors.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { warnStderr } from '../../io/warn-stderr.ts';
import type { RelayRequest } from '../relay/request.ts';
import type { Source } from './poll-loop.ts';

/** For the process that takes this one's place. */
export interface RunningRelay {
  readonly listener: number;
  readonly protocol: Protocol;
  readonly pid: number;
  /** Readable: one octet when the relay ends as it should, the end of the file when it is gone. */
  readonly pipe: number;
}

export interface RelayState {
  readonly running: readonly RunningRelay[];
  /** Processes that have ended, and wait for their parent to take note. */
  readonly left: readonly number[];
}

const IDLE = 10_000;
const SIGKILL = 9;

export class RelayService {
  private running: readonly RunningRelay[] = [];
  /** Started by this process: the engine waits for these itself, and takes another's waiting for an error. */
  private readonly own = new Set<number>();
  private left: readonly number[] = [];

  handOver(): RelayState {
    return { running: this.running, left: this.left };
  }

  adopt({ running, left }: RelayState): void {
    this.running = running;
    for (const pid of left) takeNote(pid);
  }

  /** Of the ports that are held. */
  sources(ports: readonly HeldPort[]): readonly Source[] {
    return ports
      .filter(({ protocol, relay }) => protocol === 'tcp' || relay !== undefined)
      .map((port): Source => {
        const relay = this.running.find(({ listener }) => listener === port.fd);
        if (relay !== undefined) return { fd: relay.pipe, events: POLLIN, ready: () => this.ended(relay) };
        return { fd: port.fd, events: POLLIN, ready: () => this.connected(port) };
      });
  }

  /** Before their sockets are closed, or lead elsewhere: a relay keeps its port. */
  close(): void {
    for (const relay of this.running) {
      try {
        kernel.kill(relay.pid, SIGKILL);
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
      this.reap(relay);
    }
  }

  private connected({ fd, relay, protocol }: HeldPort): void {
    if (relay === undefined) {
      refuseConnections(fd);
      return;
    }
    const request: RelayRequest = { ...relay, protocol, idle: IDLE };
    const { read, write } = kernel.pipe();
    try {
      // What this process runs, also when the file has been replaced since.
      const { pid } = spawn(['/proc/self/exe', '__relay', JSON.stringify(request)], {
        stdio: ['ignore', 'ignore', 2, fd, write],
        env: {},
        cwd: '/',
      });
      this.own.add(pid);
      this.running = [...this.running, { listener: fd, protocol, pid, pipe: read }];
    } catch (error) {
      warnStderr(`a connection cannot be relayed: ${(error as Error).message}`);
      closeSync(read);
      refuseClients({ fd, protocol });
    } finally {
      closeSync(write);
    }
  }

  private ended(relay: RunningRelay): void {
    const inOrder = readSync(relay.pipe, Buffer.alloc(1)) === 1;
    this.reap(relay);
    // Whatever ended it may be the next in the queue: it must not end one relay after the other.
    if (!inOrder) refuseClients({ fd: relay.listener, protocol: relay.protocol });
  }

  private reap(relay: RunningRelay): void {
    this.running = this.running.filter((one) => one !== relay);
    closeSync(relay.pipe);
    if (this.own.delete(relay.pid)) this.left = [...this.left, relay.pid];
    else takeNote(relay.pid);
  }
}

function takeNote(pid: number): void {
  try {
    waitForChild(pid);
  } catch (error) {
    // The engine of the process before this one has done so.
    if (errnoOf(error) !== 'ECHILD') throw error;
  }
}
