/**
 * Starting programs. Through Bun's own spawn: node:child_process costs 2.6 ms of each process that uses it (it brings
 * streams, sockets and events), execa 9 ms, and this is on the way of every start. Under Node, which runs the unit
 * tests, it is node:child_process.
 */
import { span, type Note } from '../trace.ts';

export type Words = readonly [program: string, ...args: string[]];

export interface SpawnOptions {
  readonly stdio: readonly (number | 'ignore')[];
  /** All of it: nothing of this process's own environment is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** In a session of its own, which neither this process's end nor its terminal's hang-up reaches. */
  readonly detached?: boolean;
}

export interface Spawned {
  readonly pid: number;
  /** Resolves to the exit status, 128 + N after signal N. */
  readonly exited: Promise<number>;
  /** This process may end before that one. */
  unref(): void;
}

/** @throws Error with a `code`, such as ENOENT, when the program cannot be started. */
export function spawn(words: Words, { stdio, env, cwd, detached = false }: SpawnOptions): Spawned {
  if (!hasBun()) throw new Error('only under Bun');
  const start = (): Bun.Subprocess =>
    Bun.spawn([...words], {
      stdio: [...stdio] as ['ignore', 'ignore', 'ignore'],
      env: { ...env },
      detached,
      ...(cwd === undefined ? {} : { cwd }),
    });
  const child = span('process', `start ${words[0]}`, start, { argv: words });
  return {
    pid: child.pid,
    exited: child.exited.then(() => statusOf(child.exitCode, child.signalCode)),
    unref: () => child.unref(),
  };
}

export interface RunOptions {
  readonly input?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunResult {
  /** 128 + N after signal N. */
  readonly status: number;
  readonly stderr: string;
}

/** Runs a program to its end, its output thrown away. @throws as `spawn` does. */
export function run(words: Words, options: RunOptions): Promise<RunResult> {
  const work = async (note: Note): Promise<RunResult> => {
    const result = hasBun() ? await runUnderBun(words, options) : await runUnderNode(words, options);
    note({ status: result.status });
    return result;
  };
  return span('process', words[0], work, { argv: words, input: options.input });
}

async function runUnderBun(words: Words, { input, env }: RunOptions): Promise<RunResult> {
  const child = Bun.spawn([...words], {
    stdin: input === undefined ? 'ignore' : Buffer.from(input),
    stdout: 'ignore',
    stderr: 'pipe',
    env: { ...env },
  });
  const [stderr] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  return { status: statusOf(child.exitCode, child.signalCode), stderr };
}

function runUnderNode([program, ...args]: Words, { input, env }: RunOptions): Promise<RunResult> {
  const { spawn: start } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve, reject) => {
    const child = start(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: statusOf(code, signal), stderr }));
  });
}

const hasBun = (): boolean => typeof Bun !== 'undefined';

/** A real-time signal has no name, and is a number already. */
const statusOf = (code: number | null, signal: NodeJS.Signals | number | null): number =>
  code ??
  128 +
    (typeof signal === 'string'
      ? process.getBuiltinModule('node:os').constants.signals[signal]
      : (signal ?? 0));
