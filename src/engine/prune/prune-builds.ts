/**
 * `builder prune`: forgets what `build` has kept, then removes the layers that nothing else uses. Without `all` what the
 * last day has used stays: the next build of the same project would miss it. A cache mount that a RUN uses stays too.
 */
import type { Engine } from '../engine.ts';
import { listBuildEntries, type BuildEntry } from '../look/build-usage.ts';
import { removeCacheMount, sweepCacheMounts } from '../state/cache-mounts.ts';
import { removeCached } from '../state/build-cache.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { pruneEvent } from '../state/events/events.ts';
import { imagesInUse, layersInUse } from './in-use.ts';
import type { Chooses } from './prune.ts';

const DAY = 24 * 3600 * 1000;

/** Bytes of the records' layers, and of cache mounts. */
export async function pruneBuildCache(
  engine: Engine,
  chooses: Chooses,
  all: boolean,
  matches: (entry: BuildEntry) => boolean = () => true,
): Promise<number> {
  const { paths, containers } = engine;
  const store = await engine.images();
  const images = await store.list();
  sweepCacheMounts(paths);
  const counted = new Set<string>();
  let bytes = 0;
  for (const entry of await listBuildEntries(engine)) {
    const { id, type, diffId, size, created, lastUsed, shared } = entry;
    if (!chooses({ created, labels: {} }) || !matches(entry)) continue;
    // A cache mount is long to fill again: it goes with all, or if it is asked for.
    if (!all && (type !== 'regular' || lastUsed > Date.now() - DAY)) continue;
    if (type === 'regular') removeCached(paths, id);
    else if (!removeCacheMount(paths, id)) continue;
    if (!shared && !counted.has(diffId || id)) bytes += size;
    counted.add(diffId || id);
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
