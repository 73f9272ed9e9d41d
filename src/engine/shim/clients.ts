/**
 * Everyone who is connected to a shim: the one that started it (descriptor 3) and those that came through its
 * socket. Sends them the container's output and events; hands their input on. A client that reads slowly slows the
 * container down, as Docker's does, instead of filling memory; one that is gone is forgotten.
 */
import { closeSync } from 'node:fs';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import { acceptConnection, listenUnix } from '../../../runtime/syscall/sockets.ts';
import { FRAME, type FrameType } from '../../io/frames.ts';
import type { ClientMessage, NetworkRequest, ShimMessage, StepWord } from './client/shim-protocol.ts';
import { Client, type AttachedStreams } from './client.ts';
import { serveOnce, type Source } from './poll-loop.ts';

/** What a client has asked for, and whom to tell how it went. */
export interface Work {
  readonly request: NetworkRequest;
  readonly answer: (message: ShimMessage) => void;
}

export interface ClientEvents {
  input(bytes: Buffer): void;
  /** A client that fed the container's input has closed it, or is gone. */
  inputEnded(): void;
  resized(rows: number, columns: number): void;
  /** `fd` of process `pid` is a terminal's master, to be held from now on. */
  terminalLeft(pid: number, fd: number): void;
  /** The client that owns the container is gone. */
  ownerLost(): void;
}

/** For the process that takes this one's place. */
export interface ClientDescriptors {
  readonly listener: number;
  /** Connections of clients that only wait. */
  readonly waiting: readonly number[];
}

const DETACHED: AttachedStreams = { stdin: false, stdout: false, stderr: false };

/** Milliseconds for clients to take the last message and hang up. */
const GOODBYE = 1000;

export class Clients {
  private readonly clients = new Set<Client>();
  private listener = -1;
  private word: StepWord | undefined;
  private owner: Client | undefined;
  private readonly work: Work[] = [];

  constructor(private readonly events: ClientEvents) {}

  listen(path: string): void {
    this.listener = listenUnix(path);
  }

  /** To be asked for when all are quiet. */
  handOver(): ClientDescriptors {
    return { listener: this.listener, waiting: [...this.clients].map(({ fd }) => fd) };
  }

  adopt({ listener, waiting }: ClientDescriptors): void {
    this.listener = listener;
    for (const fd of waiting) this.add(fd, DETACHED);
  }

  /** `owns`: its end is to be the program's. */
  add(fd: number, attachment: AttachedStreams, owns = false): void {
    const client = new Client(fd, attachment, (type, payload) => this.receive(client, type, payload));
    this.clients.add(client);
    if (owns) this.owner = client;
  }

  /** Clients that feed the container's input are left alone while it takes no more. */
  sources(inputFull: boolean): readonly Source[] {
    const sources: Source[] = [{ fd: this.listener, events: POLLIN, ready: () => this.accept() }];
    for (const client of this.clients) {
      const reads = !(inputFull && client.attachment.stdin);
      // Skip a client without events: poll(2) would report its hang-up again and again.
      if (!reads && !client.pending) continue;
      sources.push({
        fd: client.fd,
        events: (reads ? POLLIN : 0) | (client.pending ? POLLOUT : 0),
        ready: () => {
          client.flush();
          if (reads && !client.read()) this.forget(client);
        },
      });
    }
    return sources;
  }

  get lag(): boolean {
    return [...this.clients].some((client) => client.lags);
  }

  get quiet(): boolean {
    return [...this.clients].every((client) => client.quiet);
  }

  /** A client wants the steps of the end. */
  get explaining(): boolean {
    return [...this.clients].some((client) => client.explains);
  }

  send(stream: 1 | 2, bytes: Uint8Array): void {
    for (const client of this.clients) client.output(stream, bytes);
  }

  broadcast(message: ShimMessage): void {
    for (const client of this.clients) client.message(message);
  }

  /** The program is tied to a client. */
  get isOwned(): boolean {
    return this.owner !== undefined;
  }

  /** To the client that the program is tied to, if there is one. */
  tellOwner(message: ShimMessage): void {
    this.owner?.message(message);
    this.owner?.flush();
  }

  /** A client asked for something that takes its time. */
  get hasWork(): boolean {
    return this.work.length > 0;
  }

  takeWork(): Work | undefined {
    return this.work.shift();
  }

  /** Asks the starting client and blocks for its answer; undefined if it is gone. */
  ask(question: ShimMessage): StepWord | undefined {
    const [asked] = this.clients;
    this.word = undefined;
    asked?.message(question);
    while (asked !== undefined && this.clients.has(asked) && this.word === undefined) {
      serveOnce(this.sources(false), -1);
    }
    return this.word;
  }

  /** The last message: sent to everyone, also to who has come while the shim was going away; then all hang up. */
  finish(message: ShimMessage): void {
    this.accept();
    if (this.listener >= 0) closeSync(this.listener);
    this.listener = -1;
    this.sayGoodbye(message, Infinity);
  }

  /** The last message about a run that is followed by another; later clients hear of that one. */
  finishRun(message: ShimMessage): void {
    const { listener } = this;
    this.accept();
    this.listener = -1;
    this.sayGoodbye(message, GOODBYE);
    this.listener = listener;
    for (const client of this.clients) this.forget(client);
  }

  /** `patience`: milliseconds for clients that have yet to read what the program wrote. */
  private sayGoodbye(message: ShimMessage, patience: number): void {
    this.broadcast(message);
    for (const end = performance.now() + GOODBYE; this.clients.size > 0;) {
      const left = end - performance.now();
      // They are waited for; who merely stays connected is not.
      if (left <= 0 && ![...this.clients].some((client) => client.pending)) return;
      if (left <= GOODBYE - patience) return;
      serveOnce(this.sources(false).slice(1), left <= 0 ? -1 : left);
    }
  }

  private accept(): void {
    if (this.listener < 0) return;
    for (let fd = acceptConnection(this.listener); fd !== undefined; fd = acceptConnection(this.listener)) {
      this.add(fd, DETACHED);
    }
  }

  private answer(client: Client, message: ShimMessage): void {
    if (this.clients.has(client)) client.message(message);
  }

  private forget(client: Client): void {
    client.close();
    if (this.clients.delete(client) && client.attachment.stdin) this.events.inputEnded();
    if (client === this.owner) this.events.ownerLost();
  }

  private receive(client: Client, type: FrameType, payload: Buffer): void {
    if (type === FRAME.stdin) {
      if (client.attachment.stdin) this.events.input(payload);
      return;
    }
    const message = JSON.parse(payload.toString()) as ClientMessage;
    switch (message.type) {
      case 'attach': {
        const { stdin, stdout, stderr } = message;
        client.attachment = { stdin, stdout, stderr };
        break;
      }
      case 'resize':
        this.events.resized(message.rows, message.columns);
        break;
      case 'stdin-closed':
        client.attachment = { ...client.attachment, stdin: false };
        this.events.inputEnded();
        break;
      case 'adopt-terminal':
        this.events.terminalLeft(message.pid, message.fd);
        client.message({ type: 'adopted' });
        break;
      case 'step':
        this.word = message.word;
        break;
      case 'wait':
        // Every client gets the last message; this one says that it has come for nothing else.
        client.explains = message.explain === true;
        if (client.explains) client.message({ type: 'heard' });
        break;
      case 'connect':
      case 'disconnect':
        this.work.push({ request: message, answer: (answer) => this.answer(client, answer) });
        client.message({ type: 'heard' });
        break;
    }
  }
}
