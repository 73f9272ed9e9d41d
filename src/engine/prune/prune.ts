/**
 * `prune`: removes what nothing uses. Each kind is removed by the function that `rm` uses, one at a time, and looked at
 * again with its lock held, so that a container that starts meanwhile keeps what it needs.
 */
import { removeContainer } from '../lifecycle.ts';
import { planNetworkRemoval, removeNetwork } from '../network/network-remove.ts';
import { watchRemoval, type RemovalMode } from '../images/watch-removal.ts';
import { stepsOfRemoval } from '../remove-container.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { listContainers, recoverAll } from '../reconcile.ts';
import { overlayDir } from '../state/paths.ts';
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

export async function pruneContainers(
  { containers, paths }: Engine,
  chooses: Chooses,
  mode: RemovalMode = {},
): Promise<Pruned> {
  const stopped = (await listContainers(containers)).filter(
    ({ state, config }) =>
      !isActive(state) && chooses({ created: config.created, labels: config.spec.labels }),
  );
  const pruned = await removeEach(stopped, mode, {
    plan: ({ config }) => stepsOfRemoval(containers, config, []),
    remove: async (container) => {
      const size = treeSize(`${overlayDir(paths, container.config.id)}/upper`);
      await removeContainer(containers, container, { force: false, volumes: false });
      return { line: container.config.id, size };
    },
  });
  if (mode.dryRun !== true) recordEvent(paths, pruneEvent('container', pruned.reclaimed));
  return pruned;
}

export async function pruneNetworks(
  { containers, paths }: Engine,
  chooses: Chooses,
  mode: RemovalMode = {},
): Promise<Pruned> {
  // A container whose shim was killed keeps no network.
  await recoverAll(containers);
  const own = listNetworks(paths).filter(
    (network) =>
      network.name !== DEFAULT_NETWORK && chooses({ created: network.created, labels: labelsOf(network) }),
  );
  const pruned = await removeEach(own, mode, {
    plan: ({ id }) => planNetworkRemoval(paths, id),
    remove: async ({ name, id }) => {
      await removeNetwork(paths, id);
      return { line: name, size: 0 };
    },
  });
  if (mode.dryRun !== true) recordEvent(paths, pruneEvent('network', 0));
  return pruned;
}

/** `all`: named volumes too. Those with options of the driver stay, as in Docker: what they hold is elsewhere. */
export async function pruneVolumes(
  { containers, paths }: Engine,
  chooses: Chooses,
  all: boolean,
  mode: RemovalMode = {},
): Promise<Pruned> {
  const lock = await lockVolumes(paths);
  try {
    if (mode.dryRun !== true) sweepVolumes(paths);
    const used = volumesInUse(containers);
    const unused = listVolumes(paths).filter(
      (volume) =>
        !used.has(volume.name) &&
        volume.options === undefined &&
        (all || volume.anonymous) &&
        chooses({ created: volume.created, labels: labelsOf(volume) }),
    );
    const pruned = await removeEach(unused, mode, {
      plan: ({ name }) => planRemovalOf(paths, name),
      remove: ({ name, mountpoint }) => {
        const size = treeSize(mountpoint);
        removeBySteps(paths, name, planRemovalOf(paths, name));
        return Promise.resolve({ line: name, size });
      },
    });
    if (mode.dryRun !== true) recordEvent(paths, pruneEvent('volume', pruned.reclaimed));
    return pruned;
  } finally {
    lock.release();
  }
}

/** `all`: each image without a container, and not only those without a name. */
export async function pruneImages(
  engine: Engine,
  chooses: Chooses,
  all: boolean,
  mode: RemovalMode = {},
): Promise<Pruned> {
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
    watch: watchRemoval(engine.paths, mode),
  });
  if (mode.dryRun === true) return NOTHING;
  const events = deleted.map((id): NewEvent => imageEvent('delete', id));
  recordEvents(engine.paths, [...events, pruneEvent('image', bytes)]);
  return {
    removed: [...untagged.map((name) => `untagged: ${name}`), ...deleted.map((id) => `deleted: ${id}`)],
    reclaimed: bytes,
  };
}

const NOTHING: Pruned = { removed: [], reclaimed: 0 };

interface Removal<T> {
  readonly plan: (object: T) => readonly Step[] | Promise<readonly Step[]>;
  readonly remove: (object: T) => Promise<{ readonly line: string; readonly size: number }>;
}

async function removeEach<T>(
  objects: readonly T[],
  { dryRun, tell }: RemovalMode,
  { plan, remove }: Removal<T>,
): Promise<Pruned> {
  const removed: string[] = [];
  let reclaimed = 0;
  for (const object of objects) {
    try {
      if (tell !== undefined) tell(await plan(object));
      if (dryRun === true) continue;
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
