/** Directories, links and device nodes in the container's tree, each made in a directory that is held open. */
import { closeSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { errnoOf } from '../syscall/error.ts';
import { createInRoot } from './in-root.ts';
import { refuseKernelFiles } from './safe-target.ts';
import { insideRoot, ownDev, rootOf, type RootContext } from './tree.ts';

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

export function makeDirectory({ path }: Of<'make-dir'>, context: RootContext): void {
  closeSync(openInside(insideRoot(path, context) ?? path, context));
}

export function makeLink({ path, target }: Of<'symlink'>, context: RootContext): void {
  inParent(path, context, (directory, name) => context.kernel.symlinkat(target, directory, name));
}

export function makeNode(command: Of<'mknod'>, context: RootContext): void {
  const { type, mode, major, minor, uid = 0, gid = 0 } = command;
  const { kernel } = context;
  inParent(command.path, context, (directory, name) => {
    // The umask is 0, so this is the node's mode.
    kernel.mknodat(directory, name, type, mode, major, minor);
    if (uid !== 0 || gid !== 0) kernel.lchownat(directory, name, uid, gid);
  });
}

/** `make` gets a directory and the name of what is still to be made in it. */
function inParent(path: string, context: RootContext, make: (directory: number, name: string) => void): void {
  const inner = insideRoot(path, context) ?? path;
  const slash = inner.lastIndexOf('/');
  const directory = openParent(inner.slice(0, slash), context);
  try {
    refuseKernelFiles(context.kernel, directory, inner);
    refuseSharedDirectory(directory, inner, context);
    make(directory, inner.slice(slash + 1));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // The image has a /dev of its own making there.
  } finally {
    closeSync(directory);
  }
}

/** In the /dev that was made here, also where the image has a link in its place. */
function openParent(inner: string, context: RootContext): number {
  const dev = ownDev(context);
  if (dev === undefined || !/^\/dev(\/|$)/.test(inner)) return openInside(inner, context);
  const refuse = (fd: number): void => refuseKernelFiles(context.kernel, fd, inner);
  return createInRoot(context.kernel, dev, inner.slice('/dev'.length), 'dir', refuse).fd;
}

/** A device node in a directory that the host shares would be there for every user of the host. */
function refuseSharedDirectory(directory: number, path: string, context: RootContext): void {
  const { kernel, tree } = context;
  const { mount } = kernel.place(directory);
  // What came along below a bind mount is the host's as well, and is not known here at all.
  if (mount === kernel.place(rootOf(context)).mount || tree.attached.get(mount) === 'new') return;
  throw new MinidockError({
    code: 'DEVICE_IN_SHARED_DIRECTORY',
    message: `${path} cannot be made: a directory of the host or a volume is mounted there`,
  });
}

function openInside(inner: string, context: RootContext): number {
  const { kernel } = context;
  const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, inner);
  return createInRoot(kernel, rootOf(context), inner, 'dir', refuse).fd;
}
