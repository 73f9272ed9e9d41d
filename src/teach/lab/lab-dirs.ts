/** The directories of labs: one for each running lab below MINIDOCK_RUN/lab; the progress is in MINIDOCK_ROOT/lab. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../../engine/state/paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { readCommandLine } from '../../../runtime/io/read-process.ts';

/** Paths inside a lab; `start` creates them. */
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

/** The file of reached steps; created if missing. */
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
  /** The PID of its PID 1, as the machine sees it. */
  readonly pid: number;
  /** The PID of the process on the machine that cleans up. */
  readonly keeper: number;
}

/** Running labs, without those of `lab run`, which nobody enters. */
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
    // Before the start and after the end the keeper has other children.
    const unshare = childrenOf(keeper).find((child) => inProc(child, 'comm') === 'unshare\n');
    const pid = unshare === undefined ? undefined : childrenOf(unshare)[0];
    // The kernel kills the lab's shells before PID 1 is gone. PID 1 has no memory by then, and that is the one sign the
    // lab cannot fake.
    if (pid === undefined || inProc(pid, 'statm').startsWith('0 ')) return undefined;
    return { id, dir, lesson: id.split('+')[0] ?? id, pid, keeper };
  } catch {
    return undefined; // It exits while we look.
  }
}

/** Whether this directory belongs to a lab that runs, starts or ends. */
export function hasKeeper(dir: string): boolean {
  try {
    const pid = readFileSync(join(dir, 'keeper'), 'utf8');
    // Compares the command line, since another process may have the PID of a killed one.
    return readCommandLine(pid).split('\0').includes(dir);
  } catch {
    return false; // No such file, or no such process any more.
  }
}

/** The directories of labs whose keeper died by a power cut or SIGKILL. */
export function deadLabs(paths: Paths): readonly string[] {
  if (!existsSync(labsDir(paths))) return [];
  return readdirSync(labsDir(paths), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => labDir(paths, name))
    .filter((dir) => !hasKeeper(dir));
}

/** The control groups of processes that enter a lab. */
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
