/** An image store for tests of pulling: real blobs in a directory, and layers that are only counted. */
import { readFile } from 'node:fs/promises';
import { readImageConfig } from '../../../images/manifest.ts';
import type { PullStore } from '../../../images/pull.ts';
import type { ArrivingBlob } from '../../../images/store/arrival.ts';
import { BlobStore } from '../../../images/store/blob-store.ts';
import type { PushStore } from '../../../images/push-tasks.ts';
import type { LayerRecord } from '../../../images/store/records.ts';
import type { EnsureLayer, Pushed, PutImage } from '../../../images/store/requests.ts';
import type { StoredImage } from '../../../images/types.ts';
import { fileLock } from '../kernel/file-lock.ts';

export class MemoryImageStore implements PullStore, PushStore {
  readonly blobs: BlobStore;
  /** What was asked to be unpacked, in that order. */
  readonly ensured: string[] = [];
  /** By diff id, what the blobs held. */
  readonly unpacked = new Map<string, Buffer>();
  readonly images = new Map<string, StoredImage>();

  constructor(dir: string) {
    this.blobs = new BlobStore(dir, fileLock);
  }

  hasLayer(diffId: string): Promise<boolean> {
    return Promise.resolve(this.unpacked.has(diffId));
  }

  async ensureLayer({ descriptor, diffId, arrival, onProgress }: EnsureLayer): Promise<void> {
    this.ensured.push(diffId);
    const readAlong = async ({ blob, more }: ArrivingBlob): Promise<Buffer> => {
      while (await more());
      return await readFile(blob);
    };
    const content = await (arrival?.readAlong(readAlong) ?? readFile(this.blobs.path(descriptor.digest)));
    this.unpacked.set(diffId, content);
    this.layers.set(diffId, descriptor.digest);
    onProgress?.(descriptor.size);
  }

  /** By diff id, the blob a layer was unpacked from. */
  readonly layers = new Map<string, string>();

  layer(diffId: string): LayerRecord {
    const blob = this.layers.get(diffId) ?? '';
    const report = { diffId, tarSize: 0, size: 0, impliedDirs: [], danglingLinks: [], opaqueRoot: false };
    return { blob, report };
  }

  list(): Promise<readonly StoredImage[]> {
    return Promise.resolve([...new Set(this.images.values())]);
  }

  async notePushed(image: StoredImage, { manifestDigest, manifestBytes, repoDigest }: Pushed): Promise<void> {
    await this.blobs.putBytes(manifestBytes);
    const noted = { ...image, manifestDigest, repoDigests: [...image.repoDigests, repoDigest] };
    for (const [name, { id }] of this.images) if (id === image.id) this.images.set(name, noted);
  }

  async putImage({ manifestDigest, configDigest, tag, repoDigest }: PutImage): Promise<StoredImage> {
    const image: StoredImage = {
      id: configDigest,
      config: readImageConfig(this.blobs.readBytes(configDigest), configDigest),
      manifestDigest,
      tags: tag === undefined ? [] : [tag],
      repoDigests: repoDigest === undefined ? [] : [repoDigest],
      layerDirs: [],
      size: 0,
      lastTagged: '2026-01-01T00:00:00Z',
    };
    for (const name of [tag, repoDigest]) if (name !== undefined) this.images.set(name, image);
    return image;
  }

  find(name: string): Promise<StoredImage | undefined> {
    return Promise.resolve(this.images.get(name));
  }
}
