/**
 * The container's tree while PID 1 builds it, as descriptors: what was mounted is found again by the descriptor that
 * it was mounted with, not by a name that an image could have turned into something else.
 */
import { constants, openSync } from 'node:fs';
import { MOUNT_ATTR_RDONLY, O_PATH } from '../syscall/constants.ts';
import type { ContainerKernel, MountAttributes } from '../syscall/kernel.ts';

export interface Tree {
  /** O_PATH, of the container's `/`; see rootOf. */
  root: number | undefined;
  /** By destination: the root of each mount that was made, and of /proc and /sys above all. */
  readonly mounts: Map<string, number>;
  /** Mount points that the image did not have. */
  readonly made: Set<string>;
  /** The number of each mount that we attached; a bind mount may bring others below it. */
  readonly attached: Map<number, 'bind' | 'new'>;
}

export const newTree = (): Tree => ({
  root: undefined,
  mounts: new Map(),
  made: new Set(),
  attached: new Map(),
});

export interface RootContext {
  readonly kernel: ContainerKernel;
  /** Where the host has the new root before it is pivoted to, then ''. */
  root: string;
  readonly tree: Tree;
}

/**
 * The container's root. It is first asked for when the root is mounted and nothing of the image can be in the way of
 * its path, which is the host's; in a process of `exec`, once it is `/`.
 */
export function rootOf({ root, tree }: RootContext): number {
  tree.root ??= openSync(root === '' ? '/' : root, O_PATH | constants.O_DIRECTORY);
  return tree.root;
}

/** The part of `path` below the new root, or undefined if it lies elsewhere or there is no root to be inside of. */
export function insideRoot(path: string, { root }: RootContext): string | undefined {
  if (root === '' || !path.startsWith(`${root}/`)) return undefined;
  return path.slice(root.length);
}

/** The /dev that was made for this container, if it has one; one that was mounted from outside is not it. */
export function ownDev({ kernel, tree }: RootContext): number | undefined {
  const dev = tree.mounts.get('/dev');
  return dev !== undefined && tree.attached.get(kernel.place(dev).mount) === 'new' ? dev : undefined;
}

/**
 * Puts a detached mount in place and remembers it under its destination. The descriptor stays open: from now on it
 * stands for the mount.
 */
export function attach(
  { kernel, tree }: RootContext,
  destination: string,
  mount: number,
  target: number,
  kind: 'bind' | 'new' = 'new',
): void {
  kernel.attachMount(mount, target);
  tree.mounts.set(destination, mount);
  tree.attached.set(kernel.place(mount).mount, kind);
}

/** Shows what `source` stands for at `target` as well; the mount appears there complete. */
export function bind(
  context: RootContext,
  destination: string,
  source: number,
  target: number,
  attributes: MountAttributes,
  recursive = false,
): void {
  const { kernel } = context;
  const copy = kernel.copyMount(source, recursive);
  kernel.setMountAttributes(copy, recursive, attributes);
  attach(context, destination, copy, target, 'bind');
}

export const READ_ONLY: MountAttributes = { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0 };
export const UNCHANGED: MountAttributes = { set: 0, clear: 0, propagation: 0 };
