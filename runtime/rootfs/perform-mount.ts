/**
 * The mounts of the plan, carried out. A target in the container's tree is opened inside it (in-root.ts), judged
 * (safe-target.ts), and mounted on by its descriptor; only the host's own paths are ever given to the kernel as text.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import * as k from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { openSource } from './bind-source.ts';
import { createInRoot, openBeneath, openWithoutLinks } from './in-root.ts';
import { parseMountOptions, type MountOptions } from './mount-options.ts';
import { mountOverlay } from './perform-overlay.ts';
import { mayCoverInProc, refuseKernelFiles, refuseUnsafeTarget } from './safe-target.ts';
import { attach, bind, insideRoot, ownDev, rootOf, type RootContext } from './tree.ts';

type MountCommand = Extract<ContainerCommand, { kind: 'mount' }>;

export function mount(command: MountCommand, context: RootContext): void {
  const { kernel } = context;
  const options = parseMountOptions(command.options);
  const inner = insideRoot(command.target, context);
  if (options.remount) {
    const made = inner === undefined ? rootOf(context) : context.tree.mounts.get(inner);
    if (made === undefined) throw new Error(`${command.target} is not mounted yet`);
    kernel.setMountAttributes(made, false, { ...options.attributes, propagation: 0 });
  } else if (options.bind) {
    bindMount(command, inner, options, context);
  } else if (command.type === '') {
    kernel.mount('', command.target, '', options.propagation, '');
  } else if (command.type === 'overlay') {
    mountOverlay(command, options, kernel);
  } else if (inner === undefined) {
    throw new Error(`${command.target} is not in the container’s tree`);
  } else {
    mountFileSystem(command, inner, options, context);
  }
}

function bindMount(
  command: MountCommand,
  inner: string | undefined,
  options: MountOptions,
  context: RootContext,
): void {
  const source = openSource(command.source, command.options, context.kernel);
  const destination = inner ?? command.target;
  const kind = kindOf(source);
  const target = inner === undefined ? openSync(command.target, k.O_PATH) : openTarget(inner, kind, context);
  try {
    const attributes = { ...options.attributes, propagation: options.propagation & ~k.MS_REC };
    bind(context, destination, source, target, attributes, options.recursive);
  } catch (error) {
    const unlike = errnoOf(error) === 'EINVAL' && kind !== kindOf(target);
    throw unlike ? differentKinds(command.source, destination) : error;
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** A bind mount's target is made as what its source is. */
export const kindOf = (fd: number): 'dir' | 'file' => (fstatSync(fd).isDirectory() ? 'dir' : 'file');

/** What move_mount(2) calls an invalid argument, in runc's words. */
export function differentKinds(source: string, target: string): MinidockError {
  return new MinidockError({
    code: 'ENOTDIR',
    message: `cannot mount ${source} on ${target}: not a directory`,
    hint: 'Are you trying to mount a directory onto a file (or vice-versa)? Check that both are of one kind.',
  });
}

function mountFileSystem(
  command: MountCommand,
  inner: string,
  options: MountOptions,
  context: RootContext,
): void {
  const { kernel } = context;
  const { type } = command;
  const target =
    type === 'proc' || type === 'sysfs'
      ? openPlainDirectory(inner, type, context)
      : openTarget(inner, 'dir', context);
  try {
    const words = [
      ...options.words,
      ...(type === 'tmpfs' ? inheritedMode(options, target, inner, context) : []),
    ];
    const made = kernel.newMount(type, command.source, words, options.attributes.set);
    attach(context, inner, made, target);
  } finally {
    closeSync(target);
  }
}

/** A tmpfs over a directory of the image by default keeps that directory's mode (1777 of /tmp). */
function inheritedMode(
  { words }: MountOptions,
  target: number,
  inner: string,
  { tree }: RootContext,
): readonly string[] {
  if (words.some((word) => word.startsWith('mode=')) || tree.made.has(inner)) return [];
  return [`mode=${(fstatSync(target).mode & 0o7777).toString(8)}`];
}

/**
 * /proc and /sys themselves: later steps take what is found there for the kernel's word, so that no link may stand
 * in their place (CVE-2019-19921).
 */
function openPlainDirectory(inner: string, type: string, context: RootContext): number {
  const { kernel } = context;
  const open = (): number =>
    openWithoutLinks(kernel, rootOf(context), inner, k.O_PATH | constants.O_DIRECTORY);
  try {
    return open();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, inner);
      closeSync(createInRoot(kernel, rootOf(context), inner, 'dir', refuse).fd);
      return open();
    }
    if (errnoOf(error) !== 'ELOOP') throw error;
    throw new MinidockError({
      code: 'ENOTDIR',
      message: `${inner} in the image is a symbolic link; ${type} must be mounted on a directory`,
      cause: error,
    });
  }
}

/** Where `destination` leads inside the container's tree; what is missing is made. @throws MinidockError BAD_MOUNT. */
export function openTarget(destination: string, kind: 'dir' | 'file', context: RootContext): number {
  const { kernel, tree } = context;
  const root = rootOf(context);
  const proc = tree.mounts.get('/proc');
  if (mayCoverInProc(destination) && proc !== undefined) {
    return openBeneath(kernel, proc, destination.slice('/proc/'.length));
  }
  // Spelt out, a place in /sys is what the user means (`-v /sys/fs/bpf:/sys/fs/bpf`); a link that leads there is not.
  const sys = tree.mounts.get('/sys');
  if (destination.startsWith('/sys/') && sys !== undefined) {
    return openInSys(sys, destination, kind, context);
  }
  const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, destination);
  // What belongs into /dev goes into the one that was made here, also where the image has a link in its place.
  const dev = destination.startsWith('/dev/') ? ownDev(context) : undefined;
  const { fd, isNew } =
    dev === undefined
      ? createInRoot(kernel, root, destination, kind, refuse)
      : createInRoot(kernel, dev, destination.slice('/dev/'.length), kind, refuse);
  try {
    refuseUnsafeTarget(kernel, root, fd, destination);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (isNew) tree.made.add(destination);
  return fd;
}

/** Below a mount at /sys without following links; a tmpfs there (/sys/fs/cgroup) may have to get the directory first. */
function openInSys(sys: number, destination: string, kind: 'dir' | 'file', context: RootContext): number {
  const { kernel } = context;
  const path = destination.slice('/sys/'.length);
  try {
    return openWithoutLinks(kernel, sys, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, destination);
  return createInRoot(kernel, sys, path, kind, refuse).fd;
}
