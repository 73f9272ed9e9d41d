/** The last step of a container's life: its directory, its name, and the volumes nobody named. */
import { errnoOf } from '../../runtime/syscall/error.ts';
import { getVolume } from './state/volumes.ts';
import { planRemoval } from './plans/removal-plan.ts';
import type { ContainerConfig } from './spec/container.ts';
import { recordEvents } from './state/events/event-log.ts';
import { containerEvent, usersEvents, volumeEvent } from './state/events/events.ts';
import { recordClaims } from './state/sweep.ts';
import { performFileStep, type FileStep } from './state/perform-file.ts';
import type { ContainerStore } from './state/store.ts';

interface RemovalOptions {
  /** Anonymous volumes go too unless another container mounts them (`--volumes-from` style sharing). */
  readonly volumes: boolean;
}

export function removeContainerFiles(
  store: ContainerStore,
  config: ContainerConfig,
  options: RemovalOptions,
): void {
  takeContainerAway(store, config, options)();
}

/** The container, its name and its volumes are gone when this returns; its files when what it returns has. */
export function takeContainerAway(
  store: ContainerStore,
  config: ContainerConfig,
  options: RemovalOptions,
): () => void {
  const volumes = options.volumes ? volumesThatGo(store, config) : [];
  if (volumes.length > 0) noteVolumes(store, config, volumes);
  const steps = stepsOfRemoval(store, config, volumes);
  steps.slice(0, -1).forEach(performFileStep);
  recordEvents(store.paths, [
    ...volumes.map((name) => volumeEvent(name, 'destroy')),
    ...usersEvents(config, containerEvent(config, 'destroy')),
  ]);
  return () => steps.slice(-1).forEach(performFileStep);
}

export const stepsOfRemoval = (
  store: ContainerStore,
  config: ContainerConfig,
  volumes: readonly string[],
): readonly FileStep[] =>
  planRemoval(store.paths, config.id, { names: store.names.namesOf(config), volumes });

/** A sweep after a kill finds in its directory which volumes go with it. */
function noteVolumes(
  store: ContainerStore,
  { id, name }: ContainerConfig,
  anonymousVolumes: readonly string[],
): void {
  try {
    recordClaims(store, id, { name, anonymousVolumes });
  } catch (error) {
    // Also a full disk can be cleared.
    if (errnoOf(error) === '') throw error;
  }
}

/** Names of its anonymous volumes that no other container mounts. */
export function volumesThatGo(store: ContainerStore, config: ContainerConfig): readonly string[] {
  const names = config.spec.mounts.flatMap((mount) =>
    mount.anonymous === true && mount.volume !== undefined ? [mount.volume] : [],
  );
  if (names.length === 0) return [];
  const others = store.list().filter(({ config: other }) => other.id !== config.id);
  // What one of them mounts may be lost with its record: then none is taken for unused.
  if (others.some(({ unreadable }) => unreadable !== undefined)) return [];
  const used = new Set(others.flatMap(({ config: other }) => other.spec.mounts.map((mount) => mount.volume)));
  return names.filter((name) => !used.has(name) && getVolume(store.paths, name) !== undefined);
}
