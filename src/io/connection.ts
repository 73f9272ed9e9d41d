/**
 * A client's end of a stream socket, on the event loop: the only user of Bun's sockets, which start in a tenth of a
 * millisecond while node:net takes three. The shim blocks in poll(2) and does not use it.
 */
import { closeSync } from 'node:fs';

export interface ConnectionHandlers {
  /** The chunk is the receiver's to keep. */
  data(chunk: Buffer): void;
  /** The other side hung up, or connecting failed; not called after our own `close`. */
  closed(): void;
}

type BunSocket = Awaited<ReturnType<typeof Bun.connect>>;

export class Connection {
  private socket: BunSocket | undefined;
  private queue: Uint8Array[] = [];
  private readonly waiting: (() => void)[] = [];
  private paused = false;
  private over = false;

  /** Connects to a path, or takes over a connected socket's descriptor. */
  constructor(
    target: { readonly path: string } | { readonly fd: number },
    private readonly handlers: ConnectionHandlers,
  ) {
    const socket = {
      open: (opened: BunSocket) => this.opened(opened),
      data: (_: BunSocket, chunk: Buffer) => {
        if (!this.over) handlers.data(chunk);
      },
      drain: () => this.flush(),
      close: () => this.end(),
      // The other side may be gone at any time; 'close' follows.
      error: () => undefined,
      // Called inside Bun.connect, before the caller is ready; the promise reports the same error.
      connectError: () => undefined,
    };
    const options = 'path' in target ? { unix: target.path, socket } : { fd: target.fd, socket };
    // Bun takes a descriptor although its types do not say so.
    Bun.connect(options as { unix: string; socket: typeof socket }).catch(() => {
      if ('fd' in target && this.socket === undefined) closeSync(target.fd);
      this.end();
    });
  }

  /** The bytes are given away. false when the other side lags and the caller should wait for `drained`. */
  write(bytes: Uint8Array): boolean {
    if (this.over) return true;
    this.queue.push(bytes);
    this.flush();
    return this.queue.length === 0;
  }

  /** Resolves when everything is written, or the other side is gone. */
  drained(): Promise<void> {
    if (this.over || this.queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  pause(): void {
    this.paused = true;
    this.socket?.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket?.resume();
  }

  /** At once; what has not been written yet is dropped. */
  close(): void {
    this.leave();
  }

  private opened(socket: BunSocket): void {
    this.socket = socket;
    if (this.over) socket.terminate();
    else if (this.paused) socket.pause();
    this.flush();
  }

  private flush(): void {
    if (this.socket === undefined || this.over) return;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const written = this.socket.write(next);
      if (written < 0) return;
      if (written < next.length) {
        this.queue[0] = next.subarray(written);
        return;
      }
      this.queue.shift();
    }
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private end(): void {
    if (this.leave()) this.handlers.closed();
  }

  /** false if it was over before. */
  private leave(): boolean {
    if (this.over) return false;
    this.over = true;
    this.queue = [];
    this.socket?.terminate();
    for (const resolve of this.waiting.splice(0)) resolve();
    return true;
  }
}
