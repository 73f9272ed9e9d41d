/**
 * Changing what was asked for of a container that exists. The file is written whole, so of two commands that change
 * different parts of it at once one waits for the other.
 */
import { join } from 'node:path';
import type { ContainerConfig } from '../spec/container.ts';
import { waitLock } from './lock.ts';
import { containerDir } from './paths.ts';
import { noSuchContainer, type ContainerStore } from './store.ts';

/** Also renames go by this lock (lifecycle.ts). @throws MinidockError 'NO_SUCH_CONTAINER' if it has gone. */
export function changeConfig(
  store: ContainerStore,
  id: string,
  change: (config: ContainerConfig) => ContainerConfig,
): ContainerConfig {
  const lock = waitLock(join(containerDir(store.paths, id), 'name.lock'));
  try {
    const found = store.read(id);
    if (found === undefined) throw noSuchContainer(id.slice(0, 12));
    if (found.unreadable !== undefined) throw found.unreadable;
    const changed = change(found.config);
    store.writeConfig(changed);
    return changed;
  } finally {
    lock.release();
  }
}
