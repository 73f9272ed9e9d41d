/**
 * Standard output and error by descriptor. Asking Bun for `process.stdout` builds a stream of Node's, with all it
 * needs, and takes 9 ms: more than the rest of a short command. What is printed here is written with write(2), which
 * for files, terminals and pipes is what Node does on Linux too. Node's stream is made only where one is needed: by a
 * library that takes one, or to go on with other work while a reader lags.
 */
import { fstatSync, writeSync } from 'node:fs';
import { fitForTerminal, printable } from '../../runtime/printable.ts';
import { errnoOf } from '../../runtime/syscall/error.ts';
import { kernel } from '../../runtime/syscall/libc.ts';

/** Room for as many bytes is what poll(2) promises of a pipe that can be written to (pipe(7), PIPE_BUF). */
const PIPE_BUF = 4096;
/** The status a shell shows for a program that SIGPIPE ended. */
const SIGPIPE_STATUS = 141;

export class StandardStream {
  private node: NodeJS.WriteStream | undefined;
  private kind: { readonly terminal: boolean; readonly mayBlock: boolean } | undefined;

  constructor(
    private readonly fd: 1 | 2,
    private readonly name: 'stdout' | 'stderr',
  ) {}

  get isTTY(): boolean {
    return this.described().terminal;
  }

  /** Of the terminal; 0 where there is none, or one that nobody has sized. */
  get columns(): number {
    return this.isTTY ? kernel.windowSize(this.fd).columns : 0;
  }

  get rows(): number {
    return this.isTTY ? kernel.windowSize(this.fd).rows : 0;
  }

  /**
   * Returns when the kernel has it all. Text is fit for a terminal wherever it goes, since what is piped is often
   * looked at in the end. Bytes are somebody's own, a container's output or an archive, and stay as they are.
   */
  write(data: string | Uint8Array): void {
    if (typeof data === 'string') this.writeRaw(printable(data));
    else this.writeBytes(data);
  }

  /** The same for text with our colours; others' words in it are already printable. */
  writeStyled(text: string): void {
    this.writeRaw(fitForTerminal(text));
  }

  /**
   * What a template of the user's made of the data. A terminal gets it fit to be seen. In a pipe or a file it stays
   * as it is, as with ls(1) and Docker: a program that asked for a value is to have that value, not its spelling.
   */
  writeData(text: string): void {
    const fit = printable(text);
    // Most text is fit as it is, and nobody need be asked whether this is a terminal.
    this.writeRaw(fit === text || !this.isTTY ? text : fit);
  }

  /** Only for words and cursor movements of our own: pictures that are drawn anew in place. */
  writeRaw(text: string): void {
    this.writeBytes(Buffer.from(text));
  }

  private writeBytes(bytes: Uint8Array): void {
    if (this.node !== undefined) this.node.write(Buffer.from(bytes));
    else this.writeAll(bytes, bytes.length);
  }

  /**
   * The same without ever keeping the process from its other work, such as passing on signals, while the reader of a
   * pipe lags; undefined when all is written already. Order is kept; wait for one before the next.
   */
  writePatiently(bytes: Uint8Array): Promise<void> | undefined {
    let offset = 0;
    if (this.node === undefined) {
      const piece = this.described().mayBlock ? PIPE_BUF : bytes.length;
      while (offset < bytes.length && (piece === bytes.length || kernel.poll(this.fd, 'write', 0))) {
        const end = Math.min(bytes.length, offset + piece);
        this.writeAll(bytes.subarray(offset, end), end - offset);
        offset = end;
      }
      if (offset === bytes.length) return undefined;
    }
    const rest = Buffer.from(bytes.subarray(offset));
    return new Promise((resolve) => this.asNodeStream().write(rest, () => resolve()));
  }

  /** From here on everything goes through it. */
  asNodeStream(): NodeJS.WriteStream {
    if (this.node === undefined) {
      this.node = process[this.name];
      this.node.on('error', (error: NodeJS.ErrnoException) => this.failed(error));
    }
    return this.node;
  }

  /** Resolves when nothing that was written is on its way any more; also an error of it is known by then. */
  async flushed(): Promise<void> {
    const stream = this.node;
    if (stream === undefined || stream.destroyed) return;
    await new Promise<void>((resolve) => stream.write('', () => setImmediate(resolve)));
  }

  private writeAll(bytes: Uint8Array, length: number): void {
    for (let offset = 0; offset < length;) {
      try {
        offset += writeSync(this.fd, bytes, offset, length - offset);
      } catch (error) {
        // The parent process may have made the descriptor non-blocking.
        if (errnoOf(error) === 'EAGAIN') kernel.poll(this.fd, 'write', -1);
        else if (errnoOf(error) !== 'EINTR') return this.failed(error as NodeJS.ErrnoException);
      }
    }
  }

  private described(): NonNullable<typeof this.kind> {
    if (this.kind === undefined) {
      let stats: ReturnType<typeof fstatSync> | undefined;
      try {
        stats = fstatSync(this.fd);
      } catch {
        // Closed by the caller: the first write says so.
      }
      this.kind = {
        terminal: stats?.isCharacterDevice() === true && !isMemory(stats.rdev) && kernel.isTerminal(this.fd),
        mayBlock: stats?.isFIFO() === true || stats?.isSocket() === true,
      };
    }
    return this.kind;
  }

  /**
   * `minidock logs web | head` ends when head does, with the status a shell gives for SIGPIPE. Other write errors, of
   * a full disk say, go to standard error if possible.
   */
  private failed(error: NodeJS.ErrnoException): never {
    if (error.code === 'EPIPE') process.exit(SIGPIPE_STATUS);
    try {
      if (this.name === 'stdout') writeSync(2, `minidock: write /dev/stdout: ${error.message}\n`);
    } catch {
      // Only the exit status can report it.
    }
    process.exit(1);
  }
}

/** /dev/null above all, major 1 (mem(4)): to ask the kernel takes half a millisecond, for which libc is opened. */
const isMemory = (device: number | bigint): boolean => Number(device) >> 8 === 1;

export const stdout = new StandardStream(1, 'stdout');
export const stderr = new StandardStream(2, 'stderr');

/** Whether standard input is a terminal, without building Node's stream for it. */
export const stdinIsTerminal = (): boolean => kernel.isTerminal(0);
