/**
 * Command lines of processes, which anyone may make as long as they like: /proc/PID/cmdline is memory of the process,
 * between two addresses that prctl(PR_SET_MM_MAP) lets it choose, terabytes apart.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** More than minidock's own have, and than anyone reads. */
const LONGEST = 65_536;

/** Its beginning, words ended by NUL. @throws as node:fs, where there is no such process. */
export function readCommandLine(pid: number | string): string {
  const fd = openSync(`/proc/${pid}/cmdline`, 'r');
  try {
    const bytes = Buffer.allocUnsafe(LONGEST);
    let length = 0;
    for (let read = -1; read !== 0 && length < LONGEST; length += read) {
      read = readSync(fd, bytes, length, LONGEST - length, null);
    }
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}
