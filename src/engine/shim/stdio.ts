/**
 * The container's standard streams as the shim holds them: three real pipes (so that /dev/stdout can be opened again,
 * which nginx's image does), or a pty from the container's own devpts when it has a terminal. Output fans out to the
 * log and to attached clients; back-pressure: reading stops while one of them lags.
 */
import { closeSync, fchownSync, readSync } from 'node:fs';
import { POLLIN, POLLOUT } from '../../../runtime/syscall/loops.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import type { LogWriter } from '../state/logs/log-file.ts';
import type { LogStream } from '../state/logs/log-record.ts';
import type { Clients } from './clients.ts';
import type { Source } from './poll-loop.ts';
import { WriteQueue } from './write-queue.ts';

export interface ChildStdio {
  readonly child: readonly [number | 'ignore', number | 'ignore', number | 'ignore'];
  /** To be called once the child has them. */
  closeChildEnds(): void;
}

/** For the process that takes this one's place. */
export interface StdioDescriptors {
  readonly stdin?: number;
  readonly outputs: readonly Output[];
  readonly terminal?: number;
}

interface Output {
  readonly fd: number;
  /** undefined: no client is attached; it still reads, so that the program does not block. */
  readonly stream: LogStream | undefined;
}

const chunk = Buffer.allocUnsafe(1 << 16);

export class ContainerStdio {
  private outputs: readonly Output[] = [];
  private stdin: WriteQueue | undefined;
  private terminal: number | undefined;

  constructor(
    /** undefined with --log-driver none. */
    private readonly log: LogWriter | undefined,
    private readonly clients: Clients,
    private readonly options: { readonly tty: boolean; readonly openStdin: boolean },
  ) {}

  /** To be asked for when no input waits. */
  handOver(): StdioDescriptors {
    return {
      outputs: this.outputs,
      ...(this.stdin?.open === true ? { stdin: this.stdin.fd } : {}),
      ...(this.terminal === undefined ? {} : { terminal: this.terminal }),
    };
  }

  adopt({ stdin, outputs, terminal }: StdioDescriptors): void {
    if (stdin !== undefined) this.stdin = new WriteQueue(stdin);
    this.outputs = outputs;
    this.terminal = terminal;
  }

  /**
   * Pipes for a container without a terminal. With one, its PID 1 opens the pty and these are never used. `owner`: the
   * container's root, who must be able to give them to its user, where that is not root of the machine.
   */
  open(owner?: number): ChildStdio {
    if (this.options.tty) return { child: ['ignore', 'ignore', 'ignore'], closeChildEnds: () => undefined };
    const stdin = this.options.openStdin ? kernel.pipe() : undefined;
    const stdout = kernel.pipe();
    const stderr = kernel.pipe();
    const given = [stdin?.read, stdout.write, stderr.write].filter((fd) => fd !== undefined);
    if (owner !== undefined) for (const fd of given) fchownSync(fd, owner, owner);
    if (stdin !== undefined) this.stdin = new WriteQueue(stdin.write);
    this.read(stdout.read, 1);
    this.read(stderr.read, 2);
    return {
      child: [stdin?.read ?? 'ignore', stdout.write, stderr.write],
      closeChildEnds: () => {
        for (const fd of given) closeSync(fd);
      },
    };
  }

  /** The master of the container's pty, ours from here on. */
  useTerminal(master: number): void {
    this.terminal = master;
    this.stdin = new WriteQueue(kernel.duplicate(master));
    this.read(master, 1);
  }

  /** The master of a terminal that a client has left; its writers must not block. */
  discard(master: number): void {
    this.read(master, undefined);
  }

  /** The container takes no more input for now. */
  get full(): boolean {
    return this.stdin?.empty === false;
  }

  /** Its program may be gone, but not all that it wrote has been read. */
  get unread(): boolean {
    return this.outputs.some(({ stream }) => stream !== undefined);
  }

  sources(): readonly Source[] {
    const sources: Source[] = [];
    const { stdin } = this;
    if (stdin?.empty === false) sources.push({ fd: stdin.fd, events: POLLOUT, ready: () => stdin.flush() });
    for (const output of this.outputs) {
      if (output.stream !== undefined && this.clients.lag) continue;
      sources.push({ fd: output.fd, events: POLLIN, ready: () => this.pump(output) });
    }
    return sources;
  }

  input(bytes: Buffer): void {
    if (this.options.openStdin) this.stdin?.write(bytes);
  }

  closeInput(): void {
    // A terminal has no end of file; users type ^D.
    if (!this.options.tty) this.stdin?.end();
  }

  resize(rows: number, columns: number): void {
    if (this.terminal !== undefined) kernel.setWindowSize(this.terminal, rows, columns);
  }

  private read(fd: number, stream: LogStream | undefined): void {
    kernel.setNonBlocking(fd);
    this.outputs = [...this.outputs, { fd, stream }];
  }

  private pump(output: Output): void {
    const bytes = readChunk(output.fd);
    if (bytes === undefined) {
      closeSync(output.fd);
      if (output.fd === this.terminal) {
        this.terminal = undefined;
        this.stdin?.close();
      }
      this.outputs = this.outputs.filter((other) => other !== output);
    } else if (output.stream !== undefined && bytes.length > 0) {
      this.log?.write(output.stream, bytes);
      this.clients.send(output.stream, bytes);
    }
  }
}

/** Empty when there is nothing for now, undefined at the end. */
function readChunk(fd: number): Buffer | undefined {
  try {
    const length = readSync(fd, chunk);
    return length === 0 ? undefined : chunk.subarray(0, length);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return chunk.subarray(0, 0);
    // EIO is how a pty's master says that every slave is closed; a pipe never gives it.
    if (errnoOf(error) === 'EIO') return undefined;
    throw error;
  }
}
