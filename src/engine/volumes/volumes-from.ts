/**
 * `--volumes-from CONTAINER[:ro|rw]`: the volumes and host directories of another container, at the same places. What
 * the new container's own flags mount on a place wins; an anonymous volume there gives way. Another's anonymous volume
 * is no longer one here: only the container that it was made for takes it along.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { invalidSpec } from '../spec/flag-errors.ts';
import type { MountRequest } from '../spec/mount-flags.ts';
import type { ContainerStore } from '../state/store.ts';

/** @throws MinidockError 'NO_SUCH_CONTAINER' and for a wrong mode, in Docker's words. */
export function withVolumesFrom(
  store: ContainerStore,
  texts: readonly string[],
  own: readonly MountRequest[],
): readonly MountRequest[] {
  const kept = new Set(own.filter(({ anonymous }) => anonymous !== true).map(({ target }) => target));
  const shared = new Map<string, MountRequest>();
  for (const text of texts) {
    for (const mount of mountsOf(store, text)) if (!kept.has(mount.target)) shared.set(mount.target, mount);
  }
  return [...own.filter(({ target }) => !shared.has(target)), ...shared.values()];
}

function mountsOf(store: ContainerStore, text: string): readonly MountRequest[] {
  const [name = '', mode] = text.split(/:(.*)/s, 2);
  if (text === '') throw invalidSpec('volumes-from specification cannot be an empty string');
  if (mode !== undefined && !/^(ro|rw|z|Z)(,(z|Z))?$/.test(mode)) throw invalidSpec(`invalid mode: ${mode}`);
  const { config, unreadable } = find(store, name);
  if (unreadable !== undefined) throw unreadable;
  return config.spec.mounts
    .filter(({ type }) => type !== 'tmpfs')
    .map(({ anonymous: _its, ...mount }) => ({
      ...mount,
      readOnly: mount.readOnly || (mode?.startsWith('ro') ?? false),
      noCopy: true,
      by: 'volumes-from',
    }));
}

function find(store: ContainerStore, name: string): ReturnType<ContainerStore['find']> {
  try {
    return store.find(name);
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    throw new MinidockError({ code: error.code, message: error.message, exitCode: 125, cause: error });
  }
}
