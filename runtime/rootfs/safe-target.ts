/**
 * The one place that says what may be mounted on, and where files may be made for a container. A link in the image
 * can lead any target into a file system of the kernel's: a volume over /proc/1 would pose as the kernel to its
 * readers, and a file "made" in /proc/sys is a setting of the host. So the judge is the file system that the opened
 * descriptor lies on (fstatfs(2)), never the name (CVE-2019-19921, CVE-2025-52881).
 */
import { MinidockError } from '../errors.ts';
import type { FileCalls } from '../syscall/kernel.ts';

/** Magic numbers of file systems whose files are the kernel's own: <linux/magic.h>. */
const KERNEL_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x9fa0: '/proc',
  0x62656572: '/sys (sysfs)',
  0x27e0eb: 'a cgroup hierarchy',
  0x63677270: 'a cgroup hierarchy',
  0x1cd1: '/dev/pts (devpts)',
  0x19800202: '/dev/mqueue (mqueue)',
  0x64626720: 'debugfs',
  0x74726163: 'tracefs',
  0x73636673: 'securityfs',
  0xf97cff8c: 'selinuxfs',
  0xcafe4a11: 'the bpf file system',
  0x6e736673: 'nsfs',
  0x62656570: 'configfs',
  0xde5e81e4: 'efivarfs',
  0x42494e4d: 'binfmt_misc',
};

/** The magic number of devpts: what opens /dev/pts/ptmx wants to see it. */
export const DEVPTS = 0x1cd1;

export const isKernelFileSystem = (kernel: FileCalls, fd: number): boolean =>
  KERNEL_FILE_SYSTEMS[kernel.fileSystem(fd).type] !== undefined;

/** @throws MinidockError BAD_MOUNT if `fd`, where `destination` led to, is the kernel's or is the root itself. */
export function refuseUnsafeTarget(kernel: FileCalls, root: number, fd: number, destination: string): void {
  refuseKernelFiles(kernel, fd, destination);
  const [there, top] = [kernel.place(fd), kernel.place(root)];
  if (there.mount !== top.mount || there.inode !== top.inode) return;
  throw new MinidockError({
    code: 'BAD_MOUNT',
    message: `"${destination}" cannot be mounted on because it is the container’s root`,
    hint: 'The image has a symbolic link there that leads to "/".',
  });
}

/** The part that also holds for directories in which a target is about to be made. */
export function refuseKernelFiles(kernel: FileCalls, fd: number, destination: string): void {
  const name = KERNEL_FILE_SYSTEMS[kernel.fileSystem(fd).type];
  if (name === undefined) return;
  throw new MinidockError({
    code: 'BAD_MOUNT',
    message: `"${destination}" cannot be mounted on because it is inside ${name}`,
    hint: 'A symbolic link in the image or in a volume leads there. Those files are the kernel’s own: mount elsewhere.',
  });
}

/**
 * Files that lxcfs and similar programs replace: programs read them, nothing trusts them. runc has the same
 * exceptions to its rule about /proc.
 */
const PROC_NUMBERS: ReadonlySet<string> = new Set(
  ['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime'].map(
    (name) => `/proc/${name}`,
  ),
);

export const mayCoverInProc = (destination: string): boolean => PROC_NUMBERS.has(destination);
