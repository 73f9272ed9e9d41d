/**
 * A stop-watch inside a throw-away host. It reads one request a line and answers with one line, so that what is timed
 * is the program alone, not the way into the namespaces, and Bun starts children without copying itself.
 *
 * Output goes to a file in memory, not to a pipe: a child left behind may keep a pipe open, and reading one would
 * take processor time from what is being timed.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface Request {
  readonly argv: readonly string[];
  /** This many at once, `{i}` in the words replaced by 0, 1, …; the time is until the last has ended. */
  readonly atOnce?: number;
  /** Output is thrown away. */
  readonly discard?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Answer {
  readonly ms: number;
  /** The first that is not 0, else 0; -1 for a signal, the time limit's too. */
  readonly exitCode: number;
  readonly output: string;
  /** The largest resident set of a process that was waited for, in bytes; 0 of several at once. */
  readonly peakBytes: number;
}

async function answer({ argv, atOnce = 1, discard = false, timeout }: Request): Promise<Answer> {
  const path = `/run/bench-agent-${process.pid}`;
  const fd = openSync(discard ? '/dev/null' : path, discard ? 'w' : 'w+');
  try {
    const options = { stdin: 'ignore', stdout: fd, stderr: fd, timeout, killSignal: 'SIGKILL' } as const;
    const from = performance.now();
    const codes: (number | null)[] = [];
    let peakBytes = 0;
    if (atOnce === 1) {
      const { exitCode, resourceUsage } = Bun.spawnSync([...argv], options);
      codes.push(exitCode);
      peakBytes = resourceUsage.maxRSS;
    } else {
      const words = (i: number): string[] => argv.map((word) => word.replaceAll('{i}', String(i)));
      const all = Array.from({ length: atOnce }, (_, i) => Bun.spawn(words(i), options));
      codes.push(...(await Promise.all(all.map(({ exited }) => exited))));
    }
    const ms = performance.now() - from;
    const exitCode = codes.find((code) => code !== 0) ?? (codes.includes(null) ? -1 : 0);
    return { ms, exitCode, output: discard ? '' : readFileSync(path, 'utf8'), peakBytes };
  } finally {
    closeSync(fd);
  }
}

async function serve(): Promise<void> {
  for await (const line of console) {
    let reply: Answer;
    try {
      reply = await answer(JSON.parse(line) as Request);
    } catch (error) {
      reply = { ms: 0, exitCode: 127, output: String(error), peakBytes: 0 };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

void serve();
