/** Processes as /proc has them, see proc(5). One that has ended has nothing to tell, which is no error. */
import { readdirSync, readFileSync } from 'node:fs';
import { readCommandLine } from '../../../runtime/io/read-process.ts';
import { oneLine } from '../../../runtime/printable.ts';

export const processIds = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** '' where there is no such process any more, or it has no such file. */
export function readProcess(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended; or the kernel is one without that file.
  }
}

/** Its words, each ended by NUL; '' where there is no such process any more. */
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
