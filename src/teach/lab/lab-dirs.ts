/** Where labs are: one directory a running lab below MINIDOCK_RUN/lab, what was reached in MINIDOCK_ROOT/lab. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../../engine/state/paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { readCommandLine } from '../../../runtime/io/read-process.ts';

/** Seen from inside a lab; `start` puts them there. */
export const INSIDE = {
  minidock: '/run/lab/bin/minidock',
  lesson: '/run/lab/lesson',
  state: '/run/lab/state',
  progress: '/run/lab/progress',
  reached: '/run/lab/reached',
  rc: '/run/lab/rc',
} as const;

export const labsDir = (paths: Paths): string => join(paths.run, 'lab');
export const labDir = (paths: Paths, id: string): string => join(labsDir(paths), id);

/** The file with what was reached; made when it is not there. */
export function progressFile(paths: Paths): string {
  ensurePrivateDir(join(paths.root, 'lab'));
  return join(paths.root, 'lab', 'progress');
}

/** The lesson of the lab this process is in. */
export function lessonInside(): string | undefined {
  const name = process.env['MINIDOCK_LAB'];
  if (name === undefined || !existsSync(INSIDE.lesson)) return undefined;
  return readFileSync(INSIDE.lesson, 'utf8').trim();
}

export interface RunningLab {
  readonly id: string;
  readonly dir: string;
  readonly lesson: string;
  /** Of its PID 1, as the machine counts. */
  readonly pid: number;
  /** Of the process on the machine that takes away what is left. */
  readonly keeper: number;
}

/** Those that live; `lab run`'s are not among them, since nobody is to enter them. */
export function runningLabs(paths: Paths): RunningLab[] {
  if (!existsSync(labsDir(paths))) return [];
  return readdirSync(labsDir(paths))
    .filter((id) => !id.includes('+'))
    .flatMap((id) => readLab(paths, id) ?? []);
}

export function readLab(paths: Paths, id: string): RunningLab | undefined {
  const dir = labDir(paths, id);
  try {
    const keeper = Number(readFileSync(join(dir, 'keeper'), 'utf8'));
    if (!hasKeeper(dir)) return undefined;
    // Before and afterwards the keeper has other children only.
    const unshare = childrenOf(keeper).find((child) => inProc(child, 'comm') === 'unshare\n');
    const pid = unshare === undefined ? undefined : childrenOf(unshare)[0];
    // Its shells are killed before it is quite gone itself; it has no memory by then, which is all that it cannot feign.
    if (pid === undefined || inProc(pid, 'statm').startsWith('0 ')) return undefined;
    return { id, dir, lesson: id.split('+')[0] ?? id, pid, keeper };
  } catch {
    return undefined; // It goes as we look.
  }
}

/** Whether there is a lab in this directory, also one that is being made or taken away just now. */
export function hasKeeper(dir: string): boolean {
  try {
    const pid = readFileSync(join(dir, 'keeper'), 'utf8');
    // By its words, since someone else may have the number of one that was killed.
    return readCommandLine(pid).split('\0').includes(dir);
  } catch {
    return false; // There is no such file, or no such process any more.
  }
}

/** The directories of labs that nobody takes away any more: a power cut or SIGKILL ended their keeper. */
export function deadLabs(paths: Paths): readonly string[] {
  if (!existsSync(labsDir(paths))) return [];
  return readdirSync(labsDir(paths), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => labDir(paths, name))
    .filter((dir) => !hasKeeper(dir));
}

/** The control groups that are entered with a lab. */
export function groupsOf(dir: string): readonly string[] {
  const file = join(dir, 'groups');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

const childrenOf = (pid: number): readonly number[] =>
  inProc(pid, `task/${String(pid)}/children`)
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);

const inProc = (pid: number, file: string): string => readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
