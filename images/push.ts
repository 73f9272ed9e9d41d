/**
 * Pushing an image: layers side by side, then the configuration, and the manifest last, since a registry takes one
 * only when it has everything the manifest names. Each blob is asked for first; what is there, or can be mounted from
 * another repository of the registry, is not sent.
 *
 * Invariant: the tasks (push-tasks.ts) are all that is done; --explain prints the same ones. A push that breaks off
 * leaves blobs in the registry that the next one finds. Deliberately absent: showing progress, as in pull.ts.
 */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import { digestOf, newSha256 } from './digest.ts';
import { ImageError } from './errors.ts';
import { mediaTypes, typeOfManifest } from './media-types.ts';
import { planPush, type LayerTask, type PushStore, type PushTasks } from './push-tasks.ts';
import { formatReference, withDigest, type Reference } from './reference.ts';
import type { PushClient } from './registry/push-client.ts';
import type { Upload } from './registry/transport.ts';
import { Slots } from './slots.ts';
import type { Descriptor, Manifest, StoredImage } from './types.ts';
import { decompress, IO_CHUNK } from './unpack/compression.ts';

export type PushPhase = 'preparing' | 'waiting' | 'compressing' | 'pushing' | 'pushed' | 'exists' | 'mounted';

export interface PushEvent {
  /** Twelve hex digits of the layer's diff id, as Docker prints it. */
  readonly layer: string;
  readonly phase: PushPhase;
  /** Bytes sent of `total`. */
  readonly current: number;
  readonly total: number;
  /** The repository that it was mounted from. */
  readonly from?: string;
}

/** What is done in turn; the first two for each layer that needs them. */
export type PushPart = 'compress' | 'push' | 'config' | 'manifest' | 'note';

export interface PushOptions {
  readonly image: StoredImage;
  /** With the tag to push to. */
  readonly reference: Reference;
  readonly store: PushStore;
  readonly client: PushClient;
  readonly onEvent?: ((event: PushEvent) => void) | undefined;
  /** Called with the tasks when the registry has answered once; `hasBlob` asks it more. */
  readonly onPlanned?:
    ((tasks: PushTasks, hasBlob: (digest: string) => Promise<boolean>) => void | Promise<void>) | undefined;
  /** Ends after `onPlanned`: nothing is sent. */
  readonly dryRun?: boolean | undefined;
  /** The configuration is there, or the manifest. */
  readonly onSent?: ((what: 'config' | 'manifest', outcome: 'done' | 'already') => void) | undefined;
  /** Before each part; what it throws ends the push. `layer`: as in the events. */
  readonly before?: ((part: PushPart, layer: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PushResult {
  readonly digest: string;
  /** Of the manifest, in bytes. */
  readonly size: number;
}

/** As Docker's default. */
const CONCURRENT_UPLOADS = 5;

/** undefined from a dry run. */
export async function pushImage(options: PushOptions): Promise<PushResult | undefined> {
  const { image, reference, store, client, signal, before = () => undefined } = options;
  const tasks = await planPush(store, image, reference, options.dryRun !== true);
  const { config } = tasks;
  const hasConfig = await client.hasBlob(config.digest, signal);
  await options.onPlanned?.(tasks, (blob) => client.hasBlob(blob, signal));
  if (options.dryRun === true) return undefined;
  const layers = await pushLayers(options, tasks.layers);
  before('config', '');
  if (!hasConfig) await client.uploadBlob(config.digest, bytesUpload(config.bytes), signal);
  options.onSent?.('config', hasConfig ? 'already' : 'done');
  const { bytes, type } = manifestOf(tasks, layers);
  const digest = digestOf(bytes);
  before('manifest', '');
  await client.putManifest(reference.tag ?? digest, bytes, type, signal);
  const repoDigest = formatReference(withDigest(reference, digest));
  before('note', '');
  await store.notePushed(image, { manifestDigest: digest, manifestBytes: bytes, repoDigest });
  options.onSent?.('manifest', 'done');
  return { digest, size: bytes.length };
}

async function pushLayers(
  options: PushOptions,
  tasks: readonly LayerTask[],
): Promise<ReadonlyMap<string, Descriptor>> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const uploads = new Slots(CONCURRENT_UPLOADS);
  const sent = new Map<string, Descriptor>();
  const failures: unknown[] = [];
  // Topmost first, as Docker does; the same layer twice in one image is sent once.
  const once = [...new Map(tasks.map((task) => [task.diffId, task])).values()].reverse();
  const reports = once.map((task) => reportOf(options, task));
  for (const report of reports) report('preparing');
  const work = once.map(async (task, index) => {
    const report = reports[index] ?? (() => undefined);
    if (uploads.full) report('waiting');
    try {
      sent.set(task.diffId, await uploads.use(() => pushLayer({ ...options, signal }, task, report)));
    } catch (error) {
      // The first failure stops the others; it is reported when all have stopped.
      failures.push(error);
      stop.abort();
    }
  });
  await Promise.all(work);
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return sent;
}

type Report = (phase: PushPhase, current?: number, total?: number, from?: string) => void;

const shortOf = ({ diffId }: LayerTask): string => diffId.slice('sha256:'.length, 'sha256:'.length + 12);

function reportOf({ onEvent }: PushOptions, task: LayerTask): Report {
  const { descriptor } = task;
  const layer = shortOf(task);
  return (phase, current = 0, total = descriptor?.size ?? 0, from) => {
    onEvent?.({ layer, phase, current, total, ...(from === undefined ? {} : { from }) });
  };
}

async function pushLayer(options: PushOptions, task: LayerTask, report: Report): Promise<Descriptor> {
  const { descriptor, file, compress, diffId } = task;
  options.signal?.throwIfAborted();
  if (descriptor !== undefined && (await isThere(options, task, descriptor, report))) return descriptor;
  if (file === undefined) throw lost(task);
  if (!compress && descriptor !== undefined) {
    options.before?.('push', shortOf(task));
    await upload(options, file, descriptor, report);
    return descriptor;
  }
  const packed = await options.store.blobs.temporaryPath();
  try {
    options.before?.('compress', shortOf(task));
    report('compressing');
    const made = await compressTo(packed, file, options.signal);
    if (made.digest !== descriptor?.digest && (await isThere(options, task, made, report))) return made;
    options.before?.('push', shortOf(task));
    await upload(options, packed, made, report);
    return made;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new ImageError({
      code: 'DISK_FULL',
      message: `compressing the layer ${diffId}: no space left on device`,
      hint: 'free some space, for instance with minidock rmi',
      cause,
    });
  } finally {
    await rm(packed, { force: true });
  }
}

/** In this repository, or in another one that it can be mounted from. */
async function isThere(
  { client, signal }: PushOptions,
  { mountFrom }: LayerTask,
  { digest, size }: Descriptor,
  report: Report,
): Promise<boolean> {
  if (await client.hasBlob(digest, signal)) {
    report('exists', size, size);
    return true;
  }
  for (const from of mountFrom) {
    if (!(await client.mountBlob(digest, from, signal))) continue;
    report('mounted', size, size, from);
    return true;
  }
  return false;
}

async function upload(
  options: PushOptions,
  file: string,
  descriptor: Descriptor,
  report: Report,
): Promise<void> {
  const { digest, size } = descriptor;
  const open = async function* (): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const piece of createReadStream(file, { highWaterMark: IO_CHUNK })) {
      yield piece as Uint8Array;
      sent += (piece as Uint8Array).length;
      report('pushing', sent, size);
    }
  };
  report('pushing', 0, size);
  await options.client.uploadBlob(digest, { size, open }, options.signal);
  report('pushed', size, size);
}

