/** Making the container's tree the only one, and proof that it is. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import * as k from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { openBeneath, openWithoutLinks } from './in-root.ts';
import { below } from './perform-kernel-files.ts';
import { READ_ONLY, rootOf, type RootContext } from './tree.ts';

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

/** Leaves the old root as the current directory, so that `.` in the next two steps means all of the host's tree. */
export function pivotRoot(_command: Of<'pivot-root'>, context: RootContext): void {
  const { kernel } = context;
  const oldRoot = openSync('/', k.O_PATH | constants.O_DIRECTORY);
  try {
    kernel.fchdir(rootOf(context));
    kernel.pivotRoot('.', '.');
    kernel.fchdir(oldRoot);
  } finally {
    closeSync(oldRoot);
  }
  context.root = '';
}

export function sealMounts({ path }: Of<'seal-mounts'>, { kernel }: RootContext): void {
  kernel.mountSetattr(path, true, READ_ONLY);
}

export function unmount({ target, lazy }: Of<'umount'>, context: RootContext): void {
  const { kernel } = context;
  kernel.umount2(target, (lazy ? k.MNT_DETACH : 0) | (target === '.' ? 0 : k.UMOUNT_NOFOLLOW));
  if (target === '.') kernel.fchdir(rootOf(context));
}

/**
 * The last look, by descriptors of our own: `/` and `/..` are the container's root and nothing lies on them; each
 * mount that can be reached is one that was attached, or came with a bind mount; what was to be hidden or read-only
 * is. Anything else means that an earlier step was led astray, and nothing is started.
 */
export function verifyRoot({ masked, readonly }: Of<'verify-root'>, context: RootContext): void {
  for (const path of ['/', '/..']) requireSameAsRoot(path, context);
  requireOwnMounts(context);
  for (const path of masked) requireCovered(path, false, context);
  for (const path of readonly) requireCovered(path, true, context);
}

function requireSameAsRoot(path: string, context: RootContext): void {
  const { kernel } = context;
  const fd = openSync(path, k.O_PATH | constants.O_DIRECTORY);
  try {
    const [there, root] = [kernel.place(fd), kernel.place(rootOf(context))];
    if (there.mount !== root.mount || there.inode !== root.inode) {
      throw notSealed(`"${path}" is not the container’s root`);
    }
  } finally {
    closeSync(fd);
  }
}

/** mountinfo is read beneath our own procfs; the kernel leaves out mounts that cannot be reached from the root. */
function requireOwnMounts({ kernel, tree, ...rest }: RootContext): void {
  const context = { kernel, tree, ...rest };
  // 1, unless the PID namespace is another container's or the host's.
  const [proc, file] = below(`/proc/${String(process.pid)}/mountinfo`, context);
  const fd = openBeneath(kernel, proc, file, constants.O_RDONLY);
  const root = kernel.place(rootOf(context)).mount;
  /** Mounts that may have others below them: they were asked for with all that was in them. */
  const open = new Set<number>();
  try {
    for (const line of readFileSync(fd, 'utf8').split('\n')) {
      if (line === '') continue;
      const [id = 0, parent = 0] = line.split(' ', 2).map(Number);
      const kind = tree.attached.get(id);
      if (kind === 'bind' || open.has(parent)) open.add(id);
      else if (kind === undefined && id !== root)
        throw notSealed(`a mount that was not made for it: ${line}`);
    }
  } finally {
    closeSync(fd);
  }
}

/** Not the kernel's own file any more: a mount lies on it. Missing is fine if it is missing beneath, too. */
function requireCovered(path: string, readOnly: boolean, context: RootContext): void {
  const { kernel } = context;
  const [mount, rest] = below(path, context);
  let fd: number;
  try {
    fd = openWithoutLinks(kernel, mount, rest);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const bare = kernel.place(fd).mount === kernel.place(mount).mount;
    const writable = readOnly && (kernel.fileSystem(fd).flags & k.ST_RDONLY) === 0;
    if (bare || writable) throw notSealed(`${path} is ${readOnly ? 'writable' : 'not hidden'}`);
  } finally {
    closeSync(fd);
  }
}

const notSealed = (what: string): MinidockError =>
  new MinidockError({
    code: 'NOT_SEALED',
    message: `the container would not be closed off from the host: ${what}`,
    hint: 'Nothing was started. The image or a volume of it may mean harm; please report it (.github/SECURITY.md).',
  });
