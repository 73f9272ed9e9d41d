/**
 * `save`: one archive that is both, a Docker archive (`manifest.json`, uncompressed layers) and an OCI layout
 * (`index.json`, blobs), as `docker save` writes since version 25; so docker, podman, skopeo and containerd all load
 * it. Layers are the blobs they were unpacked from, decompressed on the way: that gives the exact bytes their diff
 * ids were computed from, which re-packing the unpacked directories could not.
 */
import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { ImageError } from '../errors.ts';
import { familiarName, familiarRepository, parseReference } from '../reference.ts';
import { digestOf } from '../digest.ts';
import { hexOf } from '../store/blob-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Descriptor, ImageIndex, StoredImage } from '../types.ts';
import { decompress, IO_CHUNK } from '../unpack/compression.ts';
import type { DockerManifestItem } from '../foreign/image-shapes.ts';
import { manifestBytes } from './docker-manifest.ts';
import { mediaTypes } from '../media-types.ts';
import { TarWriter } from './tar-writer.ts';

export interface SaveRequest {
  readonly image: StoredImage;
  /** Normalised tags to save it under; an image named by its id is saved without any. */
  readonly tags: readonly string[];
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Prepared {
  readonly tags: readonly string[];
  readonly configDigest: string;
  readonly config: Buffer;
  readonly manifest: Buffer;
  readonly manifestDigest: string;
  readonly layers: readonly Descriptor[];
}

/** Writes to `output` and leaves it open. @throws ImageError 'LAYER_MISSING' or 'BLOB_MISSING' before anything is written. */
export async function saveImages(
  store: ImageStore,
  requests: readonly SaveRequest[],
  output: Writable,
): Promise<void> {
  const prepared = await Promise.all(requests.map((request) => prepare(store, request)));
  const tar = new TarWriter(output);
  await tar.dir('blobs');
  await tar.dir('blobs/sha256');
  const written = new Set<string>();
  const once = async (digest: string, write: () => Promise<void>): Promise<void> => {
    if (written.has(digest)) return;
    written.add(digest);
    await write();
  };
  for (const { configDigest, config, manifest, manifestDigest, layers } of prepared) {
    await once(configDigest, () => tar.file(blobName(configDigest), config));
    await once(manifestDigest, () => tar.file(blobName(manifestDigest), manifest));
    for (const layer of layers) await once(layer.digest, () => writeLayer(store, layer, tar));
  }
  await tar.file('index.json', json(indexOf(prepared)));
  await tar.file('manifest.json', json(prepared.map(dockerItem)));
  await tar.file('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  await tar.file('repositories', json(repositoriesOf(prepared)));
  await tar.finish();
}

async function prepare(store: ImageStore, { image, tags, annotations }: SaveRequest): Promise<Prepared> {
  const config = store.blobs.readBytes(image.id);
  const layers: Descriptor[] = [];
  for (const diffId of image.config.rootfs.diff_ids) {
    const { blob, report } = store.layer(diffId);
    if (!(await store.blobs.has(blob))) {
      throw new ImageError({
        code: 'BLOB_MISSING',
        message: `the layer ${diffId} cannot be saved: its blob ${blob} is not in the store`,
        hint: 'pull or load the image again',
      });
    }
    layers.push({ mediaType: mediaTypes.layer('none'), digest: diffId, size: report.tarSize });
  }
  // Another manifest than the registry's, because the layers here are not compressed.
  const manifest = manifestBytes({ digest: image.id, size: config.length }, layers, annotations);
  const manifestDigest = digestOf(manifest);
  return { tags, configDigest: image.id, config, manifest, manifestDigest, layers };
}

async function writeLayer(store: ImageStore, { digest, size }: Descriptor, tar: TarWriter): Promise<void> {
  const input = createReadStream(store.blobs.path(store.layer(digest).blob), { highWaterMark: IO_CHUNK });
  try {
    const { stream } = await decompress(input);
    await tar.stream(blobName(digest), size, stream as AsyncIterable<Buffer>);
  } finally {
    input.destroy();
  }
}

function indexOf(images: readonly Prepared[]): ImageIndex & { readonly mediaType: string } {
  const manifests = images.flatMap(({ manifest, manifestDigest, tags }): Descriptor[] => {
    const entry = { mediaType: mediaTypes.manifest, digest: manifestDigest, size: manifest.length };
    return tags.length === 0 ? [entry] : tags.map((tag) => ({ ...entry, annotations: annotationsOf(tag) }));
  });
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

function annotationsOf(tag: string): Readonly<Record<string, string>> {
  return {
    'io.containerd.image.name': tag,
    'org.opencontainers.image.ref.name': parseReference(tag).tag ?? 'latest',
  };
}

function dockerItem({ configDigest, tags, layers }: Prepared): DockerManifestItem {
  return {
    Config: blobName(configDigest),
    RepoTags: tags.length === 0 ? null : tags.map((tag) => familiarName(parseReference(tag))),
    Layers: layers.map(({ digest }) => blobName(digest)),
  };
}

/** What Docker before 1.10 read, and what some tools still look at. */
function repositoriesOf(images: readonly Prepared[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { tags, layers } of images) {
    for (const reference of tags.map(parseReference)) {
      const top = layers.at(-1);
      if (top === undefined) continue;
      (repositories[familiarRepository(reference)] ??= {})[reference.tag ?? 'latest'] = hexOf(top.digest);
    }
  }
  return repositories;
}

function blobName(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
