/**
 * Whether a process is the shim it says it is. A command line is only what a process says of itself, and anybody may
 * write `__shim` and an id there: a user of this host, or a program in a container that wants its rubbish to be kept.
 *
 * A shim belongs to root of our own user namespace, is in our PID namespace, and holds the lock of its container. A
 * program in a container, root or not, has a mount namespace of its own; a shim shares ours, or, started by a service
 * with a private /tmp for instance, at least our executable. Root of this host can pretend all of that.
 *
 * A lock and an executable are known by descriptors and inodes: no path is opened that the process chose.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** @param id the container's, from the command line */
export function isShimOf(pid: number | string, id: string): boolean {
  try {
    return (
      /^Uid:\t0\t0\t0\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) &&
      isShared(pid, 'user') &&
      isShared(pid, 'pid') &&
      holdsLock(pid, id) &&
      (isShared(pid, 'mnt') || hasOurExecutable(pid))
    );
  } catch {
    return false; // It has ended, or is closed to us.
  }
}

const isShared = (pid: number | string, kind: 'user' | 'pid' | 'mnt'): boolean =>
  readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);

/** fdinfo lists the locks of one open file (proc_pid_fdinfo(5)). */
const holdsLock = (pid: number | string, id: string): boolean =>
  readdirSync(`/proc/${pid}/fd`).some(
    (fd) =>
      readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(`/containers/${id}/lock`) &&
      /^lock:.* FLOCK +ADVISORY +WRITE /m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')),
  );

/** Awake it runs it; asleep it has it open, to wake up to. */
function hasOurExecutable(pid: number | string): boolean {
  const own = statSync('/proc/self/exe');
  const files = [`/proc/${pid}/exe`, ...readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)];
  return files.some((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found?.ino === own.ino && found.dev === own.dev;
  });
}
