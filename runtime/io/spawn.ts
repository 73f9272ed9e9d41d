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

export interface Printed extends RunResult {
  readonly stdout: string;
}

/** Runs a program to its end, its output thrown away. @throws as `spawn` does. */
export function run(words: Words, options: RunOptions): Promise<RunResult> {
  const work = async (note: Note): Promise<RunResult> => {
    const result = await (hasBun() ? runUnderBun(words, options) : readUnderNode(words, options));
    note({ status: result.status });
    return result;
  };
  return span('process', words[0], work, { argv: words, input: options.input });
}

/** Runs a program that only looks, and returns what it prints. @throws as `spawn` does. */
export const runToRead = (words: Words, options: RunOptions): Promise<Printed> =>
  hasBun() ? readUnderBun(words, options) : readUnderNode(words, options);

async function readUnderBun(words: Words, { input, env }: RunOptions): Promise<Printed> {
  const child = Bun.spawn([...words], {
    stdin: input === undefined ? 'ignore' : Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...env },
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status: statusOf(child.exitCode, child.signalCode), stdout, stderr };
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

function readUnderNode([program, ...args]: Words, { input, env }: RunOptions): Promise<Printed> {
  const { spawn: start } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve, reject) => {
    const child = start(program, args, { stdio: 'pipe', env });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      return (): string => Buffer.concat(chunks).toString('utf8');
    }) as [() => string, () => string];
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ status: statusOf(code, signal), stdout: stdout(), stderr: stderr() }),
    );
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
