/**
 * `prune`: removes what nothing uses. Each kind is removed by the function that `rm` uses, one at a time, and looked at
 * again with its lock held, so that a container that starts meanwhile keeps what it needs.
 */
import { removeContainer } from '../lifecycle.ts';
import { removeNetwork } from '../network/network-create.ts';
import { listContainers, recoverAll } from '../reconcile.ts';
import { overlayDir } from '../plans/bundle.ts';
import type { Engine } from '../engine.ts';
import { isActive } from '../spec/container.ts';
import { recordEvent, recordEvents, type NewEvent } from '../state/events/event-log.ts';
import { imageEvent, pruneEvent } from '../state/events/events.ts';
import { DEFAULT_NETWORK } from '../spec/endpoints.ts';
import { listNetworks } from '../state/networks.ts';
import { treeSize } from '../state/tree-size.ts';
import { listVolumes, lockVolumes } from '../state/volumes.ts';
import { planRemovalOf, removeBySteps, sweepVolumes } from '../volumes/remove.ts';
import { imagesInUse, isTakenMeanwhile, layersInUse, volumesInUse } from './in-use.ts';

export interface Pruned {
  /** Lines as Docker prints them. */
  readonly removed: readonly string[];
  /** Bytes. */
  readonly reclaimed: number;
}

/** What a filter looks at. `created` is RFC 3339, '' where it is unknown. */
export interface Prunable {
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type Chooses = (object: Prunable) => boolean;

export async function pruneContainers({ containers, paths }: Engine, chooses: Chooses): Promise<Pruned> {
  const stopped = (await listContainers(containers)).filter(
    ({ state, config }) =>
      !isActive(state) && chooses({ created: config.created, labels: config.spec.labels }),
  );
  const pruned = await removeEach(stopped, async (container) => {
    const size = treeSize(`${overlayDir(paths, container.config.id)}/upper`);
    await removeContainer(containers, container, { force: false, volumes: false });
    return { line: container.config.id, size };
  });
  recordEvent(paths, pruneEvent('container', pruned.reclaimed));
  return pruned;
}

export async function pruneNetworks({ containers, paths }: Engine, chooses: Chooses): Promise<Pruned> {
  // A container whose shim was killed keeps no network.
  await recoverAll(containers);
  const own = listNetworks(paths).filter(
    (network) =>
      network.name !== DEFAULT_NETWORK && chooses({ created: network.created, labels: labelsOf(network) }),
  );
  const pruned = await removeEach(own, async ({ name, id }) => {
    await removeNetwork(paths, id);
    return { line: name, size: 0 };
  });
  recordEvent(paths, pruneEvent('network', 0));
  return pruned;
}

/** `all`: named volumes too. Those with options of the driver stay, as in Docker: what they hold is elsewhere. */
export async function pruneVolumes(
  { containers, paths }: Engine,
  chooses: Chooses,
  all: boolean,
): Promise<Pruned> {
  const lock = await lockVolumes(paths);
  try {
    sweepVolumes(paths);
    const used = volumesInUse(containers);
    const unused = listVolumes(paths).filter(
      (volume) =>
        !used.has(volume.name) &&
        volume.options === undefined &&
        (all || volume.anonymous) &&
        chooses({ created: volume.created, labels: labelsOf(volume) }),
    );
    const pruned = await removeEach(unused, ({ name, mountpoint }) => {
      const size = treeSize(mountpoint);
      removeBySteps(paths, name, planRemovalOf(paths, name));
      return Promise.resolve({ line: name, size });
    });
    recordEvent(paths, pruneEvent('volume', pruned.reclaimed));
    return pruned;
  } finally {
    lock.release();
  }
}

/** `all`: each image without a container, and not only those without a name. */
export async function pruneImages(engine: Engine, chooses: Chooses, all: boolean): Promise<Pruned> {
  const store = await engine.images();
  const kept = (await store.list()).filter(
    ({ config }) => !chooses({ created: config.created ?? '', labels: config.config?.Labels ?? {} }),
  );
  const inUse = new Map([
    ...kept.map(({ id }): [string, string] => [id, 'a filter']),
    ...imagesInUse(engine.containers),
  ]);
  const { untagged, deleted, bytes } = await store.prune({
    all,
    inUse,
    stacked: layersInUse(engine.containers),
  });
  const events = deleted.map((id): NewEvent => imageEvent('delete', id));
  recordEvents(engine.paths, [...events, pruneEvent('image', bytes)]);
  return {
    removed: [...untagged.map((name) => `untagged: ${name}`), ...deleted.map((id) => `deleted: ${id}`)],
    reclaimed: bytes,
  };
}

async function removeEach<T>(
  objects: readonly T[],
  remove: (object: T) => Promise<{ readonly line: string; readonly size: number }>,
): Promise<Pruned> {
  const removed: string[] = [];
  let reclaimed = 0;
  for (const object of objects) {
    try {
      const { line, size } = await remove(object);
      removed.push(line);
      reclaimed += size;
    } catch (error) {
      if (!isTakenMeanwhile(error)) throw error;
    }
  }
  return { removed, reclaimed };
}

const labelsOf = (object: object): Readonly<Record<string, string>> =>
  (object as { readonly labels?: Readonly<Record<string, string>> | null }).labels ?? {};
