/** What containers use, and so neither `rmi` nor a prune removes. */
import { MinidockError } from '../../../runtime/errors.ts';
import { isActive, type ContainerConfig } from '../spec/container.ts';
import { cachedLayerDirs } from '../state/build-cache.ts';
import { cannotTell } from '../state/damage.ts';
import { claimedVolumes } from '../state/sweep.ts';
import type { Container, ContainerStore } from '../state/store.ts';

/** By the image's id. @throws MinidockError 'DAMAGED_FILE' if a container's image is unknown. */
export function imagesInUse(containers: ContainerStore): ReadonlyMap<string, string> {
  const list = readable(containers, 'remove images');
  const words = list.flatMap(({ config, state }) => {
    const use = `${isActive(state) ? 'running' : 'stopped'} container ${config.id.slice(0, 12)}`;
    return imagesOf(config).map((id): [string, string] => [id, use]);
  });
  // A running container is the stronger reason and is named where there are both.
  return new Map(
    words.sort(([, a], [, b]) => (a.startsWith('running') ? 1 : 0) - (b.startsWith('running') ? 1 : 0)),
  );
}

/** Its own, and those that are mounted in it, by id. */
export const imagesOf = ({ imageId, spec }: ContainerConfig): readonly string[] => [
  imageId,
  ...spec.mounts.flatMap(({ image }) => image?.id ?? []),
];

/** Directories of layers that containers stack, be their image removed by force, or a build's cache. @throws as imagesInUse. */
export const layersInUse = (containers: ContainerStore): ReadonlySet<string> =>
  new Set([
    ...readable(containers, 'remove images').flatMap(({ config }) => [
      ...config.layers,
      ...config.spec.mounts.flatMap(({ image }) => image?.layers ?? []),
    ]),
    ...cachedLayerDirs(containers.paths),
  ]);

/** Names of volumes. @throws as imagesInUse. */
export const volumesInUse = (containers: ContainerStore): ReadonlySet<string> =>
  new Set([
    // Before the containers: one that is made meanwhile is among these or among those.
    ...claimedVolumes(containers),
    ...readable(containers, 'remove volumes').flatMap(({ config }) =>
      config.spec.mounts.flatMap(({ volume }) => volume ?? []),
    ),
  ]);

function readable(containers: ContainerStore, doing: string): readonly Container[] {
  const list = containers.list();
  const unknown = list.find(({ unreadable }) => unreadable !== undefined);
  if (unknown !== undefined) throw cannotTell(doing, unknown);
  return list;
}

/** An object that another command removed, or began to use, since it was listed: a prune goes on. */
export const isTakenMeanwhile = (error: unknown): boolean =>
  error instanceof MinidockError &&
  [
    'NO_SUCH_CONTAINER',
    'STILL_RUNNING',
    'BUSY',
    'NO_SUCH_NETWORK',
    'NETWORK_IN_USE',
    'NO_SUCH_VOLUME',
  ].includes(error.code);
