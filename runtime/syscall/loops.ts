/** The methods of `Kernel` that make more than one system call, or the same one again: after EINTR, or for each signal. */
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { O_CLOEXEC, O_PATH } from './constants.ts';
import { SyscallError } from './error.ts';
import { bytesOf, call, cString } from './ffi.ts';

const SIG_IGN = 1n;
const SIG_SETMASK = 2;
const LAST_SIGNAL = 64;
const LOCK_EX = 2;
const LOCK_NB = 4;
const POLLIN = 1;
const POLLOUT = 4;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SUN_PATH_MAX = 107;

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

/** sun_path holds 107 bytes; a longer path is shortened by naming its directory through /proc/self/fd. */
export function connectUnix(path: string): number {
  const socket = call('socket', AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0);
  let directory = -1;
  try {
    let name = path;
    if (Buffer.byteLength(path) > SUN_PATH_MAX) {
      directory = openSync(dirname(path), O_PATH);
      name = join(`/proc/self/fd/${String(directory)}`, path.slice(dirname(path).length + 1));
    }
    const bytes = cString(name);
    const address = new Uint8Array(2 + bytes.byteLength);
    address[0] = AF_UNIX;
    address.set(bytes, 2);
    call('connect', socket, address, address.byteLength);
    return socket;
  } catch (error) {
    call('close', socket);
    throw error;
  } finally {
    if (directory >= 0) closeSync(directory);
  }
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

export function poll(fd: number, direction: 'read' | 'write', timeoutMs: number): boolean {
  // struct pollfd: the descriptor, 16 bits asked for, 16 bits answered.
  const pollfd = Int32Array.of(fd, direction === 'read' ? POLLIN : POLLOUT);
  const second = 1000;
  const timeout = BigInt64Array.of(
    BigInt(Math.floor(timeoutMs / second)),
    BigInt(timeoutMs % second) * 1_000_000n,
  );
  for (;;) {
    try {
      return call('ppoll', bytesOf(pollfd), 1, timeoutMs < 0 ? 0 : bytesOf(timeout), 0, 0) > 0;
    } catch (error) {
      if (!(error instanceof SyscallError && error.errno === 'EINTR')) throw error;
    }
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
