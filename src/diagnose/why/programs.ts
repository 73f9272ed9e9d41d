/** Programs that run while `why` sends its packet. */
import { spawn } from 'node:child_process';
import type { Argv } from '../../../runtime/plan/argv.ts';

export interface Companion {
  readonly pid: number;
  /** All of its standard output so far. */
  readonly output: () => string;
  /** Closes its standard input and waits for its end. */
  end(): Promise<void>;
}

/**
 * A program that lives as long as this process holds its standard input: nothing stays after SIGKILL. It has no HOME,
 * because nft writes a history file there.
 */
export function keepBeside([program, ...args]: Argv, input = ''): Companion {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, HOME: '/dev/null', LC_ALL: 'C' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // It may have ended before it read anything; the missing effect shows that.
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    end: async () => {
      child.stdin.end();
      // A program that never reads its input does not see end of file, and has no clean-up to do.
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Whether it becomes true within that time; polls every few milliseconds. */
export async function within(milliseconds: number, ask: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + milliseconds;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
