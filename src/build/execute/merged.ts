/**
 * A stage's files as one tree: the overlay of its layers, mounted in a mount namespace that this thread enters for
 * a moment and leaves with a detached copy (open_tree(2)). So no path of the host leads to it, and it is gone with its descriptor.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import { parseMountOptions } from '../../../runtime/rootfs/mount-options.ts';
import { mountOverlay } from '../../../runtime/rootfs/perform-overlay.ts';
import {
  CLONE_FS,
  CLONE_NEWNS,
  MNT_DETACH,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  O_PATH,
} from '../../../runtime/syscall/constants.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';

export interface Writable {
  readonly upper: string;
  readonly work: string;
}

/** `layers`: directories, base first. `target`: an empty directory. The caller closes what comes back. */
export function openMerged(layers: readonly string[], target: string, writable?: Writable): number {
  if (layers.length === 0 && writable === undefined) return openSync(target, O_PATH | constants.O_DIRECTORY);
  // overlayfs merges two directories or more. A single layer is not its own merge: it may have whiteouts of nothing.
  const alone = layers.length === 1 && writable === undefined;
  const lower = alone ? [target, ...layers] : layers;
  const more = writable === undefined ? ['ro'] : [`upperdir=${writable.upper}`, `workdir=${writable.work}`];
  const inside = userNamespace() === undefined ? [] : ['userxattr'];
  const options = [`lowerdir=${lower.toReversed().join(':')}`, ...more, ...inside];
  return inOwnNamespace(() => {
    // Empty, and there for as long as the overlay is, whatever becomes of the target.
    if (alone) kernel.mount('tmpfs', target, 'tmpfs', MS_RDONLY, 'size=4k');
    mountOverlay(
      { kind: 'mount', source: 'overlay', target, type: 'overlay', options },
      parseMountOptions(options),
      kernel,
    );
    const mounted = openSync(target, O_PATH | constants.O_DIRECTORY);
    try {
      return kernel.copyMount(mounted, false);
    } finally {
      closeSync(mounted);
      // A thread that began here meanwhile (JavaScriptCore's) stays in this namespace, and would keep the mount.
      kernel.umount2(target, MNT_DETACH);
      if (alone) kernel.umount2(target, MNT_DETACH);
    }
  });
}

/**
 * `work` must not wait: the namespace is the thread's, and so anybody else's who runs meanwhile. A thread that this one
 * starts meanwhile shares its root and current directory, and setns(2) then refuses with EINVAL: hence the second
 * unshare(2).
 */
export function inOwnNamespace<T>(work: () => T): T {
  const back = openSync('/proc/self/ns/mnt', 'r');
  const root = openSync('/', O_PATH | constants.O_DIRECTORY);
  const here = openSync('.', O_PATH | constants.O_DIRECTORY);
  kernel.unshare(CLONE_FS | CLONE_NEWNS);
  try {
    kernel.mount('', '/', '', MS_REC | MS_PRIVATE, '');
    return work();
  } finally {
    kernel.unshare(CLONE_FS);
    kernel.setns(back, CLONE_NEWNS);
    kernel.fchdir(root);
    kernel.chroot('.');
    kernel.fchdir(here);
    for (const fd of [back, root, here]) closeSync(fd);
  }
}
