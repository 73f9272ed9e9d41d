/** The root filesystem's overlay. Its directories are the host's own, so their paths may go to the kernel as text. */
import { closeSync, constants, openSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { O_PATH } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import type { Kernel } from '../syscall/kernel.ts';
import type { MountOptions } from './mount-options.ts';

/** mount(2) copies one page of data, its last byte the terminator. */
const MOUNT_DATA_MAX = 4095;

/**
 * Some forty layers fill the one page that mount(2) takes. Then each directory is named by the number of an open
 * descriptor, from /proc/self/fd as the current directory: `lowerdir=12:13:14`. That is good for overlayfs's own limit.
 */
export function mountOverlay(
  command: Extract<ContainerCommand, { kind: 'mount' }>,
  { flags, data }: MountOptions,
  kernel: Kernel,
): void {
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
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY);
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
  return new MinidockError({ code: 'OVERLAY_REFUSED', message: error.message, cause: error });
}
