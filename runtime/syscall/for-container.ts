/** What root of the machine does for a process of a container, which has no power over the machine itself. */
import { bytesOf, call } from './ffi.ts';
import { fromRlim, rlim } from './libc.ts';

const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 4;

/**
 * Runs `action` with `id` as the owner of what it makes (setfsuid(2)), and with all powers: the securebit keeps the
 * kernel from taking those of root away with root's id. For this thread only; back to root afterwards.
 */
export function asFileOwner<T>(id: number, action: () => T): T {
  call('prctl', PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
  call('setfsgid', id);
  call('setfsuid', id);
  try {
    return action();
  } finally {
    call('setfsuid', 0);
    call('setfsgid', 0);
    call('prctl', PR_SET_SECUREBITS, 0, 0, 0, 0);
  }
}

/** The hard limit of another process, raised to at least `hard` (prlimit(2)); -1 is unlimited. The soft one stays. */
export function raiseHardLimit(pid: number, resource: number, hard: number): void {
  const limit = new BigUint64Array(2);
  call('prlimit64', pid, resource, 0, bytesOf(limit));
  const now = fromRlim(limit[1]);
  if (now < 0 || (hard >= 0 && hard <= now)) return;
  call('prlimit64', pid, resource, bytesOf(BigUint64Array.of(limit[0] ?? 0n, rlim(hard))), 0);
}
