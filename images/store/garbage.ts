/**
 * Deletes the content that no image refers to, nor any container: a container keeps the layers it stacks also when its
 * image is removed by force, and the blobs they came in, so that an image that has them can be saved.
 */
import { join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import type { ImageRecords } from './image-index.ts';
import { layerName, type LayerStore } from './layer-store.ts';

/** `stacked`: directories of layers, below the store's. Returns the layers' ids. The store's lock is held. */
export async function collectGarbage(
  { blobs }: { readonly blobs: BlobStore },
  layers: LayerStore,
  images: ImageRecords,
  stacked: readonly string[],
): Promise<readonly string[]> {
  const records = [...images.values()];
  const used = stacked.map((dir) => join(dir, '..'));
  const kept = new Set([
    ...records.flatMap((image) => [image.id, image.manifestDigest, ...image.layers.map(({ blob }) => blob)]),
    ...used.flatMap((name) => layers.blobOf(name) ?? []),
  ]);
  const dirs = new Set([
    ...records.flatMap((image) => [
      ...image.layers.map(({ diffId }) => layerName(diffId)),
      ...image.layerDirs.map((dir) => join(dir, '..')),
    ]),
    ...used,
  ]);
  for (const digest of await blobs.list()) if (!kept.has(digest)) await blobs.remove(digest);
  await blobs.clearPartial();
  await layers.clearTemporary();
  return await layers.deleteExcept((name) => dirs.has(name));
}
