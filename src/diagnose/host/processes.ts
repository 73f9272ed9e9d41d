/** Processes in /proc, see proc(5). A process that has ended is not an error. */
import { readdirSync, readFileSync } from 'node:fs';
import { readCommandLine } from '../../../runtime/io/read-process.ts';
import { oneLine } from '../../../runtime/printable.ts';

export const processIds = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** '' if the process or the file is gone. */
export function readProcess(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended; or the kernel is one without that file.
  }
}

/** Its argv, each ended by NUL; '' if the process is gone. */
export function commandLineOf(pid: number): string {
  try {
    return readCommandLine(pid);
  } catch {
    return ''; // It has ended.
  }
}

/** The command line on one line; the bare name of a process that has cleared its own. */
export function commandOf(pid: number): string {
  const words = commandLineOf(pid).split('\0').join(' ').trim();
  return oneLine(words === '' ? readProcess(pid, 'comm').trim() : words.replace(/\s+/g, ' '));
}
