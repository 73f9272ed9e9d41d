/** System calls that are made again: after EINTR, for each signal, or once for a size and once for what has it. */
import { errnoOf, SyscallError } from './error.ts';
import { bytesOf, call } from './ffi.ts';

export const POLLIN = 1;
export const POLLOUT = 4;

/** struct pollfd: int fd, short events, short revents. */
const POLLFD_SIZE = 8;

const SIG_IGN = 1n;
const SIG_SETMASK = 2;
const LAST_SIGNAL = 64;
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * execve(2) itself puts caught signals back to their default but keeps ignored ones ignored, and Bun ignores
 * SIGPIPE and SIGXFSZ. Only those are touched: the rest may be in use by the engine's own threads to the last.
 */
export function resetSignals(): void {
  const sigset = 8;
  const action = new BigUint64Array(4);
  const defaults = new BigUint64Array(4);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    call('rt_sigaction', signal, 0, bytesOf(action), sigset);
    if (action[0] === SIG_IGN) call('rt_sigaction', signal, bytesOf(defaults), 0, sigset);
  }
  call('rt_sigprocmask', SIG_SETMASK, new Uint8Array(sigset), 0, sigset);
}

export function flock(fd: number, wait: boolean): boolean {
  for (;;) {
    try {
      call('flock', fd, LOCK_EX | (wait ? 0 : LOCK_NB));
      return true;
    } catch (error) {
      const errno = error instanceof SyscallError ? error.errno : '';
      if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return false;
      if (errno !== 'EINTR') throw error; // A signal's handler ran while waiting: wait on.
    }
  }
}

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

/** poll of one descriptor, begun again after a signal. */
export function pollOne(fd: number, direction: 'read' | 'write', timeoutMs: number): boolean {
  const entries = [{ fd, events: direction === 'read' ? POLLIN : POLLOUT }];
  for (;;) {
    const came = poll(entries, timeoutMs);
    if (came === undefined) return false;
    if (came[0] !== 0) return true;
  }
}

export function getXattrs(path: string): ReadonlyMap<string, Uint8Array> {
  const names = new Uint8Array(call('llistxattr', path, 0, 0));
  const length = names.byteLength === 0 ? 0 : call('llistxattr', path, names, names.byteLength);
  const found = new Map<string, Uint8Array>();
  for (const name of Buffer.from(names.buffer, 0, length).toString().split('\0').filter(Boolean)) {
    const value = new Uint8Array(call('lgetxattr', path, name, 0, 0));
    if (value.byteLength > 0) call('lgetxattr', path, name, value, value.byteLength);
    found.set(name, value);
  }
  return found;
}
