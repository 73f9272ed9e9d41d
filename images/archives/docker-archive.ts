/**
 * Docker's archive: `manifest.json` lists images by configuration and uncompressed layers. It has no registry
 * manifest, so one is made, in OCI's form, for the store to keep.
 */
import type { BlobStore } from '../store/blob-store.ts';
import type { Descriptor, ImageConfig, Manifest } from '../types.ts';
import { detectCompression } from '../unpack/compression.ts';
import type { ArchivedImage } from './load.ts';
import { mediaTypes } from './media-types.ts';
import { readHead } from './read-head.ts';
import { asList, invalidArchive, type Spool } from './spool.ts';

export interface DockerManifestItem {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

export async function readDockerArchive(
  spool: Spool,
  blobs: BlobStore,
  items: readonly DockerManifestItem[],
): Promise<readonly ArchivedImage[]> {
  const list = asList(items);
  if (list === undefined) throw invalidArchive('its manifest.json is no list');
  const images: ArchivedImage[] = [];
  for (const item of list) {
    const configFile = spool.get(item.Config);
    const config = await spool.json<ImageConfig>(item.Config);
    await spool.toBlob(configFile, blobs);
    const layers: Descriptor[] = [];
    for (const name of item.Layers) {
      const file = spool.get(name);
      await spool.toBlob(file, blobs);
      layers.push({ mediaType: await layerType(file.path), digest: file.digest, size: file.size });
    }
    images.push({
      manifestDigest: await blobs.putBytes(manifestBytes(configFile, layers)),
      configDigest: configFile.digest,
      layers,
      diffIds: diffIdsOf(config),
      names: item.RepoTags ?? [],
    });
  }
  return images;
}

export function diffIdsOf(config: ImageConfig): readonly string[] {
  const diffIds = asList((config as Partial<ImageConfig>).rootfs?.diff_ids);
  if (diffIds === undefined)
    throw invalidArchive("an image's configuration lists no layers (rootfs.diff_ids)");
  return diffIds;
}

export function manifestBytes(
  config: { readonly digest: string; readonly size: number },
  layers: readonly Descriptor[],
): Buffer {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers,
  };
  return Buffer.from(JSON.stringify(manifest));
}

async function layerType(path: string): Promise<string> {
  return mediaTypes.layer(detectCompression(await readHead(path, 6)));
}
