/**
 * The file system steps, carried out. Before pivot_root(2) every path below the new root is opened inside it
 * (in-root.ts) and used through its descriptor; afterwards paths are the container's own and lead nowhere else.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  mkdirSync,
  openSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import * as k from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import type { Kernel } from '../syscall/kernel.ts';
import { splitDevice } from './host-devices.ts';
import { fdPath, openInRoot, withPathInRoot } from './in-root.ts';
import { parseMountOptions } from './mount-options.ts';

export interface RootContext {
  readonly kernel: Kernel;
  /** The new root before it is pivoted to, then ''. */
  root: string;
}

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

const READ_ONLY = { set: k.MOUNT_ATTR_RDONLY, clear: 0, propagation: 0 } as const;
/** mount(2) copies one page of data, its last byte the terminator. */
const MOUNT_DATA_MAX = 4095;

export function mount(command: Of<'mount'>, context: RootContext): void {
  const { kernel } = context;
  const options = parseMountOptions(command.options);
  const inner = insideRoot(command.target, context.root);
  if (options.remount) {
    const remount = (target: string): void =>
      kernel.mountSetattr(target, false, { ...options.attributes, propagation: 0 });
    if (inner === undefined) remount(command.target);
    else withPathInRoot(context.root, inner, 'fail', remount);
  } else if (options.bind) {
    const attributes = { ...options.attributes, propagation: options.propagation & ~k.MS_REC };
    const bind = (target: string): void => {
      try {
        kernel.bindMount(command.source, target, options.recursive, attributes);
      } catch (error) {
        const unlike = errnoOf(error) === 'EINVAL' && kindOf(command.source) !== kindOf(target);
        throw unlike ? differentKinds(command.source, inner ?? command.target) : error;
      }
    };
    if (inner === undefined) bind(command.target);
    else withPathInRoot(context.root, inner, kindOf(command.source), bind);
  } else if (command.type === '') {
    kernel.mount('', command.target, '', options.propagation, '');
  } else if (command.type === 'overlay') {
    mountOverlay(command, options.flags, kernel);
  } else if (inner === undefined) {
    kernel.mount(command.source, command.target, command.type, options.flags, options.data);
  } else {
    mountFileSystem(command, inner, context);
  }
}

/** A bind mount's target is made as what its source is. */
function kindOf(source: string): 'dir' | 'file' {
  return statSync(source).isDirectory() ? 'dir' : 'file';
}

/** What move_mount(2) calls an invalid argument, in runc's words. */
function differentKinds(source: string, target: string): MinidockError {
  return new MinidockError({
    code: 'ENOTDIR',
    message: `cannot mount ${source} on ${target}: not a directory`,
    hint: 'Are you trying to mount a directory onto a file (or vice-versa)? Check that both are of one kind.',
  });
}

function mountFileSystem(command: Of<'mount'>, inner: string, { kernel, root }: RootContext): void {
  const { flags, data } = parseMountOptions(command.options);
  const { fd, isNew } = openMountPoint(root, inner);
  try {
    // A link in place of /proc or /sys would let the image choose what later steps take for the kernel's word
    // (CVE-2019-19921). What was opened is where it ended up, so the two are compared.
    if (
      (command.type === 'proc' || command.type === 'sysfs') &&
      readlinkSync(fdPath(fd)) !== `${root}${inner}`
    ) {
      throw new MinidockError({
        code: 'ENOTDIR',
        message: `${inner} in the image is a symbolic link; ${command.type} must be mounted on a directory`,
      });
    }
    kernel.mount(
      command.source,
      fdPath(fd),
      command.type,
      flags,
      isNew ? data : withMode(command.type, data, fd),
    );
  } finally {
    closeSync(fd);
  }
}

