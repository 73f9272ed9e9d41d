/** How much a container takes: its writable layer, counted on disk, and the image below it. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import { overlayDir } from './bundle.ts';
import type { ContainerConfig } from './container.ts';
import type { Paths } from './paths.ts';

/** Bytes. */
export async function containerSizes(
  paths: Paths,
  config: ContainerConfig,
  images: ImageStore,
): Promise<{ readonly rw: number; readonly rootFs: number }> {
  const rw = treeSize(join(overlayDir(paths, config.id), 'upper'));
  const image = await images.find(config.imageId);
  return { rw, rootFs: rw + (image?.size ?? 0) };
}

/** Regular files' lengths, hard links once; what vanishes meanwhile counts nothing. */
function treeSize(root: string): number {
  const seen = new Set<string>();
  const walk = (path: string): number => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return 0;
    if (stats.isDirectory()) return readdirSync(path).reduce((sum, name) => sum + walk(join(path, name)), 0);
    const key = `${String(stats.dev)}:${String(stats.ino)}`;
    if (!stats.isFile() || seen.has(key)) return 0;
    seen.add(key);
    return stats.size;
  };
  return walk(root);
}
