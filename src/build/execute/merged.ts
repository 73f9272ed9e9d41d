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
  MS_REC,
  O_PATH,
} from '../../../runtime/syscall/constants.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';

export interface Writable {
  readonly upper: string;
  readonly work: string;
}

/** `layers`: directories, base first, at least one. `target`: an empty directory. The caller closes what comes back. */
export function openMerged(layers: readonly string[], target: string, writable?: Writable): number {
  const [only] = layers;
  // overlayfs merges two directories or more; a single one is its own merge.
  if (only !== undefined && layers.length === 1 && writable === undefined)
    return openSync(only, O_PATH | constants.O_DIRECTORY);
  const more = writable === undefined ? ['ro'] : [`upperdir=${writable.upper}`, `workdir=${writable.work}`];
  const inside = userNamespace() === undefined ? [] : ['userxattr'];
  const options = [`lowerdir=${layers.toReversed().join(':')}`, ...more, ...inside];
  return inOwnNamespace(() => {
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
