/**
 * Where everything is on disk. `root` survives a reboot, `run` does not; nothing else in the program spells a path
 * of either. A container's directory is named after its full id.
 */
import { join, resolve } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { checkContents, resolveSafePlace } from '../../io/safe-place.ts';

export interface Paths {
  readonly root: string;
  readonly run: string;
}

/** An empty one is not given: it would mean the working directory. */
const given = (...values: readonly (string | undefined)[]): string | undefined =>
  values.find((value) => value !== undefined && value !== '');

/**
 * Global flags win over the environment, which wins over the defaults. Absolute, because a shim works elsewhere, and
 * without links: where containers are mounted, a link on the way would be one too many.
 * @throws MinidockError 'BAD_ROOT' for a path that cannot be said in the options of an overlay mount, and
 *   'UNSAFE_PLACE' for one that somebody else can change.
 */
export function resolvePaths(flags: { root?: string; run?: string }): Paths {
  const root = place('root', 'keep images and containers in', flags.root, '/var/lib/minidock');
  const [separator] = /[:,\\]/.exec(root) ?? [];
  if (separator !== undefined) {
    throw new MinidockError({
      code: 'BAD_ROOT',
      message: `cannot keep containers in ${root}: overlayfs takes the "${separator}" for a separator`,
      hint: 'Choose a directory without colons, commas and backslashes with --root or MINIDOCK_ROOT.',
      exitCode: 125,
    });
  }
  const run = place('run', 'keep the state of containers in', flags.run, '/run/minidock');
  return { root, run };
}

/** What is in it is judged one level deep, of images two: deeper, only root has ever been able to write. */
function place(kind: 'root' | 'run', purpose: string, flag: string | undefined, standard: string): string {
  const variable = `MINIDOCK_${kind.toUpperCase()}`;
  const chosenBy = `--${kind} or ${variable}`;
  const path = resolve(given(flag, process.env[variable]) ?? standard);
  const resolved = resolveSafePlace({ path, purpose, chosenBy });
  for (const path of kind === 'root' ? [resolved, `${resolved}/images`] : [resolved]) {
    checkContents({ path, purpose, chosenBy });
  }
  return resolved;
}

export const containersDir = (p: Paths): string => join(p.root, 'containers');
export const containerDir = (p: Paths, id: string): string => `${p.root}/containers/${id}`;
/** What the container has written, see plans/upper.ts. */
export const overlayDir = (p: Paths, id: string): string => join(containerDir(p, id), 'overlay');
export const containerRunDir = (p: Paths, id: string): string => join(p.run, 'containers', id);
/** Held by the container's shim, or by the process that removes or recovers it; goes with the container's directory. */
export const containerLock = (p: Paths, id: string): string => join(p.root, 'containers', id, 'lock');
/** Somebody stopped it, or signalled it (life/manual-stop.ts); goes with the next start by hand. */
export const byHandPath = (p: Paths, id: string): string => join(p.root, 'containers', id, 'by-hand');
/** There while the container is paused, or is just being: the kernel decides (life/pause.ts). */
export const pausedPath = (p: Paths, id: string): string => join(p.run, 'containers', id, 'paused');
export const namesDir = (p: Paths): string => join(p.root, 'names');
/** No file's name is longer than that (NAME_MAX). */
const LONGEST = 255;

/**
 * A name that is too long for a file, of which Docker takes any, is cut and made unique by its digest; "~" is in no
 * name.
 */
export function nameFile(p: Paths, name: string): string {
  if (name.length <= LONGEST) return join(namesDir(p), name);
  const { createHash } = process.getBuiltinModule('node:crypto');
  return join(namesDir(p), `${name.slice(0, 180)}~${createHash('sha256').update(name).digest('hex')}`);
}

export const volumesDir = (p: Paths): string => join(p.root, 'volumes');
export const imagesDir = (p: Paths): string => join(p.root, 'images');
export const networksDir = (p: Paths): string => join(p.root, 'networks');
/** One file per leased address, below a directory per network. */
export const leasesDir = (p: Paths): string => join(p.run, 'leases');
/** Names by which containers find each other: one directory per network (dns/names.ts). */
export const dnsDir = (p: Paths): string => join(p.run, 'dns');
/** One file per range of user ids that a running container has (--userns=auto). */
export const idsDir = (p: Paths): string => join(p.run, 'ids');
/** Of each network, by address: the host's end of the last owner's cable. */
export const cablesDir = (p: Paths): string => join(p.run, 'cables');
/** Of a container whose /dev/shm others may join. */
export const shmPath = (p: Paths, id: string): string => join(p.run, 'containers', id, 'shm');
/** Where PID 1 merges the layers of the images that are mounted in it, in its own mount namespace. */
export const mountedImagesDir = (p: Paths, id: string): string => join(p.run, 'containers', id, 'images');
/** A file for each container that uses a volume with a file system of its own (runtime/volumes). */
export const volumeUsersDir = (p: Paths, volume: string): string => join(p.run, 'volumes', volume);
/** Below the mount of each hierarchy. */
export const cgroupsPath = ({
  id,
  spec: { cgroupParent = '/minidock' },
}: {
  readonly id: string;
  readonly spec: { readonly cgroupParent?: string };
}): string => `${cgroupParent}/${id}`;
/** Notes of what happened, for `events` (engine/events). */
export const eventsDir = (p: Paths): string => join(p.run, 'events');
/** Of `build`: what is kept of instructions that were carried out (engine/state/build-cache.ts). */
export const buildCacheDir = (p: Paths): string => join(p.root, 'build', 'cache');
/** Directories of `RUN --mount=type=cache`, by a digest of their id. */
export const cacheMountsDir = (p: Paths): string => join(p.root, 'build', 'mounts');
