/** Directories, links and device nodes in the container's tree, each made in a directory that is held open. */
import { closeSync } from 'node:fs';
import type { ContainerCommand } from '../plan/command.ts';
import { errnoOf } from '../syscall/error.ts';
import { createInRoot } from './in-root.ts';
import { refuseKernelFiles } from './safe-target.ts';
import { insideRoot, rootOf, type RootContext } from './tree.ts';

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
  const directory = openInside(inner.slice(0, slash), context);
  try {
    refuseKernelFiles(context.kernel, directory, inner);
    make(directory, inner.slice(slash + 1));
  } catch (error) {
    // A /dev that was mounted from outside has its own.
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(directory);
  }
}

function openInside(inner: string, context: RootContext): number {
  const { kernel } = context;
  const refuse = (fd: number): void => refuseKernelFiles(kernel, fd, inner);
  return createInRoot(kernel, rootOf(context), inner, 'dir', refuse).fd;
}
