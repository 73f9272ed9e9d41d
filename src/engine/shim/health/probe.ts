/**
 * One probe of a container's health, by a process of its own: so the shim can hibernate meanwhile, and needs none of
 * this. The command runs as by `exec`, with all that confines the container; its output is kept up to 4096 bytes; what
 * does not end in time is killed. The result goes to health.json.
 */
import { examiner } from '../../state/examiner.ts';
import { readFileSync } from 'node:fs';
import { execInContainer, type ExecOutput } from '../../exec.ts';
import { timestamp } from '../../spec/time.ts';
import type { ProbeResult } from '../../spec/container.ts';
import { recordEvent } from '../../state/events/event-log.ts';
import { containerEvent } from '../../state/events/events.ts';
import { probeCommand, readHealth, writeHealth } from '../../state/health.ts';
import type { Paths } from '../../state/paths.ts';
import { ContainerStore, type Container } from '../../state/store.ts';
import { checkTimes, judge } from './judge.ts';

export interface ProbeRequest extends Paths {
  readonly id: string;
}

const LARGEST = 4096;
/** Milliseconds; a timer with more is over at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Milliseconds for a killed command to be gone. */
const LAST_WORDS = 1000;

export async function runProbe(text: string): Promise<void> {
  const { id, root, run } = JSON.parse(text) as ProbeRequest;
  const store = new ContainerStore({ root, run }, examiner);
  const container = store.read(id);
  const check = container?.config.spec.healthcheck;
  const argv = probeCommand(check);
  if (container === undefined || check === undefined || argv === undefined) return;
  const result = await probe(store.paths, container, argv, checkTimes(check).timeout);
  // A container that has ended meanwhile, or begun again, is none of this probe's.
  const now = store.read(id);
  if (now?.state.status !== 'running' || now.state.startedAt !== container.state.startedAt) return;
  const before = readHealth(store.paths, id) ?? { status: 'starting', failingStreak: 0, log: [] };
  const after = judge(check, before, result, container.state.startedAt);
  writeHealth(store.paths, id, after);
  if (after.status !== before.status)
    recordEvent(store.paths, containerEvent(now.config, `health_status: ${after.status}`));
}

async function probe(
  paths: Paths,
  container: Container,
  argv: readonly [string, ...string[]],
  timeout: number,
): Promise<ProbeResult> {
  const start = timestamp();
  const output = new BoundedOutput();
  const result = (exitCode: number, text: string): ProbeResult => ({
    start,
    end: timestamp(),
    exitCode,
    output: text,
  });
  const ended = execInContainer(paths, container, { ...OPTIONS, argv }, undefined, output).then(
    (code) => result(code, output.text),
    (error: unknown) => result(-1, (error as Error).message),
  );
  const first = await Promise.race([ended, late(timeout)]);
  if (first !== 'late') return first;
  output.kill();
  await Promise.race([ended, late(LAST_WORDS)]);
  const words = `Health check exceeded timeout (${goDuration(timeout)})`;
  return result(-1, output.text === '' ? words : `${words}: ${output.text}`);
}

const OPTIONS = {
  interactive: false,
  tty: false,
  detach: false,
  env: [],
  workdir: '',
  user: '',
  privileged: false,
  detachKeys: '',
} as const;

function late(milliseconds: number): Promise<'late'> {
  const time = Math.min(milliseconds, LONGEST_TIMER);
  return new Promise((resolve) => setTimeout(() => resolve('late'), time).unref());
}

/** '1.5s', '100ms', '1m30s', as Go prints it. */
function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const [hours, minutes] = [Math.trunc(milliseconds / 3_600_000), Math.trunc(milliseconds / 60_000) % 60];
  const seconds = `${(milliseconds % 60_000) / 1000}s`;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}`;
}

/** The first bytes of both streams, as they come. */
class BoundedOutput implements ExecOutput {
  private readonly kept: Buffer[] = [];
  private length = 0;
  private truncated = false;
  private enter = 0;
  private killed = false;

  write = (_stream: 1 | 2, chunk: Buffer): Promise<void> => {
    const part = Buffer.from(chunk.subarray(0, LARGEST - this.length));
    if (part.length > 0) this.kept.push(part);
    this.length += part.length;
    this.truncated ||= part.length < chunk.length;
    return Promise.resolve();
  };

  started = (pid: number): void => {
    this.enter = pid;
    if (this.killed) this.kill();
  };

  get text(): string {
    return Buffer.concat(this.kept).toString() + (this.truncated ? '...' : '');
  }

  /** The program, which leads a session, with its group; and the process that waits for it, which ends by that. */
  kill(): void {
    this.killed = true;
    if (this.enter === 0) return;
    const programs = childrenOf(this.enter);
    for (const pid of programs) for (const target of [-pid, pid]) signal(target);
    if (programs.length === 0) signal(this.enter);
  }
}

/** It waits for its child, whose number therefore cannot become another's. */
const childrenOf = (pid: number): readonly number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // It has ended.
  }
};

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
