/**
 * Programs started by tests: one helper that waits for the end, one handle for what goes on in the background.
 * Every process is ended by its own pid and awaited; nothing here ever kills by name.
 */
import { spawn, type ChildProcess } from 'node:child_process';

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 plus the signal's number is not made up here: a signalled process counts as -1. */
  readonly exitCode: number;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; the process is killed after that and the promise rejects. Default 30,000. */
  readonly timeout?: number;
  readonly cwd?: string;
}

export interface Background {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Everything written to stdout and stderr so far. */
  output(): string;
  /** Resolves once the output matches; rejects if the process ends first or it takes too long. */
  waitForOutput(pattern: RegExp): Promise<string>;
  kill(signal?: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

/** Waits for the end of a program; a failing one is a result, not an exception. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('runProgram: no program');
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
    const limit = options.timeout ?? 60_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // A process that inherited the pipes may outlive the child; without this 'close' would wait for them.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(`${argv.join(' ')}: still running after ${limit} ms\n${text(stdout)}${text(stderr)}`));
    }, limit);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ stdout: text(stdout), stderr: text(stderr), exitCode: code ?? -1 });
    });
    // EPIPE: the program may end without reading its input, which is its own business.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Starts a program that stays. Its stdin is a pipe that closes with this process. */
export function startProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Background {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('startProgram: no program');
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
  let output = '';
  let ended = false;
  const append = (chunk: Buffer): void => void (output += chunk.toString('utf8'));
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  child.stdin.on('error', () => undefined);
  const exited = new Promise<number>((resolve) => {
    child.on('error', (error) => {
      output += String(error);
      ended = true;
      resolve(-1);
    });
    child.on('exit', (code) => {
      ended = true;
      resolve(code ?? -1);
    });
  });
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    waitForOutput: async (pattern) => {
      await waitFor(
        () => {
          if (pattern.test(output)) return true;
          if (ended) throw new Error(`${argv.join(' ')} ended before it said ${String(pattern)}:\n${output}`);
          return false;
        },
        `${argv.join(' ')} to say ${String(pattern)}`,
      );
      return output;
    },
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    exited,
  };
}

/** SIGKILL. A number that was not found (0, NaN) must not end this process's own group, as kill(2) would have it. */
export function killProcess(pid: number): void {
  if (!(pid > 1)) throw new Error(`no process has the number ${String(pid)}`);
  process.kill(pid, 'SIGKILL');
}

/** Asks again every few milliseconds until the answer is truthy, and returns that answer. */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  what: string,
  timeout = 20_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false && answer !== '' && answer !== 0) {
      return answer;
    }
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
