/**
 * The container's standard streams as the shim holds them: three real pipes (so that /dev/stdout can be opened
 * again, which nginx's image does), or a pty from the container's own devpts when it has a terminal. Output goes to
 * the log and to whoever is attached; reading stops while one of them lags.
 */
import { closeSync } from 'node:fs';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { DescriptorWriter, readDescriptor } from '../descriptor-stream.ts';
import type { LogStream, LogWriter } from '../log-file.ts';
import type { Clients } from './clients.ts';

export interface ChildStdio {
  readonly child: readonly [number | 'ignore', number | 'ignore', number | 'ignore'];
  /** To be called once the child has them. */
  closeChildEnds(): void;
}

export class ContainerStdio {
  private writer: DescriptorWriter | undefined;
  private terminal: number | undefined;
  private readonly pumps: Promise<void>[] = [];
  private pending: Buffer[] = [];
  private logFailed = false;
  private inputClosed = false;

  constructor(
    private readonly log: LogWriter,
    private readonly clients: () => Clients,
    private readonly options: { readonly tty: boolean; readonly openStdin: boolean },
  ) {}

  /** Pipes for a container without a terminal. With one, its PID 1 opens the pty and these are never used. */
  open(): ChildStdio {
    if (this.options.tty) return { child: ['ignore', 'ignore', 'ignore'], closeChildEnds: () => undefined };
    const stdin = this.options.openStdin ? kernel.pipe() : undefined;
    const stdout = kernel.pipe();
    const stderr = kernel.pipe();
    if (stdin !== undefined) this.useWriter(new DescriptorWriter(stdin.write));
    this.pump(1, stdout.read);
    this.pump(2, stderr.read);
    return {
      child: [stdin?.read ?? 'ignore', stdout.write, stderr.write],
      closeChildEnds: () => {
        for (const fd of [stdin?.read, stdout.write, stderr.write]) if (fd !== undefined) closeSync(fd);
      },
    };
  }

  /** The master of the container's pty, ours from here on. */
  useTerminal(master: number): void {
    this.terminal = master;
    this.useWriter(new DescriptorWriter(kernel.duplicate(master)));
    this.pump(1, master);
  }

  private useWriter(writer: DescriptorWriter): void {
    this.writer = writer;
    for (const bytes of this.pending) void writer.write(bytes);
    this.pending = [];
    if (this.inputClosed) this.closeInput();
  }

  async input(bytes: Buffer): Promise<void> {
    if (!this.options.openStdin) return;
    // Sent before the container has anything to read from: kept, as a pipe or a tty's own queue would.
    if (this.writer === undefined) this.pending.push(Buffer.from(bytes));
    else await this.writer.write(bytes);
  }

  closeInput(): void {
    this.inputClosed = true;
    // A terminal has no end of file of its own; whoever types sends ^D.
    if (!this.options.tty) this.writer?.close();
  }

  resize(rows: number, columns: number): void {
    if (this.terminal !== undefined) kernel.setWindowSize(this.terminal, rows, columns);
  }

  /** Resolves when every byte that was written has been logged and sent. */
  async ended(): Promise<void> {
    await Promise.all(this.pumps);
    this.terminal = undefined;
    this.writer?.close();
  }

  /** A log that cannot be written, on a full disk say, costs lines of the log and nothing else. */
  private record(stream: LogStream, chunk: Buffer): void {
    try {
      this.log.write(stream, chunk);
    } catch (error) {
      if (!this.logFailed)
        process.stderr.write(`the log could not be written: ${(error as Error).message}\n`);
      this.logFailed = true;
    }
  }

  private pump(stream: LogStream, fd: number): void {
    this.pumps.push(
      readDescriptor(fd, async (chunk) => {
        this.record(stream, chunk);
        await this.clients().send(stream, chunk);
      }),
    );
  }
}