/** The same bytes each time: no name and no time goes in. */
async function compressTo(path: string, file: string, signal: AbortSignal | undefined): Promise<Descriptor> {
  const input = createReadStream(file, { highWaterMark: IO_CHUNK });
  const output = await open(path, 'wx', 0o600);
  const hash = newSha256();
  let size = 0;
  try {
    const { stream } = await decompress(input);
    const gzip = createGzip({ chunkSize: IO_CHUNK });
    // The error destroys the compressor, where the loop meets it.
    pipeline(stream, gzip, () => undefined);
    for await (const piece of gzip as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      hash.update(piece);
      size += piece.length;
      await output.writeFile(piece);
    }
  } finally {
    input.destroy();
    await output.close();
  }
  return { mediaType: mediaTypes.dockerLayer, digest: `sha256:${hash.digest('hex')}`, size };
}

function bytesUpload(bytes: Uint8Array): Upload {
  return {
    size: bytes.length,
    open: async function* () {
      yield bytes;
    },
  };
}

/** The one that is kept if it says what was sent; else one like Docker's. */
function manifestOf(
  { layers, config, manifest }: PushTasks,
  sent: ReadonlyMap<string, Descriptor>,
): { readonly bytes: Buffer; readonly type: string } {
  const all = layers.map(({ diffId }) => sent.get(diffId)).filter((layer) => layer !== undefined);
  if (manifest?.parsed.layers.every(({ digest }, index) => digest === all[index]?.digest) === true) {
    return { bytes: manifest.bytes, type: typeOfManifest(manifest.parsed) };
  }
  const annotations = manifest?.parsed.annotations;
  // Docker's own kind of manifest has no annotations.
  const docker = annotations === undefined && all.every(({ mediaType }) => mediaType.endsWith('gzip'));
  const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.manifest;
  const made: Manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: docker ? mediaTypes.dockerConfig : mediaTypes.config,
      size: config.bytes.length,
      digest: config.digest,
    },
    layers: all.map(({ mediaType: type, size, digest }) => ({
      mediaType: docker
        ? mediaTypes.dockerLayer
        : type === mediaTypes.dockerLayer
          ? mediaTypes.layer('gzip')
          : type,
      size,
      digest,
    })),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { bytes: Buffer.from(JSON.stringify(made, undefined, 3)), type: mediaType };
}

function lost({ diffId }: LayerTask): ImageError {
  return new ImageError({
    code: 'BLOB_MISSING',
    message: `the layer ${diffId} cannot be pushed: its blob is not in the store, and the registry does not have it`,
    hint: 'pull or load the image again',
  });
}
