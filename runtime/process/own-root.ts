/**
 * When minidock itself runs in a chroot (a rescue system, an installer, a builder of images), the root of the new
 * mount namespace is not the directory that PID 1 sees as `/` but the whole machine's. A pivot_root(2) then swaps the
 * chroot's mount only, the machine's tree stays beneath, and a process that enters the namespace later (`exec`,
 * nsenter(1)) arrives there, since setns(2) goes to the root of the namespace, not to that of its processes.
 *
 * So PID 1 first makes the chroot's directory the root of its namespace. Where there is no chroot, nothing changes.
 * Not handled: a chroot that is no mount point of its own, which pivot_root(2) refuses in any case.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { CLONE_FS, CLONE_NEWNS, MNT_DETACH, MS_REC, MS_SLAVE, O_PATH } from '../syscall/constants.ts';
import type { Kernel } from '../syscall/kernel.ts';

/** Must be called in a mount namespace of the caller's own. The current directory is `/` afterwards. */
export function leaveChroot(kernel: Kernel, rootIdentity: () => string = identityOfRoot): void {
  const seen = rootIdentity();
  const root = openSync('/', O_PATH | constants.O_DIRECTORY);
  const namespace = openSync('/proc/self/ns/mnt', 'r');
  try {
    // As in enter.ts: a thread that shares its root with others may not change it by setns(2).
    kernel.unshare(CLONE_FS);
    kernel.setns(namespace, CLONE_NEWNS);
    if (rootIdentity() !== seen) {
      // pivot_root(2) refuses while what it does would spread to the machine's own mounts.
      kernel.mount('', '/', '', MS_REC | MS_SLAVE, '');
      kernel.fchdir(root);
      kernel.pivotRoot('.', '.');
      kernel.fchdir(root);
      // The machine's tree now lies on top of the new root, where `.` finds it.
      kernel.umount2('.', MNT_DETACH);
    }
    kernel.fchdir(root);
  } finally {
    closeSync(root);
    closeSync(namespace);
  }
}

function identityOfRoot(): string {
  const { dev, ino } = statSync('/', { bigint: true });
  return `${dev}:${ino}`;
}
