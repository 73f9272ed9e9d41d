/**
 * A command's own streams tied to a container's: stdout and stderr kept apart, stdin fed with back-pressure, the
 * terminal in raw mode with its size followed and always restored, signals passed on, detach keys watched for.
 * Used by `run`, `start -a`, `attach` and `exec -it`.
 */
import { enterRawMode } from '../io/raw-terminal.ts';
import type { MessageHandler, ShimMessage } from './shim/client/shim-protocol.ts';
import type { ShimConnection, ShimHandlers } from './shim/client/shim-connection.ts';
import { DetachWatcher, parseDetachKeys } from '../io/detach-keys.ts';
import { stderr, stdinIsTerminal, stdout } from '../io/standard-streams.ts';
import { terminalSize } from '../io/terminal-size.ts';

export interface ForegroundOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly detachKeys: string;
  /** Makes the program redraw its screen for the new client. */
  readonly redraw?: boolean;
  /** Called for each signal this process gets while attached, unless a terminal carries them. */
  readonly onSignal?: (signal: NodeJS.Signals) => void;
  /** Keys and signals are this command's own until the program runs. */
  readonly held?: boolean;
}

export type ForegroundEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly error: Extract<ShimMessage, { type: 'failed' }>['error'] }
  | { readonly kind: 'detached' }
  | { readonly kind: 'lost' };

/** The signals `docker run` passes on with --sig-proxy. */
const PROXIED: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
];

/** `open` gets the handlers and gives the connection (a shim being launched, or an attach to one). */
export async function runForeground(
  open: (handlers: ShimHandlers) => ShimConnection,
  options: ForegroundOptions,
  onMessage?: MessageHandler,
): Promise<ForegroundEnd> {
  const cleanups: (() => void)[] = [];
  const output = new OutputWriter();
  try {
    return await new Promise<ForegroundEnd>((resolve) => {
      const connection = open({
        output: (stream, bytes) => output.write(stream, bytes, connection),
        message: (message) => {
          onMessage?.(message, (answer) => connection.send(answer));
          if (message.type === 'started' && options.held === true) tie();
          if (message.type === 'exited') resolve({ kind: 'exited', exitCode: message.exitCode });
          if (message.type === 'failed') resolve({ kind: 'failed', error: message.error });
        },
        closed: () => resolve({ kind: 'lost' }),
      });
      cleanups.push(() => connection.close());
      const tie = (): void => {
        if (options.stdin) cleanups.push(feedInput(connection, options, () => resolve({ kind: 'detached' })));
        if (options.tty) cleanups.push(followSize(connection, options.redraw === true));
        if (options.onSignal !== undefined) cleanups.push(passSignals(options.onSignal));
      };
      if (options.held !== true) tie();
    });
  } finally {
    await output.drained();
    for (const cleanup of cleanups) cleanup();
  }
}

/** Writes to this process's stdout and stderr, pausing the connection while they are full. */
class OutputWriter {
  private queue: Promise<void> | undefined;

  write(stream: 1 | 2, bytes: Buffer, connection: ShimConnection): void {
    const target = stream === 1 ? stdout : stderr;
    if (this.queue === undefined) {
      const waiting = target.writePatiently(bytes);
      if (waiting !== undefined) this.wait(waiting, connection);
      return;
    }
    // What has come in already is still handed on while paused.
    const copy = Buffer.from(bytes);
    this.wait(
      this.queue.then(() => target.writePatiently(copy)),
      connection,
    );
  }

  async drained(): Promise<void> {
    while (this.queue !== undefined) await this.queue;
  }

  private wait(waiting: Promise<void>, connection: ShimConnection): void {
    if (this.queue === undefined) connection.pause();
    const own = waiting.then(() => {
      if (this.queue !== own) return;
      this.queue = undefined;
      connection.resume();
    });
    this.queue = own;
  }
}

function feedInput(connection: ShimConnection, options: ForegroundOptions, detached: () => void): () => void {
  const { stdin } = process;
  const raw = options.tty && stdinIsTerminal();
  const restore = raw ? enterRawMode(stdin) : undefined;
  const watcher = raw ? new DetachWatcher(parseDetachKeys(options.detachKeys)) : undefined;
  const onData = (chunk: Buffer): void => {
    const seen = watcher?.feed(chunk) ?? { forward: chunk, detach: false };
    if (seen.forward.length > 0 && !connection.input(seen.forward)) {
      stdin.pause();
      void connection.drained().then(() => stdin.resume());
    }
    if (seen.detach) detached();
  };
  const onEnd = (): void => connection.send({ type: 'stdin-closed' });
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  return () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    stdin.pause();
    restore?.();
  };
}

function followSize(connection: ShimConnection, redraw: boolean): () => void {
  const send = (more = 0): void => {
    const size = terminalSize();
    if (size === undefined) return;
    connection.send({ type: 'resize', rows: size.rows + more, columns: size.columns + more });
  };
  const follow = (): void => send();
  // The kernel sends SIGWINCH only for a size that differs.
  if (redraw) send(1);
  send();
  process.on('SIGWINCH', follow);
  return () => process.off('SIGWINCH', follow);
}

function passSignals(onSignal: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of PROXIED) process.on(signal, onSignal);
  return () => {
    for (const signal of PROXIED) process.off(signal, onSignal);
  };
}

/** For `-t` without a terminal to be one: Docker's words. */
export function refuseMissingTerminal(options: { tty: boolean; stdin: boolean }): boolean {
  if (!options.tty || !options.stdin || stdinIsTerminal()) return false;
  stderr.write('the input device is not a TTY\n');
  return true;
}
