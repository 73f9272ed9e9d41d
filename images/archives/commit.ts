/**
 * `commit`: an image and one more layer become an image. The layers below are not touched or packed again: the new
 * manifest names the blobs that the store has.
 */
import type { Readable } from 'node:stream';
import { tagOf } from '../reference.ts';
import { layersOf } from '../store/manifest-layers.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { ContainerDefaults, ImageConfig, StoredImage } from '../types.ts';
import { applyChanges } from './changes.ts';
import { manifestBytes } from './docker-manifest.ts';
import { storeLayer } from './import.ts';

/** The parts of it, in their order; the first two only where there is a layer. */
export type CommitPart = 'pack' | 'unpack' | 'config' | 'manifest' | 'name';

export type PerformPart = <T>(part: CommitPart, work: () => Promise<T>) => Promise<T>;

export interface CommitRequest {
  /** Does each part. */
  readonly perform?: PerformPart;
  readonly store: ImageStore;
  readonly base: StoredImage;
  /** What the container starts with. */
  readonly settings: ContainerDefaults;
  /** Dockerfile instructions, see changes.ts. */
  readonly changes: readonly string[];
  /** As a user writes it; without one the image has no name. */
  readonly reference?: string | undefined;
  readonly author: string;
  readonly message: string;
  /** The container's command, for the history. */
  readonly createdBy: string;
  /** Gives the new layer as an archive, or undefined where nothing has changed. Called once all words are checked. */
  readonly pack: () => Promise<Readable | undefined>;
}

/** @throws ImageError 'INVALID_CHANGE' or 'INVALID_REFERENCE' before anything is read. */
export async function commitImage(request: CommitRequest): Promise<StoredImage> {
  const { store, base, author, message, createdBy, perform = (_, work) => work() } = request;
  const settings = applyChanges(request.settings, request.changes);
  const tag = request.reference === undefined ? undefined : tagOf(request.reference);
  const below = layersOf(store, base);
  const archive = await request.pack();
  const layer = archive && (await perform('pack', () => storeLayer(archive, store.blobs)));
  const diffId = layer && (await perform('unpack', () => store.addLayer(layer.digest)));
  const created = new Date().toISOString();
  const entry = {
    created,
    ...(author === '' ? {} : { author }),
    created_by: createdBy,
    ...(message === '' ? {} : { comment: message }),
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const diffIds = base.config.rootfs.diff_ids;
  const { author: _author, ...platform } = base.config;
  const config: ImageConfig = {
    ...platform,
    created,
    ...(author === '' ? {} : { author }),
    config: settings,
    rootfs: { type: 'layers', diff_ids: diffId === undefined ? diffIds : [...diffIds, diffId] },
    history: [...(base.config.history ?? []), entry],
  };
  const bytes = Buffer.from(JSON.stringify(config));
  const configDigest = await perform('config', () => store.blobs.putBytes(bytes));
  const manifest = manifestBytes(
    { digest: configDigest, size: bytes.length },
    layer === undefined ? below : [...below, layer],
  );
  const manifestDigest = await perform('manifest', () => store.blobs.putBytes(manifest));
  return await perform('name', () => store.putImage({ manifestDigest, configDigest, tag, parent: base.id }));
}
