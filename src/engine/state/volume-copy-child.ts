/** `minidock __copy-volumes`: the child of volume-copy.ts, alone in a mount namespace. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { run } from '../../../runtime/io/spawn.ts';
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { mount } from '../../../runtime/rootfs/perform-mount.ts';
import { newTree, READ_ONLY } from '../../../runtime/rootfs/tree.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';
import type { CopyRequest } from './volume-copy.ts';

export async function copyVolumes(request: CopyRequest): Promise<void> {
  if (process.env['MINIDOCK_TRACE']) {
    const { startTrace } = await import('../../io/start-trace.ts');
    startTrace('minidock __copy-volumes', ['__copy-volumes', JSON.stringify(request)]);
  }
  const root = openSync(mergeLayers(request), 'r');
  for (const { from, to } of request.copies) {
    let fd: number;
    try {
      fd = openInRoot(kernel, root, from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue; // Nothing there: the volume stays empty.
      throw error;
    }
    try {
      // Through our own descriptor: a link in the image cannot lead cp out of it.
      if (fstatSync(fd).isDirectory()) {
        leaveWritable(to);
        await copyTree(`/proc/${String(process.pid)}/fd/${String(fd)}/.`, to);
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** overlayfs merges two directories or more; a single one is its own merge. */
function mergeLayers({ lower, mountPoint }: CopyRequest): string {
  const [only] = lower;
  if (only === undefined || lower.length === 1) return only ?? mountPoint;
  const options = [`lowerdir=${lower.join(':')}`, ...(userNamespace() !== undefined ? ['userxattr'] : [])];
  mount(
    { kind: 'mount', source: 'overlay', target: mountPoint, type: 'overlay', options },
    { kernel, root: '', tree: newTree() },
  );
  return mountPoint;
}

/**
 * The second line, behind the lock that keeps everyone out of a volume until it is filled: in this private mount
 * namespace only the volume is writable. cp(1) follows paths, and a link put in its way leads only to read-only
 * files.
 */
function leaveWritable(volume: string): void {
  const target = openSync(volume, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const writable = kernel.copyMount(target, false);
    kernel.mountSetattr('/', true, READ_ONLY);
    // The copy of a second volume is made when all is read-only already.
    kernel.setMountAttributes(writable, false, { set: 0, clear: READ_ONLY.set, propagation: 0 });
    kernel.attachMount(writable, target);
    closeSync(writable);
  } finally {
    closeSync(target);
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  const { status, stderr } = await run(['cp', '--archive', from, to], { env: process.env });
  if (status !== 0) throw new Error(`cp --archive ${from} ${to}: ${stderr.slice(0, 1000).trim()}`);
}
