/** `--cache-to`: the records of a build, and their layers, as an image for a registry or as an OCI layout in a folder. */
import { manifestBytes } from '../../../images/archives/docker-manifest.ts';
import { MAX_LAYERS } from '../../../images/foreign/image-shapes.ts';
import { hostPlatform } from '../../../images/platform.ts';
import { pushImage } from '../../../images/push.ts';
import { PushClient } from '../../../images/registry/push-client.ts';
import { registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import type { Descriptor, ImageConfig, StoredImage } from '../../../images/types.ts';
import type { CacheRecord } from '../../engine/state/build-cache.ts';
import { descriptorOf } from '../layer-cache.ts';
import { writeImageFolder } from '../output/write-archive.ts';
import { cacheConfigBytes } from './cache-image.ts';
import type { CacheTarget } from './cache-flags.ts';

/** @throws what the store, the folder or the registry reports. */
export async function exportCache(
  store: ImageStore,
  records: readonly CacheRecord[],
  target: Exclude<CacheTarget, { type: 'inline' }>,
): Promise<void> {
  const image = await cacheImage(store, records);
  if (target.type === 'local') return writeImageFolder(store, { image, tags: [] }, target.dir);
  const client = new PushClient(target.reference, registryOptionsFromEnvironment());
  await pushImage({ image, reference: target.reference, store, client });
}

/** In the store as blobs only, as long as this process lives. */
async function cacheImage(store: ImageStore, records: readonly CacheRecord[]): Promise<StoredImage> {
  // No image has more layers; what was used last is kept.
  const diffIds = [...new Set(records.map(({ diffId }) => diffId))].slice(-MAX_LAYERS);
  const layers: Descriptor[] = diffIds.map((diffId) => descriptorOf(store, diffId));
  const bytes = cacheConfigBytes(hostPlatform(), records, diffIds);
  const id = await store.blobs.putBytes(bytes);
  const manifestDigest = await store.blobs.putBytes(
    manifestBytes({ digest: id, size: bytes.length }, layers, {}),
  );
  return {
    id,
    config: JSON.parse(bytes.toString()) as ImageConfig,
    manifestDigest,
    tags: [],
    repoDigests: [],
    layerDirs: [],
    size: 0,
    lastTagged: '',
  };
}
