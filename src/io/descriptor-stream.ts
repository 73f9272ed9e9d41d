/**
 * Reading and writing pipes and ptys by descriptor, on the event loop. The one module here with Bun's own API:
 * node:fs streams take a thread of the pool for each blocked read, and with as many streams as threads nothing
 * else moves (seen); Bun's file streams poll. Descriptors given to these functions are closed by them.
 */
import { closeSync } from 'node:fs';
import { kernel } from '../../runtime/syscall/libc.ts';

/** Calls `onData` for each chunk and waits for it (back-pressure); resolves at the end of the stream. */
export async function readDescriptor(
  fd: number,
  onData: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  kernel.setNonBlocking(fd);
  try {
    for await (const chunk of Bun.file(fd).stream())
      await onData(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  } catch (error) {
    // EIO means that every slave of the pty is closed; a pipe never returns it.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  } finally {
    closeQuietly(fd);
  }
}

/** A writer whose `write` resolves when the kernel has taken the bytes. */
export class DescriptorWriter {
  private readonly sink: ReturnType<ReturnType<typeof Bun.file>['writer']>;
  private queue: Promise<unknown> = Promise.resolve();
  private open = true;

  constructor(private readonly fd: number) {
    kernel.setNonBlocking(fd);
    this.sink = Bun.file(fd).writer();
  }

  /** Keeps the order. After the reader has gone (EPIPE) it drops further bytes and returns false. */
  write(bytes: Uint8Array): Promise<boolean> {
    const copy = Buffer.from(bytes);
    const result = this.queue.then(async () => {
      if (!this.open) return false;
      try {
        // Waiting for the write before asking for the flush would wait for ever: the flush is what carries it out.
        const written = this.sink.write(copy);
        await this.sink.flush();
        await written;
      } catch {
        // EPIPE or EIO: nobody reads any more, which is not the writer's failure.
        this.open = false;
      }
      return this.open;
    });
    this.queue = result;
    return result;
  }

  close(): void {
    this.queue = this.queue.then(async () => {
      this.open = false;
      try {
        // The sink writes through a descriptor of its own; while that is open, the reader sees no end.
        await this.sink.end();
      } catch {
        // Nothing reads the unwritten rest; only end it.
      }
      closeQuietly(this.fd);
    });
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Bun closes the descriptor itself at the end of some streams; EBADF then says the work is done.
  }
}
