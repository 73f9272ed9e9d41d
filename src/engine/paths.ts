/**
 * Where everything is on disk. `root` survives a reboot, `run` does not; nothing else in the program spells a path
 * of either. A container's directory is named after its full id.
 */
import { join } from 'node:path';

export interface Paths {
  readonly root: string;
  readonly run: string;
}

/** Global flags win over the environment, which wins over the defaults. */
export function resolvePaths(flags: { root?: string; run?: string }): Paths {
  return {
    root: flags.root ?? process.env['MINIDOCK_ROOT'] ?? '/var/lib/minidock',
    run: flags.run ?? process.env['MINIDOCK_RUN'] ?? '/run/minidock',
  };
}

export const containersDir = (p: Paths): string => join(p.root, 'containers');
export const containerDir = (p: Paths, id: string): string => join(p.root, 'containers', id);
export const containerRunDir = (p: Paths, id: string): string => join(p.run, 'containers', id);
/** Held by the container's shim, or by whoever removes or recovers it; goes with the container's directory. */
export const containerLock = (p: Paths, id: string): string => join(p.root, 'containers', id, 'lock');
export const namesDir = (p: Paths): string => join(p.root, 'names');
export const volumesDir = (p: Paths): string => join(p.root, 'volumes');
export const imagesDir = (p: Paths): string => join(p.root, 'images');
export const networksDir = (p: Paths): string => join(p.root, 'networks');
/** One file per leased address, below a directory per network. */
export const leasesDir = (p: Paths): string => join(p.run, 'leases');
