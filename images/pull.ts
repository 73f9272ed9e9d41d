/**
 * Pulling an image: reference, manifest (through an index, this machine's platform), configuration, layers. Layers
 * download and unpack concurrently; layers that are there already are skipped.
 *
 * Invariant: the tasks (pull-tasks.ts) are all that is done after the registry's answers; --explain prints the same
 * ones. The image gets its name last, when every blob has been verified and every layer unpacked. A pull that breaks
 * off leaves only things that the next one uses. Deliberately absent: showing progress, which is the listener's task.
 */
import { availableParallelism } from 'node:os';
import { ImageError } from './errors.ts';
import { checkLayerCount, readImageConfig } from './manifest.ts';
import { fitsPlatform, formatPlatform, hostPlatform } from './platform.ts';
import { planPull, type LayerTasks, type Perform, type PullTasks } from './pull-tasks.ts';
import { familiarName, formatReference, withDigest, type Reference } from './reference.ts';
import { downloadBlob } from './registry/download.ts';
import { chooseManifest, fetchTop, type ChosenManifest, type ResolveOptions } from './resolve.ts';
import { Slots } from './slots.ts';
import { Arrival } from './store/arrival.ts';
import type { ImageStore } from './store/image-store.ts';
import type { Descriptor, ImageConfig, StoredImage } from './types.ts';

export type PullPhase =
  'pulling' | 'waiting' | 'downloading' | 'verifying' | 'extracting' | 'complete' | 'exists';

export interface PullEvent {
  /** Twelve hex digits of the layer's digest. */
  readonly layer: string;
  readonly phase: PullPhase;
  /** Bytes of the compressed layer, downloaded or unpacked. */
  readonly current: number;
  readonly total: number;
}

/** What a pull needs of the store. */
export type PullStore = Pick<ImageStore, 'blobs' | 'find' | 'hasLayer' | 'ensureLayer' | 'putImage'>;

export interface PullOptions extends ResolveOptions {
  readonly store: PullStore;
  readonly onEvent?: ((event: PullEvent) => void) | undefined;
  /** Called with the tasks before any layer is fetched. */
  readonly onPlanned?: ((tasks: PullTasks) => void) | undefined;
  readonly perform?: Perform | undefined;
}

/** All that is known before a layer is fetched. */
export interface ResolvedPull {
  /** The image's digest in the registry: the index's, if it is one. */
  readonly digest: string;
  readonly chosen: ChosenManifest;
  readonly config: ImageConfig;
  readonly before: StoredImage | undefined;
  readonly tasks: PullTasks;
  readonly warning?: string | undefined;
}

export interface PullResult {
  readonly image: StoredImage;
  /** As Docker tells it: 'up-to-date' if the name stood for this very image before. */
  readonly status: 'downloaded' | 'up-to-date';
  /** Of what the registry has under the name: the index's, if it is one. */
  readonly digest: string;
  /** A warning for the user. */
  readonly warning?: string;
}

/** As Docker's default. */
const CONCURRENT_DOWNLOADS = 3;

export async function pullImage(options: PullOptions): Promise<PullResult> {
  const { reference, store, signal, perform = atOnce } = options;
  const { chosen, before, digest, tasks, warning } = await resolvePull(options);
  options.onPlanned?.(tasks);
  await fetchLayers({ ...options, perform }, tasks.layers);
  signal?.throwIfAborted();
  const image = await perform(tasks.name, () =>
    store.putImage({
      manifestDigest: chosen.digest,
      manifestBytes: chosen.bytes,
      configDigest: tasks.config.digest,
      // A digest pins the content; the tag beside it may have moved on since, so it is not taken over.
      ...(reference.digest === undefined ? { tag: formatReference(reference) } : {}),
      repoDigest: formatReference(withDigest(reference, digest)),
    }),
  );
  const status = before?.id === image.id ? 'up-to-date' : 'downloaded';
  return { image, status, digest, ...(warning === undefined ? {} : { warning }) };
}

const atOnce: Perform = (_, work) => work(() => undefined);

/** Asks the registry what the name stands for, and what that is made of. @throws ImageError */
export async function resolvePull(options: PullOptions): Promise<ResolvedPull> {
  const { reference, store, client, signal } = options;
  const before = await store.find(formatReference(pinned(reference)));
  const top = await fetchTop(options, before !== undefined);
  const chosen = await chooseManifest(options, top);
  const name = familiarName(reference);
  const { manifest } = chosen;
  await downloadBlob({ client, reference, blobs: store.blobs, signal, descriptor: manifest.config });
  const config = readImageConfig(store.blobs.readBytes(manifest.config.digest), name);
  checkLayerCount(config, manifest.layers, name);
  const warning = checkPlatform(config, options);
  return { digest: top.digest, chosen, config, before, tasks: planPull(manifest, config, name), warning };
}

