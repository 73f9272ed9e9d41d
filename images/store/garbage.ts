/**
 * Finds and deletes the content that no image refers to, nor any container: a container keeps the layers it stacks also when its
 * image is removed by force, and the blobs they came in, so that an image that has them can be saved.
 */
import { join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import type { ImageRecords } from './image-index.ts';
import { layerName, type LayerStore } from './layer-store.ts';
import type { Going, RemovalWatch } from './requests.ts';

export type Garbage = Pick<Going, 'blobs' | 'layers'>;

export const NO_GARBAGE: Garbage = { blobs: [], layers: [] };

export const UNWATCHED: RemovalWatch = { planned: () => true, perform: (_, work) => work() };

/** `stacked`: directories of layers, below the store's. The store's lock is held. */
export async function findGarbage(
  { blobs }: { readonly blobs: BlobStore },
  layers: LayerStore,
  images: ImageRecords,
  stacked: readonly string[],
): Promise<Garbage> {
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
  return {
    blobs: (await blobs.list()).filter((digest) => !kept.has(digest)),
    layers: layers.list().filter((name) => !dirs.has(name)),
  };
}

/** Part by part. Returns the layers' ids. The store's lock is held, and nobody is adding an image. */
export async function deleteGarbage(
  garbage: Garbage,
  { blobs }: { readonly blobs: BlobStore },
  layers: LayerStore,
  watch: RemovalWatch,
): Promise<readonly string[]> {
  const deleted: string[] = [];
  await watch.perform('blobs', async () => {
    for (const digest of garbage.blobs) await blobs.remove(digest);
  });
  await blobs.clearPartial();
  layers.clearTemporary();
  for (const name of garbage.layers) {
    await watch.perform(name, () => {
      const diffId = layers.delete(name);
      if (diffId !== undefined) deleted.push(diffId);
      return Promise.resolve();
    });
  }
  return deleted;
}
