/**
 * The supervisor's end of init-protocol.ts, for the shim (PID 1) and for exec. One connection, then the socket
 * file is gone. Promises are settled in the protocol's order; an error settles all that are still open.
 */
import { MinidockError } from '../errors.ts';
import { listenForOne, type LineConnection } from '../io/unix-listener.ts';
import { readReport, REPORT_SIZE } from '../syscall/call-report.ts';
import { kernel } from '../syscall/libc.ts';
import type { InitFailure, InitMessage, SupervisorMessage } from './init-protocol.ts';
import { InitTrace } from './init-trace.ts';

export type { InitFailure };

/** `hello` and `ready` reject with it; `result` resolves to its `failure`. */
export class InitError extends MinidockError {
  readonly failure: InitFailure;

  constructor(failure: InitFailure) {
    super({
      code: failure.code === '' ? 'INIT_FAILED' : failure.code,
      message: failure.message,
      exitCode: failure.exitCode,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    });
    this.failure = failure;
  }
}

export interface InitListener {
  readonly hello: Promise<{ readonly pid: number }>;
  /** terminalFd is a number in that process: see fetchTerminal. */
  readonly ready: Promise<{ readonly terminalFd?: number }>;
  /** To PID 1, as soon as it has said hello: its bundle is there, which `begin` may not be ready for yet. */
  read(): void;
  /** To PID 1, as soon as it has said hello: its bundle and its network namespace are there. */
  begin(handed?: readonly string[], env?: readonly string[]): void;
  go(): void;
  /** undefined once the program runs. */
  readonly result: Promise<InitFailure | undefined>;
  /** Hangs up at any time; a process still waiting for 'go' then exits by itself. */
  close(): void;
}

/** Called before each step with --step; returns a reason to stop. */
export type Pause = (step: string, pid: number) => InitFailure | undefined;

/**
 * Resolves when the process may be started. `byCalls`: it is to send its list of calls, as exec's does; one that is gone
 * without it has not become the program.
 */
export async function listenForInit(
  socketPath: string,
  trace: InitTrace = new InitTrace(''),
  pause: Pause = () => undefined,
  byCalls = false,
): Promise<InitListener> {
  const hello = deferred<{ readonly pid: number }>();
  const ready = deferred<{ readonly terminalFd?: number }>();
  const result = deferred<InitFailure | undefined>();
  let connection: LineConnection | undefined;
  let failure: InitFailure | undefined;
  let known = 0;
  const tell = (message: SupervisorMessage): void => connection?.send(JSON.stringify(message));
  const tellLater = (message: SupervisorMessage): void =>
    void hello.promise.then(() => tell(message)).catch(() => undefined);
  let calls: CallsMessage | undefined;

  const receive = (message: InitMessage): void => {
    if (message.type === 'calls') calls = message;
    else if (message.type === 'hello') {
      known = message.pid;
      trace.hello(message.pid);
      hello.resolve({ pid: message.pid });
    } else if (message.type === 'ready') ready.resolve(message);
    else if (message.type === 'trace') trace.receive(message.event);
    else {
      failure = message.type === 'next' ? pause(message.step, known) : message;
      if (failure === undefined) return tell({ type: 'go' });
      // Hanging up tells the process that its words have arrived; only then does it exit.
      connection?.close();
    }
  };
  const ended = (rest: Uint8Array = new Uint8Array()): void => {
    const unfinished = failure ?? DIED;
    hello.reject(new InitError(unfinished));
    ready.reject(new InitError(unfinished));
    if (calls !== undefined) result.resolve(failureOf(calls, rest));
    else result.resolve(byCalls ? unfinished : failure);
  };

  const release = await listenForOne(socketPath, {
    connected: (one) => (connection = one),
    line: (text) => {
      receive(JSON.parse(text) as InitMessage);
      return calls !== undefined;
    },
    ended,
  });
  return {
    hello: hello.promise,
    ready: ready.promise,
    result: result.promise,
    read: () => tellLater({ type: 'read' }),
    begin: (handed = [], env = []) =>
      tellLater({ type: 'begin', hostRoot: `/proc/${process.pid}/root`, handed, env }),
    go: () => tell({ type: 'go' }),
    close: () => {
      if (connection === undefined) {
        release();
        ended();
      } else connection.close();
    },
  };
}

type CallsMessage = Extract<InitMessage, { type: 'calls' }>;

/** Loaded only for a message. */
async function failureOf({ table, calls }: CallsMessage, rest: Uint8Array): Promise<InitFailure | undefined> {
  // Where the preparer fails there are two: its own and the reaper's.
  const whole = [REPORT_SIZE, 2 * REPORT_SIZE].includes(rest.byteLength);
  const report = whole ? readReport(rest, table) : undefined;
  if (whole && report === undefined) return undefined;
  const { enterFailure } = await import('./enter/enter-failure.ts');
  return enterFailure(calls, report, rest);
}

/** The pty master of a process that is ready; close-on-exec here, and still open there until it executes. */
export function fetchTerminal(pid: number, terminalFd: number): number {
  const pidfd = kernel.pidfdOpen(pid);
  try {
    return kernel.pidfdGetfd(pidfd, terminalFd);
  } finally {
    kernel.close(pidfd);
  }
}

const DIED: InitFailure = {
  type: 'error',
  step: 'process.start',
  code: '',
  message: 'the first process of the container ended before the program began',
  exitCode: 125,
};

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T | Promise<T>): void;
  reject(error: Error): void;
}

/** Marks rejections as handled: the caller awaits these promises in its own order. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T | Promise<T>) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
