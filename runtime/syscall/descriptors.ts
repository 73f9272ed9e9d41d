/**
 * Handing descriptors on through execve(2): close-on-exec, memory files, a child that only the kernel knows. For the
 * shim, which replaces itself while nothing happens.
 */
import { errnoOf } from './error.ts';
import { call } from './ffi.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_NAME = 15;
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;

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
