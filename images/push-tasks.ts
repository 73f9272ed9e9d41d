/**
 * What a push has to do, read from the store before anything is sent: each layer with the blob that is kept of it, the
 * configuration, and the manifest where it can stay as it is.
 *
 * A blob that came compressed is sent as it came, so a registry that has it anywhere need not get it again, and an
 * image that was pulled keeps its digest. A layer that is kept as a plain archive (`load`, `import`, `commit`) is
 * compressed for its way; the manifest of the last push says what came of it then, and if the registry still has
 * that, nothing is compressed.
 */
import { statSync } from 'node:fs';
import { ImageError } from './errors.ts';
import { readManifest } from './manifest.ts';
import { mediaTypes } from './media-types.ts';
import { parseReference, type Reference } from './reference.ts';
import type { ImageStore } from './store/image-store.ts';
import type { Descriptor, Manifest, StoredImage } from './types.ts';
import type { Compression } from './unpack/compression.ts';
import { compressionOf } from './unpack/file-compression.ts';

export interface LayerTask {
  readonly diffId: string;
  /** What the manifest calls it; undefined where it will be known once it is compressed. */
  readonly descriptor?: Descriptor | undefined;
  /** The file to send, or to compress; undefined if it is lost, and then only the registry can have it. */
  readonly file?: string | undefined;
  readonly compress: boolean;
  /** Other repositories of the same registry that have the layer. */
  readonly mountFrom: readonly string[];
}

export interface PushTasks {
  /** In the manifest's order, base first; a layer may be there twice. */
  readonly layers: readonly LayerTask[];
  readonly config: { readonly digest: string; readonly bytes: Buffer };
  /** Used as it is if every layer is what it says. */
  readonly manifest?: { readonly bytes: Buffer; readonly parsed: Manifest } | undefined;
}

/** What a push needs of the store. */
export type PushStore = Pick<ImageStore, 'blobs' | 'layer' | 'list' | 'hasLayer' | 'notePushed'>;

/** `keep`: the layers will be sent, and must not be cleaned up before. */
export async function planPush(
  store: PushStore,
  image: StoredImage,
  target: Reference,
  keep: boolean,
): Promise<PushTasks> {
  const manifest = keptManifest(store, image);
  const sources = await repositoriesByLayer(store, target);
  const layers: LayerTask[] = [];
  for (const [index, diffId] of image.config.rootfs.diff_ids.entries()) {
    if (keep) await store.hasLayer(diffId);
    const mountFrom = sources.get(diffId) ?? [];
    const source = await findSource(store, image, diffId, manifest?.parsed.layers[index]);
    layers.push({ diffId, mountFrom, ...source });
  }
  return { layers, config: { digest: image.id, bytes: store.blobs.readBytes(image.id) }, manifest };
}

async function findSource(
  store: PushStore,
  image: StoredImage,
  diffId: string,
  known: Descriptor | undefined,
): Promise<Pick<LayerTask, 'descriptor' | 'file' | 'compress'>> {
  const { blobs } = store;
  if (known !== undefined && (await blobs.has(known.digest, known.size))) {
    const file = blobs.path(known.digest);
    // A registry that gave a plain layer gets it back so, and the image its digest.
    const asIs = image.repoDigests.length > 0 || isPackedForRegistries(compressionOf(file));
    return asIs ? { descriptor: known, file, compress: false } : { file, compress: true };
  }
  const { blob } = store.layer(diffId);
  if (!(await blobs.has(blob))) return { descriptor: known, compress: false };
  const file = blobs.path(blob);
  const compression = compressionOf(file);
  if (!isPackedForRegistries(compression)) return { descriptor: known, file, compress: true };
  const descriptor = { mediaType: mediaTypes.layer(compression), digest: blob, size: statSync(file).size };
  return { descriptor, file, compress: false };
}

/** undefined where it is lost, damaged, or not of this image. */
function keptManifest(
  { blobs }: PushStore,
  image: StoredImage,
): { readonly bytes: Buffer; readonly parsed: Manifest } | undefined {
  try {
    const bytes = blobs.readBytes(image.manifestDigest);
    const document = readManifest(bytes, { name: image.manifestDigest });
    if (document.kind !== 'manifest') return undefined;
    const { manifest } = document;
    const fits =
      manifest.config.digest === image.id && manifest.layers.length === image.config.rootfs.diff_ids.length;
    return fits ? { bytes, parsed: manifest } : undefined;
  } catch (error) {
    // Another one can be made of the configuration and the layers.
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/** What was pulled from a repository of this registry, or pushed to one, can be mounted from there. */
async function repositoriesByLayer(
  store: PushStore,
  { domain, path }: Reference,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const { repoDigests, config } of await store.list()) {
    const others = repoDigests
      .map(parseReference)
      .filter((one) => one.domain === domain && one.path !== path);
    for (const diffId of config.rootfs.diff_ids) {
      const known = found.get(diffId) ?? [];
      found.set(diffId, [...new Set([...known, ...others.map((other) => other.path)])]);
    }
  }
  return found;
}

const isPackedForRegistries = (compression: Compression): boolean =>
  compression === 'gzip' || compression === 'zstd';
