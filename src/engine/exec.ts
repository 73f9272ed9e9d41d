/**
 * `exec`: one more process in a running container. No supervisor stays behind: the command itself is the parent of a
 * process of one page that waits for the program, and a detached exec's program simply goes on when the command ends.
 * If it has a terminal, the container's shim takes that over: with its last holder gone, the kernel would hang up on it.
 *
 *     minidock exec ── minidock __enter, then the page that waits ── the program
 *
 * How `__enter` gets the program into a container that may be hostile: runtime/process/enter/enter.ts.
 */
import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { MinidockError } from '../../runtime/errors.ts';
import { delay } from '../../runtime/io/delay.ts';
import { spawn } from '../../runtime/io/spawn.ts';
import type { Step } from '../../runtime/plan/step.ts';
import { stepSpan } from '../../runtime/plan/step-span.ts';
import { InitTrace } from '../../runtime/process/init-trace.ts';
import { SHORT_LIVED } from '../../runtime/process/namespace-command.ts';
import { fetchTerminal, listenForInit } from '../../runtime/process/supervise.ts';
import { stderr, stdinIsTerminal, stdout } from '../io/standard-streams.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { isTraced, span } from '../../runtime/trace.ts';
import { DescriptorWriter, readDescriptor } from '../io/descriptor-stream.ts';
import { DetachWatcher, parseDetachKeys } from '../io/detach-keys.ts';
import { terminalSize } from '../io/terminal-size.ts';
import { ExecEvents } from './state/events/exec-events.ts';
import {
  execSteps,
  newExecDir,
  placesIn,
  planExec,
  notRunning,
  requireRunning,
  type ExecOptions,
} from './plans/exec-plan.ts';
import type { Paths } from './state/paths.ts';
import { isSameProcess } from './state/process-identity.ts';
import { enterRawMode } from '../io/raw-terminal.ts';
import { leaveTerminal } from './shim/client/shim-client.ts';
import type { Container } from './state/store.ts';

/** Where the program's output goes, without a terminal. */
export interface ExecOutput {
  write(stream: 1 | 2, chunk: Buffer): Promise<void> | undefined;
  /** The process that brings the program into the container, and then waits for it as its parent. */
  started?(pid: number): void;
}

const STANDARD: ExecOutput = {
  write: (stream, chunk) => (stream === 1 ? stdout : stderr).writePatiently(chunk),
};

/**
 * Returns the program's exit status; 0 at once when detached. `onSteps` gets the steps before they are done. @throws
 * MinidockError with 126 or 127.
 */
