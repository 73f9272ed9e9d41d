/**
 * Starting a container from the command's side: launch its shim, watch the events on the socketpair between them.
 * The shim is in a session of its own, so neither this command's end nor its terminal's hang-up reaches it.
 */
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { spawn } from '../../runtime/io/spawn.ts';
import { spanStart } from '../../runtime/trace.ts';
import { socketPair } from '../../runtime/syscall/sockets.ts';
import { Connection } from './connection.ts';
import { frame, FRAME, FrameReader, messageFrame } from './frames.ts';
import { containerDir, type Paths } from './paths.ts';
import { noSuchContainer } from './store.ts';
import type { ClientMessage, ShimMessage, ShimRequest, WireError } from './shim-protocol.ts';

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

export function launchShim(request: ShimRequest, handlers: ShimHandlers): ShimConnection {
  const errors = openShimLog(request);
  const { here, there } = socketPair();
  try {
    const words = [process.execPath, '__shim', JSON.stringify(request)] as const;
    spanStart('start the shim', () =>
      spawn(words, {
        stdio: ['ignore', 'ignore', errors, there],
        env: process.env,
        cwd: '/',
        detached: true,
      }),
    ).unref();
  } catch (error) {
    closeSync(here);
    throw new MinidockError(cannotLaunch((error as Error).message));
  } finally {
    closeSync(errors);
    closeSync(there);
  }
  return new ShimConnection({ fd: here }, handlers);
}

const cannotLaunch = (reason: string): WireError => ({
  code: 'SHIM_FAILED',
  message: `cannot start the shim: ${reason}`,
  hint: 'Limits on open files (ulimit -n), processes (ulimit -u) or memory are the usual reasons.',
  exitCode: 125,
});

function openShimLog({ id, root, run }: ShimRequest): number {
  try {
    return openSync(join(containerDir({ root, run }, id), 'shim.log'), 'a', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noSuchContainer(id.slice(0, 12));
    throw error;
  }
}

export interface StartOptions {
  readonly explain?: boolean;
  readonly onMessage?: (message: ShimMessage) => void;
}

/** Starts detached: resolves when the program runs. @throws what the shim reports. */
export function startDetached(paths: Paths, id: string, options: StartOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const connection = launchShim(
      {
        id,
        ...paths,
        explain: options.explain ?? false,
        attach: { stdin: false, stdout: false, stderr: false },
      },
      {
        output: () => undefined,
        message: (message) => {
          options.onMessage?.(message);
          if (message.type === 'failed') settle(() => reject(fromWire(message.error)));
          // A program may end at once: 'exited' then comes right behind 'started'.
          if (message.type === 'started') settle(resolve);
        },
        closed: () => settle(() => reject(shimLost(paths, id))),
      },
    );
    function settle(how: () => void): void {
      if (settled) return;
      settled = true;
      connection.close();
      how();
    }
  });
}

export function fromWire(error: Extract<ShimMessage, { type: 'failed' }>['error']): MinidockError {
  return new MinidockError(error);
}

export function shimLost(paths: Paths, id: string): MinidockError {
  return new MinidockError({
    code: 'SHIM_LOST',
    message: `the shim of container ${id.slice(0, 12)} ended without a word`,
    hint: `Its last words may be in ${join(containerDir(paths, id), 'shim.log')}.`,
    exitCode: 125,
  });
}
