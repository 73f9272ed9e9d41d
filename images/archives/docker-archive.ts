/**
 * Docker's archive: `manifest.json` lists images by configuration and uncompressed layers. It has no registry
 * manifest, so one is made, in OCI's form, for the store to keep.
 */
import type { DockerManifestItem } from '../foreign/image-shapes.ts';
import { checkLayerCount, readImageConfig } from '../manifest.ts';
import { mediaTypes } from '../media-types.ts';
import { fullName } from '../reference.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { Descriptor } from '../types.ts';
import { detectCompression } from '../unpack/compression.ts';
import type { ArchivedImage } from './archived-image.ts';
import { readHead } from './read-head.ts';
import { tagsOf } from './tags.ts';
import type { Spool } from './spool.ts';
import { manifestBytes } from './docker-manifest.ts';

export async function readDockerArchive(
  spool: Spool,
  blobs: BlobStore,
  items: readonly DockerManifestItem[],
): Promise<readonly ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const item of items) {
    const tags = tagsOf(item.RepoTags ?? []);
    const configFile = spool.get(item.Config);
    const name = fullName(tags[0] ?? configFile.digest);
    const config = readImageConfig(await spool.bytes(item.Config), name);
    checkLayerCount(config, item.Layers, name);
    await spool.toBlob(configFile, blobs);
    const layers: Descriptor[] = [];
    for (const layer of item.Layers) {
      const file = spool.get(layer);
      await spool.toBlob(file, blobs);
      layers.push({ mediaType: await layerType(file.path), digest: file.digest, size: file.size });
    }
    images.push({
      manifestDigest: await blobs.putBytes(manifestBytes(configFile, layers)),
      configDigest: configFile.digest,
      layers,
      diffIds: config.rootfs.diff_ids,
      tags,
    });
  }
  return images;
}

async function layerType(path: string): Promise<string> {
  return mediaTypes.layer(detectCompression(await readHead(path, 6)));
}
