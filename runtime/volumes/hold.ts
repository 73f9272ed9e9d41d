/**
 * Carries out the commands of command.ts. The lock is held from the note of a user to the mount, and from the look for
 * other users to the unmount, so that containers that start and end at once agree on who is the first and the last.
 * Whether it is mounted is read from mountinfo: a look at the directory itself would wait for a server that is gone.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { MinidockError } from '../errors.ts';
import { delay } from '../io/delay.ts';
import { parseMountinfo } from '../io/mountinfo.ts';
import { run } from '../io/spawn.ts';
import { toolMissing } from '../plan/tools.ts';
import { parseMountOptions } from '../rootfs/mount-options.ts';
import { MNT_DETACH } from '../syscall/constants.ts';
import { errnoOf, SyscallError } from '../syscall/error.ts';
import type { Kernel } from '../syscall/kernel.ts';
import {
  isRemote,
  remoteArgv,
  renderFileSystem,
  serverIn,
  SERVER_PATIENCE,
  type FileSystem,
  type VolumeMount,
  type VolumeUnmount,
} from './command.ts';

export interface Host {
  readonly kernel: Pick<Kernel, 'mount' | 'umount2' | 'flock'>;
  /** /proc/self/mountinfo. */
  readonly mounts: () => string;
}

export const hostOf = (kernel: Host['kernel']): Host => ({
  kernel,
  mounts: () => readFileSync('/proc/self/mountinfo', 'utf8'),
});

/** @throws MinidockError 'VOLUME_NOT_MOUNTED'. */
export async function mountVolume(command: VolumeMount, host: Host): Promise<void> {
  const unlock = await lock(command.users, host, true);
  try {
    writeFileSync(`${command.users}/${command.user}`, '', { mode: 0o600 });
    await mountFileSystem(command, host);
  } finally {
    unlock?.();
  }
}

/** Of one that nobody mounted, or that others use, no more goes than the note. */
export async function unmountVolume({ users, user, target }: VolumeUnmount, host: Host): Promise<void> {
  const unlock = await lock(users, host, false);
  try {
    rmSync(`${users}/${user}`, { force: true });
    if (unlock !== undefined && readdirSync(users).length > 0) return;
    unmountAll(target, host);
    if (unlock !== undefined) rmdirSync(users);
  } finally {
    unlock?.();
  }
}

/** Whatever is mounted on it goes, for a volume that is removed. */
export function unmountAll(target: string, host: Host): void {
  while (isMounted(target, host)) host.kernel.umount2(target, MNT_DETACH);
}

const isMounted = (target: string, { mounts }: Host): boolean =>
  parseMountinfo(mounts()).some(({ point }) => point === target);

/** Unless it is mounted. @throws MinidockError 'VOLUME_NOT_MOUNTED'. */
export async function mountFileSystem(fileSystem: FileSystem, host: Host): Promise<void> {
  const { source, type, options, target } = fileSystem;
  if (isMounted(target, host)) return;
  if (isRemote(type)) return mountRemote(fileSystem);
  const { flags, data } = parseMountOptions(options.split(','));
  try {
    host.kernel.mount(source, target, type, flags, data);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw notMounted(fileSystem, error.reason, HINTS[error.errno], error);
  }
}

async function mountRemote(fileSystem: FileSystem): Promise<void> {
  const argv = remoteArgv(fileSystem, await withAddress(fileSystem));
  let result: { readonly status: number; readonly stderr: string };
  try {
    result = await run(argv, { env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? toolMissing(argv[0]) : error;
  }
  const { status, stderr } = result;
  if (status === 0) return;
  const killed = status === KILLED;
  const [words = ''] = stderr.trim().split('\n');
  const reason = killed
    ? `the server did not answer within ${String(SERVER_PATIENCE)} seconds`
    : words.replace(/^mount: ([^ ]*: )?/, '').replace(/\.$/, '') || `status ${String(status)}`;
  throw notMounted(fileSystem, reason, killed ? SERVER_HINT : undefined);
}

const KILLED = 128 + 9;
const SERVER_HINT = 'Check the address (addr=…) and that the server and its firewall let this host in.';

/** The options, with the address of the server in place of its name. */
async function withAddress(fileSystem: FileSystem): Promise<string> {
  const server = serverIn(fileSystem);
  if (server === undefined) return fileSystem.options;
  const { lookup } = await import('node:dns/promises');
  const { before, name, after } = server;
  let stop: () => void = () => undefined;
  const patience = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, SERVER_PATIENCE * 1000);
    stop = () => clearTimeout(timer);
  });
  const found = await Promise.race([
    lookup(name).catch((error: unknown) => error as Error),
    patience.then(() => new Error('no answer')),
  ]).finally(stop);
  if ('address' in found) return before + found.address + after;
  throw notMounted(fileSystem, `error resolving the address of the server ${name}: ${found.message}`);
}

/** A password for CIFS is shown to nobody who reads an error. */
const notMounted = (fileSystem: FileSystem, reason: string, hint?: string, cause?: unknown): MinidockError =>
  new MinidockError({
    code: 'VOLUME_NOT_MOUNTED',
    message: `${renderFileSystem({
      ...fileSystem,
      options: fileSystem.options.replace(/(^|,)(pass(?:word)?2?)=[^,]*/g, '$1$2=********'),
    })}: ${reason}`,
    exitCode: 125,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });

const HINTS: Readonly<Record<string, string>> = {
  ENODEV: 'The kernel knows no file system of that type; cat /proc/filesystems lists those that it knows.',
  EINVAL:
    'The device holds no such file system, or the file system has no such option; dmesg may tell which.',
  ENOENT: 'There is no such device.',
  /** ENOTBLK. */
  E15: 'That file system takes a block device; losetup makes one of a file.',
  EPERM: 'That takes root of the machine: in a user namespace the kernel mounts few file systems.',
};

/** undefined where there is no directory to lock, unless it is to be made. */
async function lock(users: string, { kernel }: Host, make: boolean): Promise<(() => void) | undefined> {
  for (;;) {
    if (make) mkdirSync(users, { recursive: true, mode: 0o700 });
    let fd: number;
    try {
      fd = openSync(users, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      if (!make) return undefined;
      continue;
    }
    // The last user has removed the directory meanwhile: the lock is on the one that took its place.
    const taken = kernel.flock(fd, false);
    if (taken && fstatSync(fd).ino === lstatSync(users, { throwIfNoEntry: false })?.ino)
      return () => closeSync(fd);
    closeSync(fd);
    if (!taken) await delay(RETRY);
  }
}

/** Milliseconds. */
const RETRY = 5;
