/** A store with images made of a few files, for unit tests of what happens to them. */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../../images/digest.ts';
import { ImageStore } from '../../../images/store/image-store.ts';
import type { ContainerDefaults, Descriptor, HistoryEntry, StoredImage } from '../../../images/types.ts';
import { removeTree } from '../../../src/engine/state/remove-tree.ts';
import { fileLock } from '../kernel/file-lock.ts';
import { localUnpacker, type LocalUnpacker } from './local-unpacker.ts';
import { tarOf, type TestEntry } from './tar-bytes.ts';

export interface TestImage {
  /** Entries of each layer, base first. */
  readonly layers: readonly (readonly TestEntry[])[];
  readonly tag?: string;
  readonly repoDigest?: string;
  readonly created?: string;
  readonly config?: ContainerDefaults;
  readonly history?: readonly HistoryEntry[];
}

export function testStore(dir: string): { readonly store: ImageStore; readonly unpacker: LocalUnpacker } {
  const unpacker = localUnpacker();
  return { store: new ImageStore({ dir, unpacker, acquireLock: fileLock, removeTree }), unpacker };
}

export async function addImage(store: ImageStore, image: TestImage): Promise<StoredImage> {
  const tars = image.layers.map((entries) => tarOf(...entries));
  const diffIds = tars.map(digestOf);
  const layers: Descriptor[] = [];
  for (const [i, tar] of tars.entries()) {
    const descriptor = await addBlob(store, gzipSync(tar), 'application/vnd.oci.image.layer.v1.tar+gzip');
    await store.ensureLayer({ descriptor, diffId: diffIds[i] ?? '' });
    layers.push(descriptor);
  }
  const config = {
    created: image.created ?? '2026-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...(image.history === undefined ? {} : { history: image.history }),
  };
  const configBlob = await addBlob(
    store,
    Buffer.from(JSON.stringify(config)),
    'application/vnd.oci.image.config.v1+json',
  );
  const manifestBytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: configBlob, layers }));
  return await store.putImage({
    manifestDigest: digestOf(manifestBytes),
    manifestBytes,
    configDigest: configBlob.digest,
    tag: image.tag,
    repoDigest: image.repoDigest,
  });
}

async function addBlob(store: ImageStore, bytes: Buffer, mediaType: string): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const release = await store.blobs.lock(digest);
  writeFileSync(store.blobs.partialPath(digest), bytes);
  await store.blobs.commit(store.blobs.partialPath(digest), digest, bytes.length);
  release();
  return { mediaType, digest, size: bytes.length };
}
