/**
 * The processes in a container's control group: how one joins, who they are, how all are killed, whether the kernel
 * killed any for want of memory. All of it tolerates a group that is not there (any more): it has no processes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delay } from '../io/delay.ts';
import { cgroupDirectories, cgroupLayout, type CgroupLayout } from './detect.ts';

/**
 * Where to write `0` to put the calling process into the container's group, one file for each tree.
 *
 * On version 1 these are the `tasks` files, which move the calling thread only, and not cgroup.procs, which moves the
 * whole process and for that waits until no thread of the machine is forking or exiting: 6 to 12 ms (an RCU grace
 * period) against 0.07. So it must be the thread that calls execve(2), and before it does: execve ends all other
 * threads, what remains is in the group. Version 2 has no such shortcut, since there a process is in one group whole.
 */
export function cgroupProcsFiles(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): string[] {
  const file = layout.version === 2 ? 'cgroup.procs' : 'tasks';
  return cgroupDirectories(cgroupsPath, layout).map((directory) => `${directory}/${file}`);
}

/** Process ids as this PID namespace numbers them, those in groups the container made below its own included. */
export function cgroupProcesses(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): number[] {
  const directory = killable(cgroupsPath, layout);
  return directory === undefined ? [] : processesBelow(directory);
}

function processesBelow(directory: string): number[] {
  const own = (readIfThere(`${directory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
  return [...own, ...subdirectories(directory).flatMap(processesBelow)];
}

/** How often the kernel killed a process of the group because its memory limit was reached. */
export function readOomKills(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): number {
  const file =
    layout.version === 2
      ? `${layout.mount}${cgroupsPath}/memory.events`
      : `${layout.controllers['memory'] ?? '/nonexistent'}${cgroupsPath}/memory.oom_control`;
  return Number(/^oom_kill (\d+)$/m.exec(readIfThere(file) ?? '')?.[1] ?? 0);
}

/** Kills every process in the group with SIGKILL and waits until none is left. @throws after five seconds. */
export async function killCgroup(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): Promise<void> {
  const deadline = Date.now() + 5000;
  // cgroup.kill (Linux 5.14) cannot be outrun by a process that forks; the loop below is for older kernels.
  if (layout.version === 2) writeIfThere(`${layout.mount}${cgroupsPath}/cgroup.kill`, '1');
  for (;;) {
    const pids = cgroupProcesses(cgroupsPath, layout);
    if (pids.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `processes ${pids.join(', ')} in cgroup ${cgroupsPath} outlived SIGKILL for five seconds`,
      );
    }
    killFrozen(cgroupsPath, pids, layout);
    await delay(1);
  }
}

/** The same without waiting for their end. Twice, for what was born before all were frozen. */
export function killNow(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): void {
  if (layout.version === 2) writeIfThere(`${layout.mount}${cgroupsPath}/cgroup.kill`, '1');
  for (let round = 0; round < 2; round += 1) {
    killFrozen(cgroupsPath, cgroupProcesses(cgroupsPath, layout), layout);
  }
}

/**
 * Frozen processes cannot fork while the list is worked through; a signal reaches them when they are thawed. Without
 * a freezer a fork bomb could stay ahead of the loop, so it is worth the two writes.
 */
function killFrozen(cgroupsPath: string, pids: readonly number[], layout: CgroupLayout): void {
  const freezer =
    layout.version === 2
      ? { file: `${layout.mount}${cgroupsPath}/cgroup.freeze`, on: '1', off: '0' }
      : {
          file: `${layout.controllers['freezer'] ?? '/nonexistent'}${cgroupsPath}/freezer.state`,
          on: 'FROZEN',
          off: 'THAWED',
        };
  writeIfThere(freezer.file, freezer.on);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It ended between the listing and the signal: that is what was wanted.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  writeIfThere(freezer.file, freezer.off);
}

/** The tree to read processes from: any will do, since all are joined together; the freezer's if there is one. */
function killable(cgroupsPath: string, layout: CgroupLayout): string | undefined {
  if (layout.version === 2) return layout.mount + cgroupsPath;
  const { freezer, memory } = layout.controllers;
  const mount = freezer ?? memory ?? Object.values(layout.controllers)[0];
  return mount === undefined ? undefined : mount + cgroupsPath;
}

function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function writeIfThere(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** ENODEV: the group was removed between open(2) and read(2). */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');
