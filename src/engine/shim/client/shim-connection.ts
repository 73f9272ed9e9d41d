/** A client's end of a conversation with a shim: the one that started it, or one that came through its socket. */
import { Connection } from '../../../io/connection.ts';
import { frame, FRAME, FrameReader, messageFrame } from '../../../io/frames.ts';
import type { ClientMessage, ShimMessage, ShimRequest } from './shim-protocol.ts';

export interface ShimHandlers {
  output(stream: 1 | 2, bytes: Buffer): void;
  message(message: ShimMessage): void;
  /** The connection ended; after an 'exited' or 'failed' message this says nothing new. */
  closed(): void;
}

/** The client's end of a shim's connection. */
export class ShimConnection {
  private readonly connection: Connection;

  constructor(target: { readonly path: string } | { readonly fd: number }, handlers: ShimHandlers) {
    const frames = new FrameReader((type, payload) => {
      if (type === FRAME.message) handlers.message(JSON.parse(payload.toString()) as ShimMessage);
      else if (type === FRAME.stdout) handlers.output(1, payload);
      else if (type === FRAME.stderr) handlers.output(2, payload);
    });
    this.connection = new Connection(target, {
      data: (chunk) => frames.push(chunk),
      closed: () => handlers.closed(),
    });
  }

  send(message: ClientMessage): void {
    this.connection.write(messageFrame(message));
  }

  /** What a shim waits for before all else. */
  request(request: ShimRequest): void {
    this.connection.write(messageFrame(request));
  }

  /** false when the shim lags and the caller should wait for `drained`. */
  input(bytes: Uint8Array): boolean {
    return this.connection.write(frame(FRAME.stdin, bytes));
  }

  drained(): Promise<void> {
    return this.connection.drained();
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  close(): void {
    this.connection.close();
  }
}