function openMountPoint(root: string, inner: string): { readonly fd: number; readonly isNew: boolean } {
  try {
    return { fd: openInRoot(root, inner, 'fail'), isNew: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { fd: openInRoot(root, inner, 'dir'), isNew: true };
  }
}

/** A tmpfs over a directory of the image keeps that directory's mode (1777 of /tmp) unless told otherwise. */
function withMode(type: string, data: string, fd: number): string {
  if (type !== 'tmpfs' || /(^|,)mode=/.test(data)) return data;
  const mode = `mode=${(fstatSync(fd).mode & 0o7777).toString(8)}`;
  return data === '' ? mode : `${data},${mode}`;
}

/**
 * Some forty layers fill the one page that mount(2) takes. Then each directory is named by the number of an open
 * descriptor, from /proc/self/fd as the current directory: `lowerdir=12:13:14`. That is good for overlayfs's own limit.
 */
function mountOverlay(command: Of<'mount'>, flags: number, kernel: Kernel): void {
  const { data } = parseMountOptions(command.options);
  const mountWith = (words: string): void => {
    try {
      kernel.mount(command.source, command.target, command.type, flags, words);
    } catch (error) {
      throw errnoOf(error) === 'EINVAL' ? refusedByOverlay(error as Error) : error;
    }
  };
  if (Buffer.byteLength(data) <= MOUNT_DATA_MAX) {
    mountWith(data);
    return;
  }
  const opened: number[] = [];
  const short = (path: string): string => {
    const fd = openSync(path, k.O_PATH | constants.O_DIRECTORY);
    opened.push(fd);
    return String(fd);
  };
  try {
    const shortened = data.split(',').map((option) => {
      const [key = '', value = ''] = option.split('=', 2);
      return /^(lowerdir|upperdir|workdir)$/.test(key)
        ? `${key}=${value.split(':').map(short).join(':')}`
        : option;
    });
    process.chdir('/proc/self/fd');
    mountWith(shortened.join(','));
  } finally {
    process.chdir('/');
    for (const fd of opened) closeSync(fd);
  }
}

/** The kernel tells the reason in its own log only; nearly always it is the file system of the upper directory. */
function refusedByOverlay(error: Error): MinidockError {
  return new MinidockError({
    code: 'EINVAL',
    message: error.message,
    hint:
      'Overlayfs keeps a container’s files on ext4, xfs, btrfs or tmpfs, not on another overlay (as in a container) ' +
      'or on NFS: choose such a directory with --root or MINIDOCK_ROOT.',
    cause: error,
  });
}

export function makeDirectory({ path, mode }: Of<'make-dir'>, { root }: RootContext): void {
  const inner = insideRoot(path, root);
  if (inner === undefined) mkdirSync(path, { recursive: true, mode });
  else closeSync(openInRoot(root, inner, 'dir'));
}

export function makeFile({ path }: Of<'make-file'>, { root }: RootContext): void {
  closeSync(openInRoot(root === '' ? '/' : root, insideRoot(path, root) ?? path, 'file'));
}

export function makeLink({ path, target }: Of<'symlink'>, { root }: RootContext): void {
  inParent(path, root, (place) => {
    try {
      symlinkSync(target, place);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error; // A /dev that was mounted from outside has its own.
    }
  });
}

export function makeNode(command: Of<'mknod'>, { kernel, root }: RootContext): void {
  const { type, mode, major, minor, uid = 0, gid = 0 } = command;
  inParent(command.path, root, (place) => {
    try {
      kernel.mknod(place, type, mode, major, minor);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return; // As above.
      throw error;
    }
    // mknod(2) masks the mode by the umask; a link cannot have slipped in, the node was just made.
    chmodSync(place, mode);
    if (uid !== 0 || gid !== 0) lchownSync(place, uid, gid);
  });
}

/** `use` gets a path whose last component is still to be made, in a directory that is held open. */
function inParent(path: string, root: string, use: (place: string) => void): void {
  const inner = insideRoot(path, root) ?? path;
  const slash = inner.lastIndexOf('/');
  withPathInRoot(root === '' ? '/' : root, inner.slice(0, slash), 'dir', (directory) =>
    use(`${directory}/${inner.slice(slash + 1)}`),
  );
}

/** Leaves the old root as the current directory, so that `.` in the next two steps means all of the host's tree. */
export function pivotRoot(command: Of<'pivot-root'>, context: RootContext): void {
  const oldRoot = openSync('/', k.O_PATH | constants.O_DIRECTORY);
  try {
    process.chdir(command.newRoot);
    context.kernel.pivotRoot('.', '.');
    process.chdir(fdPath(oldRoot));
  } finally {
    closeSync(oldRoot);
  }
  context.root = '';
}

export function sealMounts({ path }: Of<'seal-mounts'>, { kernel }: RootContext): void {
  kernel.mountSetattr(path, true, READ_ONLY);
}

export function unmount({ target, lazy }: Of<'umount'>, { kernel }: RootContext): void {
  kernel.umount2(target, (lazy ? k.MNT_DETACH : 0) | (target === '.' ? 0 : k.UMOUNT_NOFOLLOW));
  if (target === '.') process.chdir('/');
}

export function makeReadonly({ path }: Of<'make-readonly'>, { kernel }: RootContext): void {
  ignoringMissing(() => kernel.bindMount(path, path, true, READ_ONLY));
}

export function mask({ path }: Of<'mask'>, { kernel }: RootContext): void {
  ignoringMissing(() => {
    if (statSync(path).isDirectory()) {
      kernel.mount('tmpfs', path, 'tmpfs', k.MS_RDONLY, '');
      return;
    }
    const fd = openNull();
    try {
      kernel.bindMount(fdPath(fd), path, false, { set: 0, clear: 0, propagation: 0 });
    } finally {
      closeSync(fd);
    }
  });
}

/** /dev may come from a volume, where someone could have put a link or another device (CVE-2025-31133). */
function openNull(): number {
  const fd = openSync('/dev/null', k.O_PATH | constants.O_NOFOLLOW);
  const { rdev, mode } = fstatSync(fd);
  const { major, minor } = splitDevice(rdev);
  if ((mode & constants.S_IFMT) === constants.S_IFCHR && major === 1 && minor === 3) return fd;
  closeSync(fd);
  throw new MinidockError({
    code: 'BAD_DEVICE',
    message: '/dev/null in the container is not the null device',
  });
}

/** Kernels differ in which of these files they have. */
function ignoringMissing(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
  }
}

/** The part of `path` below `root`, or undefined if it lies elsewhere or there is no root to be inside of. */
function insideRoot(path: string, root: string): string | undefined {
  if (root === '' || !path.startsWith(`${root}/`)) return undefined;
  return path.slice(root.length);
}
