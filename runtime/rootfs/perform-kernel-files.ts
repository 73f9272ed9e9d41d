/**
 * What of /proc and /sys is set, made read-only and hidden. Each file is opened beneath the mount that PID 1 made
 * itself, without links and without other mounts on the way, so that nothing of the image can stand in for it. The
 * one excuse for a file that is not found is that this kernel does not have it.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { MOUNT_ATTR_RDONLY, O_PATH } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { splitDevice } from './host-devices.ts';
import { openBeneath, openWithoutLinks } from './in-root.ts';
import { attach, bind, ownDev, READ_ONLY, UNCHANGED, type RootContext } from './tree.ts';

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

export function setSysctl({ key, value }: Of<'set-sysctl'>, context: RootContext): void {
  if (!/^[A-Za-z0-9_./-]+$/.test(key) || key.includes('..')) {
    throw new MinidockError({ code: 'BAD_SYSCTL', message: `"${key}" is not the name of a sysctl` });
  }
  // As sysctl(8): where the first separator is a slash, dots belong to the names (an interface `eth0.5`).
  const path = /^[^./]*\//.test(key) ? key : key.replaceAll('.', '/');
  const [proc, rest] = below(`/proc/sys/${path}`, context);
  const file = openBeneath(context.kernel, proc, rest, constants.O_WRONLY);
  try {
    writeSync(file, value);
  } finally {
    closeSync(file);
  }
}

export function makeReadonly({ path }: Of<'make-readonly'>, context: RootContext): void {
  withKernelFile(path, context, (fd) => bind(context, path, fd, fd, READ_ONLY, true));
}

export function mask({ path }: Of<'mask'>, context: RootContext): void {
  withKernelFile(path, context, (fd) => {
    if (fstatSync(fd).isDirectory()) {
      const empty = context.kernel.newMount('tmpfs', 'tmpfs', ['ro'], MOUNT_ATTR_RDONLY);
      attach(context, path, empty, fd);
      return;
    }
    const { device, own } = openNull(context);
    try {
      // The host's is lent: its mode and owner are not the container's to change.
      bind(context, path, device, fd, own ? UNCHANGED : READ_ONLY);
    } finally {
      closeSync(device);
    }
  });
}

/** `use` gets the file; it is not called where this kernel has no such file, or where a mount that was asked for covers it. */
function withKernelFile(path: string, context: RootContext, use: (fd: number) => void): void {
  const [mount, rest] = below(path, context);
  let fd: number;
  try {
    fd = openBeneath(context.kernel, mount, rest);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EXDEV') return;
    throw error;
  }
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The mount of ours that `path` is on, and the rest of the path below it. */
export function below(path: string, { tree }: RootContext): readonly [mount: number, rest: string] {
  const [, top = '', rest = ''] = /^(\/(?:proc|sys))\/(.+)$/.exec(path) ?? [];
  const mount = tree.mounts.get(top);
  if (mount !== undefined) return [mount, rest];
  throw new MinidockError({ code: 'NO_KERNEL_FILES', message: `${path} is not on /proc or /sys as mounted` });
}

/**
 * The null device of the container, if its /dev is the one that was made for it; a volume there may hold anything
 * under that name (CVE-2025-31133). Otherwise the host's.
 */
function openNull(context: RootContext): { readonly device: number; readonly own: boolean } {
  const dev = ownDev(context);
  const device =
    dev === undefined
      ? openSync('/dev/null', O_PATH | constants.O_NOFOLLOW)
      : openWithoutLinks(context.kernel, dev, 'null');
  const { rdev, mode } = fstatSync(device);
  const { major, minor } = splitDevice(rdev);
  if ((mode & constants.S_IFMT) === constants.S_IFCHR && major === 1 && minor === 3) {
    // In a user namespace each device is the host's, mounted on a file of our /dev.
    const own = dev !== undefined && context.kernel.place(device).mount === context.kernel.place(dev).mount;
    return { device, own };
  }
  closeSync(device);
  throw new MinidockError({ code: 'BAD_DEVICE', message: '/dev/null is not the null device' });
}
