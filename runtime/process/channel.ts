/**
 * PID 1's end of the conversation in init-protocol.ts: blocking reads and writes on one descriptor, because there
 * is nothing else to do meanwhile and an event loop would cost more than all of it.
 */
import { readSync, writeSync } from 'node:fs';
import { errnoOf } from '../syscall/error.ts';
import { connectUnix } from '../syscall/sockets.ts';
import { listenToTrace, spanSince, tellTrace } from '../trace.ts';
import type { InitMessage, SupervisorMessage } from './init-protocol.ts';

export interface Channel {
  /** The socket, close-on-exec. */
  readonly fd: number;
  send(message: InitMessage): void;
  /**
   * `read` is called when the bundle is there before the rest is. Undefined when the supervisor has gone: then nobody
   * wants this container any more.
   */
  waitForBegin(read: () => void): Extract<SupervisorMessage, { type: 'begin' }> | undefined;
  /** False likewise. */
  waitForGo(): boolean;
  /** Until the supervisor has read everything and hung up: exiting earlier could be noticed before the message. */
  waitForHangUp(): void;
}

export function connectSupervisor(socketPath: string): Channel {
  const socket = connectOrExit(socketPath);
  const buffer = Buffer.alloc(4096);
  const read = (): number => {
    for (;;) {
      try {
        return readSync(socket, buffer);
      } catch (error) {
        if (errnoOf(error) === 'ECONNRESET') return 0;
        if (errnoOf(error) !== 'EINTR') throw error;
      }
    }
  };
  // Bytes, since a read may end in the middle of a character: steps are named after places in the container.
  let received = Buffer.alloc(0);
  const receive = (): SupervisorMessage | undefined => {
    let end: number;
    while ((end = received.indexOf('\n')) < 0) {
      const length = read();
      if (length === 0) return undefined;
      received = Buffer.concat([received, buffer.subarray(0, length)]);
    }
    const line = received.toString('utf8', 0, end);
    received = received.subarray(end + 1);
    return JSON.parse(line) as SupervisorMessage;
  };
  return {
    fd: socket,
    send(message) {
      try {
        writeSync(socket, `${JSON.stringify(message)}\n`);
      } catch (error) {
        // The supervisor has hung up; waitForGo is where that counts.
        if (errnoOf(error) !== 'EPIPE') throw error;
      }
    },
    waitForBegin(readBundle) {
      let message = receive();
      if (message?.type === 'read') {
        readBundle();
        message = receive();
      }
      return message?.type === 'begin' ? message : undefined;
    },
    waitForGo: () => receive()?.type === 'go',
    waitForHangUp() {
      while (read() > 0);
    },
  };
}

/** Sends spans to the supervisor from now on, and those recorded before. `entered` is a time of performance.now(). */
export function traceTo(channel: Channel, entered: number): void {
  listenToTrace((event) => channel.send({ type: 'trace', event }));
  const begin = performance.timeOrigin;
  tellTrace({ type: 'span', kind: 'start', name: 'start up', begin, ms: entered, args: {}, lane: 0 });
  spanSince(begin + entered, 'start', 'read what is asked for');
}

/** A supervisor that failed has reported why; this process stays silent. */
function connectOrExit(socketPath: string): number {
  try {
    return connectUnix(socketPath);
  } catch (error) {
    const gone = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error));
    if (gone) process.exit(125);
    throw error;
  }
}
