/** Being written: the signatures first, for those who call them. */
import type { Descriptor, HistoryEntry, StoredImage } from '../types.ts';
import type { Unpacker } from '../unpack/types.ts';
import { BlobStore } from './blob-store.ts';
import { join } from 'node:path';

export interface EnsureLayer {
  /** The layer's blob, already in `blobs`. */
  readonly descriptor: Descriptor;
  /** From the configuration's rootfs.diff_ids. Layers may be ensured in any order and side by side. */
  readonly diffId: string;
  /** Compressed bytes unpacked so far, of descriptor.size. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PutImage {
  readonly manifestDigest: string;
  /** Stored as a blob when given; otherwise the blob is there already. */
  readonly manifestBytes?: Uint8Array | undefined;
  /** Its blob is in `blobs`, and every layer has been ensured. */
  readonly configDigest: string;
  /** Normalised: 'docker.io/library/nginx:latest'. Taken away from the image that has it. */
  readonly tag?: string | undefined;
  /** 'docker.io/library/nginx@sha256:…'. */
  readonly repoDigest?: string | undefined;
}

export interface RemoveOptions {
  readonly force?: boolean | undefined;
  /** Ids of images that containers use, and by which container: 'sha256:…' to what Docker would name it. */
  readonly inUse?: ReadonlyMap<string, string> | undefined;
}

export interface Removal {
  /** Names as given to the user: 'nginx:latest'. */
  readonly untagged: readonly string[];
  /** Ids of images and layers. */
  readonly deleted: readonly string[];
}

export interface HistoryLine extends HistoryEntry {
  /** Image id on the topmost line, else undefined, which is shown as <missing>. */
  readonly id?: string;
  readonly tags: readonly string[];
  readonly size: number;
}

export class ImageStore {
  readonly blobs: BlobStore;

  constructor(options: { readonly dir: string; readonly unpackLayer: Unpacker }) {
    this.blobs = new BlobStore(join(options.dir, 'blobs'));
  }

  /** Whether a layer is unpacked already; then its blob need not be fetched. */
  hasLayer(_diffId: string): Promise<boolean> {
    throw new Error('not yet');
  }

  /** Unpacks the layer unless it is there. */
  ensureLayer(_layer: EnsureLayer): Promise<void> {
    throw new Error('not yet');
  }

  putImage(_image: PutImage): Promise<StoredImage> {
    throw new Error('not yet');
  }

  /** By name ('nginx', 'nginx:1', 'nginx@sha256:…'), id, or unambiguous id prefix. */
  find(_nameOrId: string): Promise<StoredImage | undefined> {
    throw new Error('not yet');
  }

  /** Newest first. */
  list(): Promise<readonly StoredImage[]> {
    throw new Error('not yet');
  }

  /** `name` as the user wrote it. */
  tag(_image: StoredImage, _name: string): Promise<void> {
    throw new Error('not yet');
  }

  /** `docker rmi`: untags; deletes the image when its last name goes. */
  remove(_nameOrId: string, _options?: RemoveOptions): Promise<Removal> {
    throw new Error('not yet');
  }

  /** Deletes images without a name (all without a container when `all`) and whatever nothing refers to. */
  prune(_options: {
    readonly all?: boolean;
    readonly inUse?: ReadonlyMap<string, string>;
  }): Promise<Removal & { readonly bytes: number }> {
    throw new Error('not yet');
  }

  /** Newest first, as `docker history` prints it. */
  history(_image: StoredImage): Promise<readonly HistoryLine[]> {
    throw new Error('not yet');
  }
}
