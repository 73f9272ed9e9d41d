/**
 * `builder prune`: forgets what `build` has kept, then removes the layers that nothing else uses. Without `all` what the
 * last day has used stays: the next build of the same project would miss it.
 */
import { rmSync } from 'node:fs';
import type { Engine } from '../engine.ts';
import { listCached, removeCached } from '../state/build-cache.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { pruneEvent } from '../state/events/events.ts';
import { cacheMountsDir } from '../state/paths.ts';
import { treeSize } from '../state/tree-size.ts';
import { imagesInUse, layersInUse } from './in-use.ts';
import type { Chooses } from './prune.ts';

const DAY = 24 * 3600 * 1000;

/** Bytes of the records' layers, and of cache mounts. */
export async function pruneBuildCache(engine: Engine, chooses: Chooses, all: boolean): Promise<number> {
  const { paths, containers } = engine;
  const store = await engine.images();
  const images = await store.list();
  const kept = new Set(images.flatMap(({ config }) => config.rootfs.diff_ids));
  let bytes = 0;
  for (const { key, diffId, size, created, lastUsed } of listCached(paths)) {
    if (!chooses({ created, labels: {} }) || (!all && lastUsed > Date.now() - DAY)) continue;
    removeCached(paths, key);
    if (!kept.has(diffId)) bytes += size;
    kept.add(diffId);
  }
  if (all) {
    bytes += treeSize(cacheMountsDir(paths));
    rmSync(cacheMountsDir(paths), { recursive: true, force: true });
  }
  // Of no image: only layers and blobs that nothing refers to go.
  const inUse = new Map([
    ...images.map(({ id }): [string, string] => [id, 'an image']),
    ...imagesInUse(containers),
  ]);
  await store.prune({ inUse, stacked: layersInUse(containers) });
  recordEvent(paths, pruneEvent('builder', bytes));
  return bytes;
}
