/** The last step of a container's life: its directory, its name, and the volumes nobody named. */
import { getVolume, removeVolume } from './volumes.ts';
import type { ContainerConfig } from './container.ts';
import type { ContainerStore } from './store.ts';

/** With `volumes`, anonymous volumes go too unless another container mounts them (`--volumes-from` style sharing). */
export function removeContainerFiles(
  store: ContainerStore,
  config: ContainerConfig,
  options: { readonly volumes: boolean },
): void {
  store.remove(config);
  if (!options.volumes) return;
  const names = config.spec.mounts.flatMap((mount) =>
    mount.anonymous === true && mount.volume !== undefined ? [mount.volume] : [],
  );
  if (names.length === 0) return;
  const used = new Set(
    store.list().flatMap(({ config: other }) => other.spec.mounts.map((mount) => mount.volume)),
  );
  for (const name of names) {
    if (!used.has(name) && getVolume(store.paths, name) !== undefined) removeVolume(store.paths, name);
  }
}
