/** What `build` keeps, as `builder du` lists it and `builder prune` removes it: layers of instructions, cache mounts. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine.ts';
import { listCached } from '../state/build-cache.ts';
import { isCacheMountInUse, listCacheMounts } from '../state/cache-mounts.ts';
import { cacheMountsDir, type Paths } from '../state/paths.ts';
import { treeSize } from '../state/tree-size.ts';

export interface BuildEntry {
  /** 64 hex digits. */
  readonly id: string;
  /** BuildKit's words. */
  readonly type: 'regular' | 'exec.cachemount';
  readonly description: string;
  /** Bytes. */
  readonly size: number;
  /** RFC 3339. */
  readonly created: string;
  /** Milliseconds of the epoch. */
  readonly lastUsed: number;
  /** The key of the layers below; '' of a cache mount. */
  readonly parent: string;
  /** '' of a cache mount. */
  readonly diffId: string;
  /** An image has the layer too. */
  readonly shared: boolean;
  /** By a build that runs: it is not pruned. */
  readonly inUse: boolean;
}

/** Least recently used first. */
export async function listBuildEntries(engine: Engine): Promise<readonly BuildEntry[]> {
  const images = await (await engine.images()).list();
  const kept = new Set(images.flatMap(({ config }) => config.rootfs.diff_ids));
  const layers = listCached(engine.paths).map(
    ({ key, diffId, size, created, description, parent = '', lastUsed }): BuildEntry => ({
      id: key,
      type: 'regular',
      description,
      size,
      created,
      lastUsed,
      parent,
      diffId,
      shared: kept.has(diffId),
      inUse: false,
    }),
  );
  return [...layers, ...cacheMounts(engine.paths)].sort((a, b) => a.lastUsed - b.lastUsed);
}

function cacheMounts(paths: Paths): readonly BuildEntry[] {
  return listCacheMounts(paths).flatMap((id): readonly BuildEntry[] => {
    const dir = join(cacheMountsDir(paths), id);
    const stats = statSync(dir, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return [
      {
        id,
        type: 'exec.cachemount',
        description: 'cache mount of RUN',
        size: treeSize(dir),
        created: new Date(stats.birthtimeMs).toISOString(),
        lastUsed: stats.mtimeMs,
        parent: '',
        diffId: '',
        shared: false,
        inUse: isCacheMountInUse(paths, id),
      },
    ];
  });
}
