/**
 * Where everything is on disk. `root` survives a reboot, `run` does not; nothing else in the program spells a path
 * of either. A container's directory is named after its full id.
 */
import { join, resolve } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';

export interface Paths {
  readonly root: string;
  readonly run: string;
}

/** An empty one is not given: it would mean the working directory. */
const given = (...values: readonly (string | undefined)[]): string | undefined =>
  values.find((value) => value !== undefined && value !== '');

/**
 * Global flags win over the environment, which wins over the defaults. Absolute, because a shim works elsewhere.
 * @throws MinidockError 'BAD_ROOT' for a path that cannot be said in the options of an overlay mount.
 */
export function resolvePaths(flags: { root?: string; run?: string }): Paths {
  const root = resolve(given(flags.root, process.env['MINIDOCK_ROOT']) ?? '/var/lib/minidock');
  const [separator] = /[:,\\]/.exec(root) ?? [];
  if (separator !== undefined) {
    throw new MinidockError({
      code: 'BAD_ROOT',
      message: `cannot keep containers in ${root}: overlayfs takes the "${separator}" for a separator`,
      hint: 'Choose a directory without colons, commas and backslashes with --root or MINIDOCK_ROOT.',
      exitCode: 125,
    });
  }
  return { root, run: resolve(given(flags.run, process.env['MINIDOCK_RUN']) ?? '/run/minidock') };
}

export const containersDir = (p: Paths): string => join(p.root, 'containers');
export const containerDir = (p: Paths, id: string): string => `${p.root}/containers/${id}`;
export const containerRunDir = (p: Paths, id: string): string => join(p.run, 'containers', id);
/** Held by the container's shim, or by whoever removes or recovers it; goes with the container's directory. */
export const containerLock = (p: Paths, id: string): string => join(p.root, 'containers', id, 'lock');
export const namesDir = (p: Paths): string => join(p.root, 'names');
export const volumesDir = (p: Paths): string => join(p.root, 'volumes');
export const imagesDir = (p: Paths): string => join(p.root, 'images');
export const networksDir = (p: Paths): string => join(p.root, 'networks');
/** One file per leased address, below a directory per network. */
export const leasesDir = (p: Paths): string => join(p.run, 'leases');
/** Of each network, by address: the host's end of the cable of whoever was given it last. */
export const cablesDir = (p: Paths): string => join(p.run, 'cables');
