/**
 * The files of a container, as a descriptor of its `/`. Of one that runs it is the root of its mount namespace, with all
 * that is mounted there, and not /proc/PID/root: a program may change its own root (chroot(2)), to /proc for instance.
 * Of any other the layers are merged as for a start and its volumes mounted on them, in a mount namespace that is this
 * thread's alone: all of it is gone with this process.
 */
import { closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import { belowWord } from '../../../runtime/bundle.ts';
import { openSource } from '../../../runtime/rootfs/bind-source.ts';
import { createInRoot } from '../../../runtime/rootfs/in-root.ts';
import { parseMountOptions } from '../../../runtime/rootfs/mount-options.ts';
import { kindOf } from '../../../runtime/rootfs/perform-mount.ts';
import { mountOverlay } from '../../../runtime/rootfs/perform-overlay.ts';
import {
  isKernelFileSystem,
  refuseKernelFiles,
  refuseUnsafeTarget,
} from '../../../runtime/rootfs/safe-target.ts';
import { READ_ONLY, UNCHANGED } from '../../../runtime/rootfs/tree.ts';
import {
  CLONE_FS,
  CLONE_NEWNS,
  MNT_DETACH,
  MS_PRIVATE,
  MS_REC,
  O_PATH,
} from '../../../runtime/syscall/constants.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';
import { emptyLayer } from '../plans/bundle.ts';
import { makeUpper } from '../plans/upper.ts';
import { hasProgram, type ContainerConfig, type MountedImage, type MountSpec } from '../spec/container.ts';
import { containerDir, overlayDir, type Paths } from '../state/paths.ts';
import { isSameProcess } from '../state/process-identity.ts';
import type { Container } from '../state/store.ts';

export interface RootOptions {
  readonly writable: boolean;
  /** With its volumes; without them, also of one that runs, the files of its own. */
  readonly mounts: boolean;
}

/** The caller closes it. Of a stopped container that is written to, the caller holds its lock. */
export async function openContainerRoot(
  paths: Paths,
  container: Container,
  options: RootOptions,
): Promise<number> {
  const { config, state } = container;
  if (hasProgram(state)) return options.mounts ? openRunning(container) : openOwnFiles(container);
  ownNamespace();
  // Its volumes need mount points, which the first start would have made.
  const root = mountLayers(paths, config, options.writable || options.mounts);
  if (options.mounts) {
    const volumes = config.spec.mounts.filter(({ type }) => type !== 'tmpfs');
    for (const mount of volumes.toSorted((a, b) => depth(a) - depth(b))) {
      await mountItsFileSystem(mount);
      if (mount.image === undefined) mountVolume(root, mount);
      else mountImage(paths, config.id, mount.image, (source) => mountVolume(root, { ...mount, source }));
    }
  }
  return root;
}

const openRunning = (container: Container): number => inItsMounts(container, openRoot);

/** The overlay alone, as the container sees it, without what is mounted on it: export holds no volumes. */
function openOwnFiles(container: Container): number {
  // open_tree(2) copies mounts of the caller's own namespace only.
  const copy = inItsMounts(container, () => {
    const root = openRoot();
    try {
      return kernel.copyMount(root, false);
    } finally {
      closeSync(root);
    }
  });
  if (!isKernelFileSystem(kernel, copy)) return copy;
  closeSync(copy);
  throw new MinidockError({
    code: 'ROOT_COVERED',
    message: `container ${container.config.id} has mounted a file system of the kernel on its "/"`,
    hint: 'A program in it may mount (CAP_SYS_ADMIN). Stop the container: its files are those that it was started with then.',
  });
}

const openRoot = (): number => openSync('/', O_PATH | constants.O_DIRECTORY);

/** `open` is called in the mount namespace of a container, whose root is `/` meanwhile, and must not load anything. */
function inItsMounts({ config, state }: Container, open: () => number): number {
  const there = openSync(`/proc/${String(state.pid)}/ns/mnt`, 'r');
  if (!isSameProcess(state.pid, state.pidStartTime)) {
    closeSync(there);
    throw new MinidockError({ code: 'WRONG_STATE', message: `container ${config.id} has just stopped` });
  }
  const back = openSync('/proc/self/ns/mnt', 'r');
  const ownRoot = openRoot();
  const here = openSync('.', O_PATH | constants.O_DIRECTORY);
  kernel.unshare(CLONE_FS);
  kernel.setns(there, CLONE_NEWNS);
  try {
    return open();
  } finally {
    kernel.setns(back, CLONE_NEWNS);
    kernel.fchdir(ownRoot);
    kernel.chroot('.');
    kernel.fchdir(here);
    for (const fd of [there, back, ownRoot, here]) closeSync(fd);
  }
}

function ownNamespace(): void {
  kernel.unshare(CLONE_NEWNS);
  kernel.mount('', '/', '', MS_REC | MS_PRIVATE, '');
}

function mountLayers(paths: Paths, config: ContainerConfig, writable: boolean): number {
  const upper = join(overlayDir(paths, config.id), 'upper');
  const layers = [...config.layers].reverse();
  if (writable) makeUpper(paths, config);
  const lower = !writable && existsSync(upper) ? [upper, ...layers] : layers;
  const target = containerDir(paths, config.id);
  const [only] = writable && lower.length === 0 ? [upper] : lower;
  // overlayfs merges two directories or more; a single one is its own merge.
  if (lower.length === 0 || (lower.length === 1 && !writable)) {
    if (only === undefined)
      throw new MinidockError({ code: 'NO_FILES', message: `container ${config.id} has no files yet` });
    return openSync(only, O_PATH | constants.O_DIRECTORY);
  }
  const work = join(overlayDir(paths, config.id), 'work');
  merge(target, lower, writable ? [`upperdir=${upper}`, `workdir=${work}`] : ['ro']);
  return openSync(target, O_PATH | constants.O_DIRECTORY);
}

function merge(target: string, lower: readonly string[], more: readonly string[]): void {
  const inside = userNamespace() === undefined ? [] : ['userxattr'];
  const options = [`lowerdir=${lower.join(':')}`, ...more, ...inside];
  mountOverlay(
    { kind: 'mount', source: 'overlay', target, type: 'overlay', options },
    parseMountOptions(options),
    kernel,
  );
}

/** In this namespace alone, unless a container that runs has it mounted on the host. */
async function mountItsFileSystem({ fileSystem, source: target }: MountSpec): Promise<void> {
  if (fileSystem === undefined) return;
  const { hostOf, mountFileSystem } = await import('../../../runtime/volumes/hold.ts');
  const { device: source, type, options } = fileSystem;
  await mountFileSystem({ source, type, options, target }, hostOf(kernel));
}

/** Merged over the container's directory, which is the host's own, for as long as it is mounted from there. */
function mountImage(
  paths: Paths,
  id: string,
  { layers }: MountedImage,
  then: (source: string) => void,
): void {
  const [target, empty] = [containerDir(paths, id), emptyLayer(paths, id)];
  mkdirSync(empty, { recursive: true });
  merge(target, [...layers.toReversed(), empty], []);
  try {
    then(target);
  } finally {
    kernel.umount2(target, MNT_DETACH);
  }
}

/** As at a start. */
function mountVolume(root: number, mount: MountSpec): void {
  const { subpath } = mount;
  const source =
    subpath === undefined
      ? openSync(mount.source, O_PATH)
      : openSource(join(mount.source, subpath), [belowWord(mount.source)], kernel);
  try {
    const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, mount.target);
    const target = createInRoot(kernel, root, mount.target, kindOf(source), refuse).fd;
    try {
      refuseUnsafeTarget(kernel, root, target, mount.target);
      const copy = kernel.copyMount(source, true);
      kernel.setMountAttributes(copy, true, mount.readOnly ? READ_ONLY : UNCHANGED);
      kernel.attachMount(copy, target);
      closeSync(copy);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

const depth = ({ target }: MountSpec): number => target.split('/').filter(Boolean).length;