export async function execInContainer(
  paths: Paths,
  container: Container,
  options: ExecOptions,
  onSteps?: (steps: readonly Step[]) => void,
  output: ExecOutput = STANDARD,
): Promise<number> {
  requireRunning(container);
  const dir = newExecDir(paths, container);
  const before = new LastWords(output);
  try {
    // Its directory goes with the container; do not create it again.
    mkdirSync(dir, { mode: 0o700 });
    return await runExec(paths, container, options, dir, before, onSteps, output);
  } catch (error) {
    // A container that ends meanwhile takes away what the process is about to use: whatever that says means this.
    if (!before.over && (await endsMeanwhile(container, error))) throw notRunning(container.config);
    before.tell();
    throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function runExec(
  paths: Paths,
  container: Container,
  options: ExecOptions,
  dir: string,
  before: LastWords,
  onSteps: ((steps: readonly Step[]) => void) | undefined,
  output: ExecOutput,
): Promise<number> {
  const { config } = container;
  const plan = await span('state', 'plan', () => planExec(paths, container, options, dir));
  const { request, start } = plan;
  onSteps?.(await execSteps(plan));
  const { requestPath, socketPath } = placesIn(dir);
  // A detached program outlives this command, so another process has to record its end (exec-end/await.ts).
  const result = options.detach ? kernel.pipe() : undefined;
  const inherited = result === undefined ? {} : { result: RESULT };
  writeFileSync(requestPath, JSON.stringify({ ...request, ...inherited, trace: isTraced() }), {
    mode: 0o600,
  });
  const trace = new InitTrace(`exec in ${config.name}`);
  const init = await span('wait', 'listen for the process inside', () =>
    listenForInit(socketPath, trace, undefined, true),
  );
  const stdio = openStdio(options, before, output);
  trace.spawning();
  const child = stepSpan([start], (note) => {
    const env = { ...SHORT_LIVED, PATH: process.env['PATH'] };
    const spawned = spawn(start.command.argv, {
      stdio: [...stdio.child, ...(result === undefined ? [] : [result.write])],
      cwd: '/',
      detached: options.detach,
      env,
    });
    note({ outcome: 'done' });
    return spawned;
  });
  stdio.closeChildEnds();
  if (result !== undefined) closeSync(result.write);
  output.started?.(child.pid);
  const { exited } = child;
  const early = exited.then((code): never => {
    throw new MinidockError({
      code: 'EXEC_DIED',
      message: `OCI runtime exec failed: the process ended with status ${String(code)} before the program began`,
      hint: 'The container may just have stopped.',
      exitCode: 126,
    });
  });
  early.catch(() => undefined);
  const { pid } = await span('wait', 'wait for the process inside', () => Promise.race([init.hello, early]));
  const ready = await span('wait', 'wait until it is ready', () => Promise.race([init.ready, early]));
  const master = ready.terminalFd === undefined ? undefined : fetchTerminal(pid, ready.terminalFd);
  if (master !== undefined && options.detach) await leaveTerminal(paths, config.id, master);
  const restore = master === undefined || options.detach ? undefined : useTerminal(master, options);
  try {
    const events = new ExecEvents(paths, config, options.argv);
    events.starting();
    init.go();
    const failure = await span('wait', 'wait for execve', () => init.result);
    if (failure !== undefined) {
      throw new MinidockError({
        code: failure.code || 'EXEC_FAILED',
        message: `OCI runtime exec failed: ${failure.message}`,
        exitCode: failure.exitCode === 125 ? 126 : failure.exitCode,
      });
    }
    before.tell();
    trace.executed('process.exec', { kind: 'exec', argv: options.argv, cwd: request.process.cwd });
    void exited.then((status) => {
      trace.ended(status);
      if (result === undefined) events.ended(status);
    });
    if (result !== undefined) {
      const { startWaiting } = await import('./exec-end/start.ts');
      startWaiting(paths, events.end, result.read);
      child.unref();
      return 0;
    }
    const detached = restore?.detached.then(async (code) => {
      await leaveTerminal(paths, config.id, restore.master);
      return code;
    });
    const code = await span('wait', 'wait for the program to end', () =>
      Promise.race([exited, ...(detached === undefined ? [] : [detached])]),
    );
    await span('wait', 'wait for the last output', () =>
      Promise.race([Promise.all([stdio.ended, restore?.ended]), settle(restore)]),
    );
    return code;
  } finally {
    restore?.restore();
    child.unref();
  }
}

/** The first descriptor behind standard input, output and error. */
const RESULT = 3;

/** Milliseconds: PID 1 is still there while the kernel ends what is in its namespace. */
const DYING = 300;
const LOOK = 10;
/** Words about the program itself, which the container has to do with only by its files. */
const OF_THE_PROGRAM = ['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC', 'EISDIR', 'ELOOP', 'E2BIG'];

async function endsMeanwhile({ state }: Container, error: unknown): Promise<boolean> {
  const { code = '' } = error as { readonly code?: string };
  const patience = error instanceof MinidockError && OF_THE_PROGRAM.includes(code) ? 0 : DYING;
  for (const end = Date.now() + patience; ; await delay(LOOK)) {
    if (!isSameProcess(state.pid, state.pidStartTime)) return true;
    if (Date.now() >= end) return false;
  }
}

/** What comes on standard error before the program has begun: words of those who bring it into the container. */
class LastWords {
  over = false;
  private readonly held: Buffer[] = [];

  constructor(private readonly output: ExecOutput) {}

  /** undefined once the program speaks for itself. */
  hold(chunk: Buffer): Promise<void> | undefined {
    if (this.over) return undefined;
    this.held.push(Buffer.from(chunk));
    return Promise.resolve();
  }

  tell(): void {
    this.over = true;
    for (const chunk of this.held.splice(0)) void this.output.write(2, chunk);
  }
}

/** After a detach, do not wait for the terminal's end. */
const settle = (terminal: ExecTerminal | undefined): Promise<unknown> =>
  terminal === undefined ? new Promise(() => undefined) : terminal.detached;

interface ExecStdio {
  readonly child: readonly [number | 'ignore', number | 'ignore', number | 'ignore'];
  closeChildEnds(): void;
  readonly ended: Promise<unknown>;
}

function openStdio(options: ExecOptions, before: LastWords, output: ExecOutput): ExecStdio {
  if (options.tty || options.detach) {
    return {
      child: ['ignore', 'ignore', 'ignore'],
      closeChildEnds: () => undefined,
      ended: Promise.resolve(),
    };
  }
  const stdin = options.interactive ? kernel.pipe() : undefined;
  const out = kernel.pipe();
  const err = kernel.pipe();
  if (stdin !== undefined) feed(new DescriptorWriter(stdin.write));
  const ended = Promise.all([
    readDescriptor(out.read, (chunk) => output.write(1, chunk)),
    readDescriptor(err.read, (chunk) => before.hold(chunk) ?? output.write(2, chunk)),
  ]);
  return {
    child: [stdin?.read ?? 'ignore', out.write, err.write],
    closeChildEnds: () => {
      for (const fd of [stdin?.read, out.write, err.write]) if (fd !== undefined) closeSync(fd);
    },
    ended,
  };
}

function feed(writer: DescriptorWriter): void {
  const { stdin } = process;
  stdin.on('data', (chunk: Buffer) => {
    stdin.pause();
    // Stop reading endless input such as /dev/zero: it would starve everything else.
    void writer.write(chunk).then((wanted) => (wanted ? stdin.resume() : undefined));
  });
  stdin.on('end', () => writer.close());
}

interface ExecTerminal {
  readonly ended: Promise<void>;
  /** Resolves, with Docker's exit status for it, when the detach keys were typed; otherwise never. */
  readonly detached: Promise<number>;
  /** Good until it is restored. */
  readonly master: number;
  restore(): void;
}

function useTerminal(master: number, options: ExecOptions): ExecTerminal {
  const writer = new DescriptorWriter(kernel.duplicate(master));
  const sizeFd = kernel.duplicate(master);
  const stdin = options.interactive ? process.stdin : undefined;
  const restoreMode = stdin !== undefined && stdinIsTerminal() ? enterRawMode(stdin) : undefined;
  const resize = (): void => {
    const size = terminalSize();
    if (size !== undefined) kernel.setWindowSize(sizeFd, size.rows, size.columns);
  };
  resize();
  process.on('SIGWINCH', resize);
  let detach: (code: number) => void = () => undefined;
  const detached = new Promise<number>((resolve) => (detach = resolve));
  const watcher = new DetachWatcher(parseDetachKeys(options.detachKeys));
  const onData = (chunk: Buffer): void => {
    const seen = watcher.feed(chunk);
    if (seen.forward.length > 0) void writer.write(seen.forward);
    if (seen.detach) detach(0);
  };
  stdin?.on('data', onData);
  return {
    ended: readDescriptor(master, (chunk) => stdout.writePatiently(chunk)),
    detached,
    master: sizeFd,
    restore: () => {
      process.off('SIGWINCH', resize);
      stdin?.off('data', onData);
      stdin?.pause();
      restoreMode?.();
      closeSync(sizeFd);
    },
  };
}
