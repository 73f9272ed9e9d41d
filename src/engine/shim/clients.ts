/**
 * Everyone who is connected to a shim: the one that started it (descriptor 3) and those that came through its
 * socket. Sends them the container's output and events; hands their input on. A client that reads slowly slows the
 * container down, as Docker's does, instead of filling memory; one that is gone is forgotten.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { FRAME, readFrames, writeFrame, writeMessage } from '../frames.ts';
import type { ClientMessage, ShimMessage } from '../shim-protocol.ts';

export interface Attachment {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

interface Client extends Attachment {
  readonly socket: Socket;
  readonly waits: boolean;
}

export interface ClientEvents {
  input(bytes: Buffer): Promise<void>;
  /** A client that fed the container's input has closed it, or is gone. */
  inputEnded(): void;
  resized(rows: number, columns: number): void;
  /** `fd` of process `pid` is a terminal's master, to be held from now on. */
  terminalLeft(pid: number, fd: number): void;
}

/** Bytes queued for one client above which the container's output waits for it. */
const HIGH_WATER = 1 << 20;

export class Clients {
  private readonly clients = new Map<Socket, Client>();
  private server: Server | undefined;
  private final: ShimMessage | undefined;

  constructor(private readonly events: ClientEvents) {}

  listen(path: string): Promise<void> {
    const server = createServer((socket) => this.add(socket, { stdin: false, stdout: false, stderr: false }));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  }

  add(socket: Socket, attachment: Attachment): void {
    this.clients.set(socket, { socket, waits: false, ...attachment });
    socket.on('error', () => {
      // A client may be killed at any time; 'close' follows and forgets it.
    });
    socket.on('close', () => {
      const client = this.clients.get(socket);
      this.clients.delete(socket);
      if (client?.stdin === true) this.events.inputEnded();
    });
    readFrames(socket, (type, payload) => this.receive(socket, type, payload));
  }

  async send(stream: 1 | 2, bytes: Uint8Array): Promise<void> {
    const type = stream === 1 ? FRAME.stdout : FRAME.stderr;
    for (const client of this.clients.values()) {
      if (!(stream === 1 ? client.stdout : client.stderr)) continue;
      writeFrame(client.socket, type, bytes);
      if (client.socket.writableLength > HIGH_WATER) await drained(client.socket);
    }
  }

  broadcast(message: ShimMessage): void {
    for (const client of this.clients.values()) writeMessage(client.socket, message);
  }

  /** The last message: sent to everyone, and at once to whoever connects while the shim is going away. */
  async finish(message: ShimMessage): Promise<void> {
    this.final = message;
    const flushed = [...this.clients.keys()].map((socket) => {
      writeMessage(socket, message);
      return new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        socket.end(() => resolve());
      });
    });
    this.server?.close();
    await Promise.all(flushed);
  }

  private receive(socket: Socket, type: number, payload: Buffer): void {
    const client = this.clients.get(socket);
    if (client === undefined) return;
    if (type === FRAME.stdin) {
      if (!client.stdin) return;
      socket.pause();
      void this.events.input(payload).then(() => socket.resume());
      return;
    }
    const message = JSON.parse(payload.toString()) as ClientMessage;
    switch (message.type) {
      case 'attach':
        this.clients.set(socket, { ...client, ...message });
        break;
      case 'resize':
        this.events.resized(message.rows, message.columns);
        break;
      case 'stdin-closed':
        this.clients.set(socket, { ...client, stdin: false });
        this.events.inputEnded();
        break;
      case 'adopt-terminal':
        this.events.terminalLeft(message.pid, message.fd);
        writeMessage(socket, { type: 'adopted' } satisfies ShimMessage);
        break;
      case 'wait':
        this.clients.set(socket, { ...client, waits: true });
        if (this.final !== undefined) {
          writeMessage(socket, this.final);
          socket.end();
        }
        break;
    }
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
