/**
 * `import`: a root filesystem in a tar archive, compressed or not, becomes an image of one layer. The archive itself
 * is kept as the layer's blob; only xz and bzip2, which no image layer may use, are undone first.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hostPlatform } from '../platform.ts';
import { tagOf } from '../reference.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Descriptor, ImageConfig, Platform, StoredImage } from '../types.ts';
import { decompress, detectCompression } from '../unpack/compression.ts';
import { unpackError } from '../unpack/corrupt.ts';
import { applyChanges } from './changes.ts';
import { manifestBytes } from './docker-manifest.ts';
import { mediaTypes } from '../media-types.ts';
import { readHead } from './read-head.ts';

export interface ImportRequest {
  readonly store: ImageStore;
  readonly input: Readable;
  /** As a user writes it; without one the image has no name. */
  readonly reference?: string | undefined;
  /** Dockerfile instructions, see changes.ts. */
  readonly changes?: readonly string[] | undefined;
  /** Stands in the image's history. */
  readonly message?: string | undefined;
  readonly platform?: Platform | undefined;
}

/** @throws ImageError 'INVALID_CHANGE' or 'INVALID_REFERENCE' before anything is read. */
export async function importRootfs(request: ImportRequest): Promise<StoredImage> {
  const { store } = request;
  const settings = applyChanges({}, request.changes ?? []);
  const tag = request.reference && tagOf(request.reference, 'cannot import digest reference');
  const layer = await storeLayer(request.input, store.blobs);
  const diffId = await store.addLayer(layer.digest);
  const created = new Date().toISOString();
  const config: ImageConfig = {
    created,
    ...(request.platform ?? hostPlatform()),
    config: settings,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment: request.message ?? 'Imported from -' }],
  };
  const bytes = Buffer.from(JSON.stringify(config));
  const configDigest = await store.blobs.putBytes(bytes);
  const manifest = manifestBytes({ digest: configDigest, size: bytes.length }, [layer]);
  const manifestDigest = await store.blobs.putBytes(manifest);
  return await store.putImage({ manifestDigest, configDigest, tag });
}

/** An archive of files, compressed or not, as a blob. */
export async function storeLayer(input: Readable, blobs: BlobStore): Promise<Descriptor> {
  const temporary = await blobs.temporaryPath();
  try {
    const { stream } = await decompress(input, ['xz', 'bzip2']);
    const hash = createHash('sha256');
    let size = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done): void {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(stream, meter, createWriteStream(temporary, { flags: 'wx', mode: 0o600 }));
    const digest = `sha256:${hash.digest('hex')}`;
    const mediaType = mediaTypes.layer(detectCompression(await readHead(temporary, 6)));
    await blobs.commit(temporary, digest, size, digest);
    return { mediaType, digest, size };
  } catch (error) {
    throw unpackError('reading the archive', error);
  } finally {
    await rm(temporary, { force: true });
  }
}
