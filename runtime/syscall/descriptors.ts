/**
 * Descriptors beyond node:fs: close-on-exec, memory files, holes, a child that only the kernel knows. Most of it is for
 * the shim, which replaces itself while nothing happens.
 */
import { PR_SET_NAME } from './constants.ts';
import { errnoOf } from './error.ts';
import { call } from './ffi.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_ADD_SEALS = 1033;
const [F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE] = [1, 2, 4, 8];
const [SEEK_DATA, SEEK_HOLE] = [3, 4];
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;

export function setCloseOnExec(fd: number, on: boolean): void {
  call('fcntl', fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

/** A file in memory that may be executed (memfd_create(2)), close-on-exec. EACCES where vm.memfd_noexec is 2. */
export function createMemoryFile(name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  try {
    return call('memfd_create', name, flags | MFD_EXEC);
  } catch (error) {
    // Before Linux 6.3 the flag is unknown, and every memory file may be executed.
    if (errnoOf(error) !== 'EINVAL') throw error;
    return call('memfd_create', name, flags);
  }
}

/** No process can change the file any more (fcntl(2), F_ADD_SEALS). */
export function sealMemoryFile(fd: number): void {
  call('fcntl', fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

/** The next part of a file at or behind `from` that is no hole (lseek(2)); undefined where only a hole is left. */
export function nextData(
  fd: number,
  from: number,
): { readonly start: number; readonly end: number } | undefined {
  let start: number;
  try {
    start = call('lseek', fd, from, SEEK_DATA);
  } catch (error) {
    if (errnoOf(error) === 'ENXIO') return undefined;
    throw error;
  }
  return { start, end: call('lseek', fd, start, SEEK_HOLE) };
}

/** What `ps -o comm` shows (prctl(2)). */
export function setProcessName(name: string): void {
  call('prctl', PR_SET_NAME, name);
}

/** Waits for a child that only the kernel knows to be one; gives its exit status, 128 + N after signal N. */
export function waitForChild(pid: number): number {
  const status = new Int32Array(1);
  call('wait4', pid, new Uint8Array(status.buffer), 0, 0);
  return exitStatusOf(status[0] ?? 0);
}

/** Of what wait4(2) writes. */
export function exitStatusOf(word: number): number {
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
