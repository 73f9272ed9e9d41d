/** The requests to the image store and its answers. */
import type { Descriptor } from '../types.ts';
import type { Unpacker } from '../unpack/types.ts';
import type { Arrival } from './arrival.ts';
import type { OnDamage } from './damage.ts';
import type { AcquireLock } from './lock.ts';
import type { ImageUse } from './removal.ts';

export interface EnsureLayer {
  /** The layer's blob, in `blobs` unless `arrival` brings it. */
  readonly descriptor: Descriptor;
  /** For a blob that is not there yet: its layer is unpacked while it comes in. */
  readonly arrival?: Arrival | undefined;
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
  /** The id of the image that it was committed from. */
  readonly parent?: string | undefined;
}

export interface Pushed {
  /** What the registry was given. */
  readonly manifestDigest: string;
  readonly manifestBytes: Uint8Array;
  /** 'docker.io/library/nginx@sha256:…'. */
  readonly repoDigest: string;
}

/** What a removal takes away. */
export interface Going {
  /** Names, as in Removal. */
  readonly untagged: readonly string[];
  /** Ids of images. */
  readonly deleted: readonly string[];
  /** Digests that no image refers to afterwards. */
  readonly blobs: readonly string[];
  /** Directories of layers below the store: 'layers/0123…'. */
  readonly layers: readonly string[];
}

export interface RemovalWatch {
  /** Before anything changes; false if nothing is to be removed after all, in a dry run. */
  readonly planned: (going: Going) => boolean;
  /** Does `work`: the names, the blobs, or one layer by its directory. */
  readonly perform: (what: string, work: () => Promise<void>) => Promise<void>;
}

export interface RemoveOptions {
  readonly watch?: RemovalWatch | undefined;
  readonly force?: boolean | undefined;
  /** By image id, a container that uses it (a running one if there is one): 'running container 0123456789ab'. */
  readonly inUse?: ReadonlyMap<string, ImageUse> | undefined;
  /** Directories of layers that containers stack, which stay on the disk. */
  readonly stacked?: ReadonlySet<string> | undefined;
  /** Parents without a name stay. */
  readonly keepParents?: boolean | undefined;
}

export interface Removal {
  /** Names as a user would type them: 'nginx:latest', 'nginx@sha256:…'. */
  readonly untagged: readonly string[];
  /** Ids of images, then of layers. */
  readonly deleted: readonly string[];
}

/**
 * Removes a directory that an image or a container may have written: neither its links nor its mounts lead further, and
 * no depth is too great. A directory that is gone is no error.
 */
export type RemoveTree = (path: string) => void;

export interface ImageStoreOptions {
  readonly dir: string;
  readonly unpacker: Unpacker;
  readonly acquireLock: AcquireLock;
  readonly removeTree: RemoveTree;
  /** Receives each damage that the store finds; the store goes on. */
  readonly onDamage?: OnDamage;
}
