/** How much a container takes: its writable layer, counted on disk, and the image below it. */
import { join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { ContainerConfig } from './spec/container.ts';
import { overlayDir, type Paths } from './state/paths.ts';
import { treeSize } from './state/tree-size.ts';

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
