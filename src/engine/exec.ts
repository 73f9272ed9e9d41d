/**
 * `exec`: one more process in a running container. No supervisor stays behind: the command itself is the parent of
 * nsenter, and a detached exec's process simply goes on when the command ends. If it has a terminal, the container's
 * shim takes that over: with its last holder gone, the kernel would hang up on the process.
 *
 *     minidock exec ── nsenter --target PID --net --uts --ipc --pid ── minidock __enter ── execve(program)
 *
 * `__enter` joins the cgroup, the cgroup and mount namespaces, and drops privileges (runtime/process/enter.ts).
 */
import { closeSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilitySets, type OciConfig, type OciProcess } from '../../runtime/bundle.ts';
import { cgroupProcsFiles } from '../../runtime/cgroup/processes.ts';
import { MinidockError } from '../../runtime/errors.ts';
import { spawn } from '../../runtime/io/spawn.ts';
import { isInstalled, packageOf } from '../../runtime/plan/tools.ts';
import { allCapabilities } from '../../runtime/process/capabilities.ts';
import type { EnterRequest } from '../../runtime/process/enter.ts';
import { InitTrace } from '../../runtime/process/init-trace.ts';
import { nsenterArgv, SHORT_LIVED } from '../../runtime/process/namespace-command.ts';
import { fetchTerminal, listenForInit } from '../../runtime/process/supervise.ts';
import { stderr, stdinIsTerminal, stdout } from './standard-streams.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { isTraced, span } from '../../runtime/trace.ts';
import { DescriptorWriter, readDescriptor } from './descriptor-stream.ts';
import { DetachWatcher, parseDetachKeys } from './detach-keys.ts';
import { terminalSize } from './foreground.ts';
import { containerRunDir, type Paths } from './paths.ts';
import { enterRawMode } from './raw-terminal.ts';
import { leaveTerminal } from './shim-client.ts';
import type { Container } from './store.ts';
import { randomHex } from './ids.ts';

export interface ExecOptions {
  readonly argv: readonly [string, ...string[]];
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly privileged: boolean;
  readonly detachKeys: string;
}

/** Gives the program's exit status; 0 at once when detached. @throws MinidockError with 126 or 127. */
export async function execInContainer(
  paths: Paths,
  container: Container,
  options: ExecOptions,
): Promise<number> {
  const { config, state } = container;
  if (state.status !== 'running') {
    throw new MinidockError({
      code: 'NOT_RUNNING',
      message: `container ${config.id} is not running`,
      hint: `Start it first: minidock start ${config.name}`,
      exitCode: 1,
    });
  }
  const dir = join(containerRunDir(paths, config.id), `exec-${randomHex(8)}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    return await runExec(paths, container, options, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function runExec(
  paths: Paths,
  { config, state }: Container,
  options: ExecOptions,
  dir: string,
): Promise<number> {
  const bundle = span('state', 'read the bundle', () => readBundle(containerRunDir(paths, config.id)));
  const { seccomp } = bundle.linux;
  const request: EnterRequest = {
    containerPid: state.pid,
    process: execProcess(bundle.process, options),
    cgroupProcs: cgroupProcsFiles(bundle.linux.cgroupsPath),
    // Kept with --privileged too, as Docker keeps it: more capabilities, the same system calls.
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(isTraced() ? { trace: true } : {}),
  };
  const requestPath = join(dir, 'request.json');
  const socketPath = join(dir, 'enter.sock');
  writeFileSync(requestPath, JSON.stringify(request), { mode: 0o600 });
  const words = nsenterArgv(state.pid, bundle, {
    initBinary: process.execPath,
    requestPath,
    socketPath,
  });
  for (const tool of ['unshare', 'nsenter']) {
    if (words.includes(tool) && !isInstalled(tool)) throw spawnFailed(tool);
  }
  const trace = new InitTrace(`exec in ${config.name}`);
  const init = await span('wait', 'listen for the process inside', () => listenForInit(socketPath, trace));
  const stdio = openStdio(options);
  trace.spawning();
  const child = spawn(words, {
    stdio: stdio.child,
    cwd: '/',
    detached: options.detach,
    env: { ...SHORT_LIVED, PATH: process.env['PATH'] },
  });
  stdio.closeChildEnds();
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
    init.go();
    const failure = await span('wait', 'wait for execve', () => init.result);
    if (failure !== undefined) {
      throw new MinidockError({
        code: failure.errno || 'EXEC_FAILED',
        message: `OCI runtime exec failed: ${failure.message}`,
        exitCode: failure.exitCode === 125 ? 126 : failure.exitCode,
      });
    }
    trace.executed('process.exec', options.argv);
    void exited.then((status) => trace.ended(status));
    if (options.detach) {
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

const readBundle = (runDir: string): OciConfig =>
  JSON.parse(readFileSync(join(runDir, 'bundle', 'config.json'), 'utf8')) as OciConfig;

/** After a detach nobody waits for the terminal's end. */
const settle = (terminal: ExecTerminal | undefined): Promise<unknown> =>
  terminal === undefined ? new Promise(() => undefined) : terminal.detached;

function execProcess(base: OciProcess, options: ExecOptions): OciProcess {
  const variables = new Map<string, string>();
  // HOME belongs to the user that runs the program, which may be another than the container's.
  for (const entry of [...base.env, ...(options.tty ? ['TERM=xterm'] : []), ...options.env]) {
    variables.set(entry.split('=', 1)[0] ?? '', entry);
  }
  const capabilities = options.privileged ? allCapabilities() : base.capabilities.bounding;
  const size = options.tty ? terminalSize() : undefined;
  return {
    ...base,
    terminal: options.tty,
    ...(size === undefined ? {} : { consoleSize: { height: size.rows, width: size.columns } }),
    args: options.argv,
    env: [...variables.values()],
    cwd: options.workdir === '' ? base.cwd : options.workdir,
    user: options.user === '' ? base.user : { uid: 0, gid: 0, additionalGids: [], username: options.user },
    capabilities: capabilitySets(capabilities),
  };
}

interface ExecStdio {
  readonly child: readonly [number | 'ignore', number | 'ignore', number | 'ignore'];
  closeChildEnds(): void;
  readonly ended: Promise<unknown>;
}

function openStdio(options: ExecOptions): ExecStdio {
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
    readDescriptor(out.read, (chunk) => stdout.writePatiently(chunk)),
    readDescriptor(err.read, (chunk) => stderr.writePatiently(chunk)),
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
    // What never ends, /dev/zero say, must not be read on for nobody: that would leave no time for anything else.
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

function spawnFailed(program: string): MinidockError {
  return new MinidockError({
    code: 'TOOL_MISSING',
    message: `${program}: command not found`,
    hint: `Install the package '${packageOf(program)}' and try again.`,
    exitCode: 126,
  });
}