/** A tag beside a digest says nothing about what is fetched. */
function pinned(reference: Reference): Reference {
  return reference.digest === undefined ? reference : withDigest(reference, reference.digest);
}

type Fetching = PullOptions & { readonly perform: Perform };

async function fetchLayers(options: Fetching, layers: readonly LayerTasks[]): Promise<void> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const downloads = new Slots(CONCURRENT_DOWNLOADS);
  const unpackings = new Slots(Math.max(CONCURRENT_DOWNLOADS, availableParallelism()));
  const work = layers.map((tasks) => fetchLayer({ ...options, signal }, tasks, downloads, unpackings));
  // The first failure stops the others. The pull reports it only when all have stopped, so that none still writes.
  const failures: unknown[] = [];
  const stopped = work.map((layer) =>
    layer.catch((error: unknown) => {
      failures.push(error);
      stop.abort();
    }),
  );
  await Promise.all(stopped);
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

async function fetchLayer(
  options: Fetching,
  tasks: LayerTasks,
  downloads: Slots,
  unpackings: Slots,
): Promise<void> {
  const { client, reference, store, signal, onEvent, perform } = options;
  const [download, verify, unpack] = tasks;
  const { descriptor, diffId } = download;
  const { digest, size } = descriptor;
  const layer = digest.slice('sha256:'.length, 'sha256:'.length + 12);
  const report = (phase: PullPhase, current = 0): void => onEvent?.({ layer, phase, current, total: size });
  if (await store.hasLayer(diffId)) {
    report('exists', size);
    for (const task of tasks) await perform(task, async (already) => already());
    return;
  }
  report('pulling');
  if (downloads.full) report('waiting');
  const arrival = new Arrival(size);
  let arrived = false;
  let unpacking: Promise<void> | undefined;
  const onUnpacked = (bytes: number): void => {
    if (arrived) report('extracting', bytes);
  };
  const request = {
    ...{ client, reference, descriptor, blobs: store.blobs, signal, arrival },
    onProgress: (written: number) => report('downloading', written),
    commit: (work: () => Promise<void>) => perform(verify, work),
  };
  try {
    await downloads.use(async () => {
      signal?.throwIfAborted();
      unpacking = unpackings.use(() =>
        perform(unpack, () =>
          store.ensureLayer({ descriptor, diffId, arrival, onProgress: onUnpacked, signal }),
        ),
      );
      try {
        await perform(download, async (already) => {
          if ((await downloadBlob(request)) === 'downloaded') return;
          already();
          await perform(verify, async (same) => same());
        });
      } catch (cause) {
        const error = explainForeign(cause, descriptor);
        arrival.end({ error });
        // Reported when no writer is left; the fate of a missing layer is no news.
        await unpacking.catch(() => undefined);
        throw error;
      }
      report('verifying', size);
      report('extracting');
      arrived = true;
      arrival.end();
    });
    await unpacking;
  } finally {
    arrival.close();
  }
  report('complete', size);
}

/** An image without an index has one platform: refuse it if the user asked for another, else warn. */
function checkPlatform(config: ImageConfig, { reference, platform }: PullOptions): string | undefined {
  const wanted = platform ?? hostPlatform();
  if (fitsPlatform(config, wanted)) return undefined;
  const actual = formatPlatform(config);
  if (platform !== undefined) {
    throw new ImageError({
      code: 'PLATFORM_MISMATCH',
      message: `image with reference ${familiarName(reference)} was found but does not match the specified platform: wanted ${formatPlatform(wanted)}, actual: ${actual}`,
    });
  }
  return `The requested image's platform (${actual}) does not match the detected host platform (${formatPlatform(wanted)}) and no specific platform was requested`;
}

function explainForeign(error: unknown, { mediaType, digest }: Descriptor): unknown {
  const isForeign = mediaType.includes('foreign') || mediaType.includes('nondistributable');
  if (!isForeign || !(error instanceof ImageError) || error.code !== 'BLOB_UNKNOWN') return error;
  return new ImageError({
    code: 'FOREIGN_LAYER',
    message: `layer ${digest} may not be distributed by registries, and this one does not have it`,
    hint: 'minidock fetches layers from the registry only; push the image with such layers included',
    cause: error,
  });
}
