/** Tells a process from a later one that got its number: by its start time, field 22 of /proc/PID/stat. */
import { readFileSync } from 'node:fs';
import { readSmallFile } from './atomic-file.ts';

/** Clock ticks since boot as text; undefined if there is no such process, or only its zombie. */
export function startTime(pid: number): string | undefined {
  const fields = readStat(pid);
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** By SIGSTOP: it does nothing until SIGCONT. */
export const isStopped = (pid: number): boolean => readStat(pid)[0] === 'T';

/** From the state on, the third field of proc_pid_stat(5); empty if there is no such process. */
function readStat(pid: number): readonly string[] {
  let stat: string;
  try {
    stat = readSmallFile(`/proc/${String(pid)}/stat`);
  } catch {
    // ENOENT or ESRCH: the process is gone, which is the answer.
    return [];
  }
  // The command's name is in parentheses and may hold anything, so fields are counted after the last one.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 20);
}

export const isSameProcess = (pid: number, start: string): boolean => pid > 0 && startTime(pid) === start;

export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Of this process, in one word after the other: its number, and when it began. */
export const thisProcess = (): string => `${String(process.pid)} ${startTime(process.pid) ?? ''}`;
