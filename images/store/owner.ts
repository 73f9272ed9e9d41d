/**
 * Names that die with their process. A lock, a lease or a temporary directory carries its owner's tag in its name:
 * the pid and the time that process started, so that a pid used again by another program is not taken for the owner.
 * Any process that finds the tag of a dead process may remove the thing, any number of times.
 */
import { readFileSync } from 'node:fs';

let counter = 0;
let own: string | undefined;

/** A new tag of this process, '<pid>.<start>.<n>'; never the same twice. */
export function ownerTag(): string {
  own ??= `${String(process.pid)}.${startTime(process.pid) ?? '0'}`;
  counter += 1;
  return `${own}.${String(counter)}`;
}

export function isOwnerAlive(tag: string): boolean {
  const [pid = '', start = ''] = tag.split('.');
  return startTime(Number(pid)) === start;
}

/** Field 22 of /proc/PID/stat (proc(5)), clock ticks after boot; undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  } catch {
    // The process is gone, which is the answer.
    return undefined;
  }
  // The second field, a program's name in parentheses, may itself hold spaces and parentheses.
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .at(19);
}
