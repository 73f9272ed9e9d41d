/** `minidock __copy-volumes`: the child of volume-copy.ts, alone in a mount namespace. */
import { constants, existsSync, fstatSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { run } from '../../../runtime/io/spawn.ts';
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { mount } from '../../../runtime/rootfs/perform-mount.ts';
import { newTree } from '../../../runtime/rootfs/tree.ts';
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_PATH,
} from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';
import type { MountAttributes } from '../../../runtime/syscall/kernel.ts';
import type { FileSystemSpec } from '../spec/container.ts';
import type { CopyRequest, VolumeCopy } from './volume-copy.ts';

export async function copyVolumes(request: CopyRequest): Promise<void> {
  // No trace of its own: a file that is open for writing here would keep seal() from making its mount read-only.
  try {
    await fillAll(request);
  } catch (error) {
    // The parent reports it: an error of the disk, or of a file system that cannot be mounted, is no bug.
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

async function fillAll(request: CopyRequest): Promise<void> {
  const root = openSync(mergeLayers(request), 'r');
  const chosen = await chooseCopies(root, request.copies);
  for (const { filling } of chosen) if (filling !== undefined) writeFileSync(filling, '', { mode: 0o600 });
  const volumes = chosen.map(({ to }) => ({ ...NO_DEVICES, fd: kernel.copyMount(to, false) }));
  seal();
  for (const [index, { from }] of chosen.entries()) {
    const { fd, ...attributes } = volumes[index] as (typeof volumes)[number];
    kernel.setMountAttributes(fd, false, attributes);
    await copyTree(throughOurs(from), throughOurs(fd));
  }
}

/** The directories to copy from and to, opened. */
interface Chosen {
  readonly from: number;
  readonly to: number;
  readonly filling: string | undefined;
}

/** What the image has no directory for stays as it is, and so does what holds files, or will when another is filled. */
async function chooseCopies(root: number, copies: readonly VolumeCopy[]): Promise<readonly Chosen[]> {
  const chosen: Chosen[] = [];
  for (const copy of copies) {
    const from = openDirectory(root, copy.from);
    if (from === undefined) continue;
    if (copy.fileSystem !== undefined) await mountVolumeHere(copy.to, copy.fileSystem);
    const volume = openSync(copy.to, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const to = copy.subpath === undefined ? volume : openDirectory(volume, copy.subpath);
    if (to === undefined) continue; // The start reports a subpath that is not there.
    const { dev, ino } = fstatSync(to);
    const taken = chosen.some((other) => {
      const stats = fstatSync(other.to);
      return stats.dev === dev && stats.ino === ino;
    });
    const { filling } = copy;
    const begun = filling !== undefined && existsSync(filling);
    if (!taken && (begun || readdirSync(throughOurs(to)).length === 0)) chosen.push({ from, to, filling });
  }
  return chosen;
}

function openDirectory(root: number, path: string): number | undefined {
  try {
    return openInRoot(kernel, root, path, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

/** Also where another container uses it: the mount is a copy of that one, or one more of the same file system. */
async function mountVolumeHere(target: string, { type, device, options }: FileSystemSpec): Promise<void> {
  const [{ hostOf, mountFileSystem }, { kernel: host }] = await Promise.all([
    import('../../../runtime/volumes/hold.ts'),
    import('../../../runtime/syscall/libc.ts'),
  ]);
  await mountFileSystem({ source: device, type, options, target }, hostOf(host));
}

/** A descriptor as cp(1) takes it: no link of the image and no rename in the volume leads it elsewhere. */
const throughOurs = (fd: number): string => `/proc/${String(process.pid)}/fd/${String(fd)}/.`;

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
 * A container that uses the volume already may put links, pipes and devices in the way of cp(1), which follows paths.
 * So in this private mount namespace only the volumes are writable, no device can be opened, and cp removes what it
 * finds instead of writing to it.
 */
const SEALED: MountAttributes = {
  set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
  clear: 0,
  propagation: 0,
};
const NO_DEVICES: MountAttributes = { ...SEALED, set: MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };

/** Programs are started with /dev/null. */
function seal(): void {
  const device = openSync('/dev/null', O_PATH);
  const nothing = kernel.copyMount(device, false);
  kernel.attachMount(nothing, device);
  kernel.mountSetattr('/', true, SEALED);
  kernel.setMountAttributes(nothing, false, { set: 0, clear: SEALED.set, propagation: 0 });
}

async function copyTree(from: string, to: string): Promise<void> {
  const argv = ['cp', '--archive', '--remove-destination', from, to] as const;
  const { status, stderr } = await run(argv, { env: process.env });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr.slice(0, 1000).trim()}`);
}
