/**
 * Waiting for descriptors without an event loop, and handing them on through execve(2): ppoll(2), close-on-exec,
 * memory files. For the shim, which serves a handful of descriptors and replaces itself while nothing happens.
 */
import { errnoOf } from './error.ts';
import { call } from './ffi.ts';

export const POLLIN = 1;
export const POLLOUT = 4;

/** struct pollfd: int fd, short events, short revents. */
export const POLLFD_SIZE = 8;

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_NAME = 15;
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;

export interface PollEntry {
  readonly fd: number;
  readonly events: number;
}

export function writePollEntries(entries: readonly PollEntry[]): Buffer {
  const set = Buffer.alloc(entries.length * POLLFD_SIZE);
  entries.forEach(({ fd, events }, at) => {
    set.writeInt32LE(fd, at * POLLFD_SIZE);
    set.writeInt16LE(events, at * POLLFD_SIZE + 4);
  });
  return set;
}

/**
 * Blocks this thread until one of them is ready or the milliseconds are over; negative: without end. Gives what came
 * of each, in order, or undefined if nothing did in time.
 */
export function poll(entries: readonly PollEntry[], timeout: number): readonly number[] | undefined {
  const set = writePollEntries(entries);
  const nanoseconds = BigInt(Math.round(timeout * 1e6));
  const limit = BigInt64Array.of(nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n);
  const time = timeout < 0 ? 0 : new Uint8Array(limit.buffer);
  try {
    if (call('ppoll', set, entries.length, time, 0, 0) === 0) return undefined;
  } catch (error) {
    // As if something had come: the caller looks, finds nothing, and waits again.
    if (errnoOf(error) !== 'EINTR') throw error;
    return entries.map(() => 0);
  }
  return entries.map((_, at) => set.readInt16LE(at * POLLFD_SIZE + 6));
}

export function setCloseOnExec(fd: number, on: boolean): void {
  call('fcntl', fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

/** A file in memory that may be executed (memfd_create(2)), close-on-exec. */
export function createMemoryFile(name: string): number {
  try {
    return call('memfd_create', name, MFD_CLOEXEC | MFD_EXEC);
  } catch (error) {
    // Before Linux 6.3 the flag is unknown, and every memory file may be executed.
    if (errnoOf(error) !== 'EINVAL') throw error;
    return call('memfd_create', name, MFD_CLOEXEC);
  }
}

/** What `ps -o comm` shows (prctl(2)). */
export function setProcessName(name: string): void {
  call('prctl', PR_SET_NAME, name);
}

/** Waits for a child that only the kernel knows to be one; gives its exit status, 128 + N after signal N. */
export function waitForChild(pid: number): number {
  const status = new Int32Array(1);
  call('wait4', pid, new Uint8Array(status.buffer), 0, 0);
  const [word = 0] = status;
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
