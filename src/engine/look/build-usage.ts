/** What `build` keeps, as `builder du` lists it and `builder prune` removes it: layers of instructions, cache mounts. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine.ts';
import { listCached } from '../state/build-cache.ts';
import { cacheMountsDir } from '../state/paths.ts';
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
    }),
  );
  return [...layers, ...cacheMounts(cacheMountsDir(engine.paths))].sort((a, b) => a.lastUsed - b.lastUsed);
}

function cacheMounts(dir: string): readonly BuildEntry[] {
  return namesIn(dir).flatMap((id): readonly BuildEntry[] => {
    const stats = statSync(join(dir, id), { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return [
      {
        id,
        type: 'exec.cachemount',
        description: 'cache mount of RUN',
        size: treeSize(join(dir, id)),
        created: new Date(stats.birthtimeMs).toISOString(),
        lastUsed: stats.mtimeMs,
        parent: '',
        diffId: '',
        shared: false,
      },
    ];
  });
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => /^[0-9a-f]{64}$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
