/**
 * `--cache-from`: the records of other machines' caches are read before the build, a layer is fetched when its key is
 * asked for. A cache that cannot be read is a warning: the build carries out more.
 */
import {
  constants,
  createReadStream,
  createWriteStream,
  fstatSync,
  openSync,
  closeSync,
  readFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf } from '../../../images/digest.ts';
import { index as indexShape } from '../../../images/foreign/image-shapes.ts';
import { readForeign } from '../../../images/foreign/read.ts';
import { readManifest } from '../../../images/manifest.ts';
import { choosePlatform, hostPlatform } from '../../../images/platform.ts';
import { formatReference, withDigest } from '../../../images/reference.ts';
import { RegistryClient, registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import { downloadBlob } from '../../../images/registry/download.ts';
import { decompress } from '../../../images/unpack/compression.ts';
import { hexOf } from '../../../images/store/blob-store.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import type { Descriptor, Manifest } from '../../../images/types.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { BuildError } from '../errors.ts';
import { readCacheConfig } from './cache-image.ts';
import type { CacheSource } from './cache-flags.ts';

export interface ImportedLayer {
  readonly diffId: string;
  /** RFC 3339. */
  readonly created: string;
  /** Where it comes from, for people. */
  readonly from: string;
  /** Brings the layer into the store. @throws ImageError for content that is not what its digests say. */
  readonly fetch: () => Promise<void>;
}

export type ImportedCache = ReadonlyMap<string, ImportedLayer>;

/** A document of a layout; real ones have some kilobytes. */
const MAX_DOCUMENT = 8 << 20;

export async function importCaches(
  store: ImageStore,
  sources: readonly CacheSource[],
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<ImportedCache> {
  const found = new Map<string, ImportedLayer>();
  // The first that has a key is asked for its layer.
  for (const source of sources.toReversed()) {
    const name = source.type === 'local' ? source.dir : formatReference(source.reference);
    try {
      const cache =
        source.type === 'local' ? openLayout(store, source, signal) : await openImage(store, source, signal);
      for (const { record, layer } of readCacheConfig(cache.config, name)) {
        const { key, diffId, created } = record;
        const descriptor = cache.manifest.layers[layer];
        if (descriptor === undefined) continue;
        const fetch = async (): Promise<void> => {
          await cache.fetch(descriptor);
          await ensureSame(store, descriptor, diffId, signal);
        };
        found.set(key, { diffId, created, from: name, fetch });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      warn(`warning: the build cache ${name} is not used: ${oneLine((error as Error).message)}\n`);
    }
  }
  return found;
}

/** A layer that is here already is given only to a cache that has its content, and not to one that knows its name. */
async function ensureSame(
  store: ImageStore,
  descriptor: Descriptor,
  diffId: string,
  signal: AbortSignal,
): Promise<void> {
  await store.ensureLayer({ descriptor, diffId, signal });
  const { blob } = store.layer(diffId);
  if (!(await store.blobs.has(blob))) throw unusable(`the blob of ${diffId} is gone from the store`);
  if (blob === descriptor.digest) return;
  const hash = createHash('sha256');
  const { stream } = await decompress(createReadStream(store.blobs.path(descriptor.digest), { signal }));
  for await (const chunk of stream) hash.update(chunk as Buffer);
  if (`sha256:${hash.digest('hex')}` !== diffId)
    throw unusable(`${descriptor.digest} does not have the content ${diffId}`);
}

interface OpenCache {
  readonly manifest: Manifest;
  readonly config: Uint8Array;
  readonly fetch: (descriptor: Descriptor) => Promise<void>;
}

async function openImage(
  { blobs }: ImageStore,
  { reference }: Extract<CacheSource, { type: 'registry' }>,
  signal: AbortSignal,
): Promise<OpenCache> {
  const client = new RegistryClient(registryOptionsFromEnvironment());
  let { document } = await client.fetchManifest(reference, signal);
  if (document.kind === 'index') {
    const chosen = choosePlatform(document.index.manifests, hostPlatform());
    if (chosen === undefined) throw unusable('it has nothing for this machine');
    ({ document } = await client.fetchManifest(withDigest(reference, chosen.digest), signal));
  }
  if (document.kind === 'index') throw unusable('its index leads to another index');
  const { manifest } = document;
  const fetch = async (descriptor: Descriptor): Promise<void> =>
    void (await downloadBlob({ client, reference, blobs, signal, descriptor }));
  await fetch(manifest.config);
  return { manifest, config: blobs.readBytes(manifest.config.digest), fetch };
}

/** A folder that --cache-to type=local has written, or somebody else. */
function openLayout(
  { blobs }: ImageStore,
  { dir, digest }: Extract<CacheSource, { type: 'local' }>,
  signal: AbortSignal,
): OpenCache {
  const name = `${dir}/index.json`;
  const { manifests } = readForeign(indexShape, readDocument(join(dir, 'index.json')), {
    what: name,
    code: 'CACHE_INVALID',
  });
  const listed = digest === undefined ? manifests.at(-1) : manifests.find((one) => one.digest === digest);
  if (listed === undefined) throw unusable(`${name} lists no ${digest ?? 'manifest'}`);
  const path = (of: string): string => join(dir, 'blobs', 'sha256', hexOf(of));
  const checked = (of: string): Buffer => {
    const bytes = readDocument(path(of));
    if (digestOf(bytes) !== of) throw unusable(`${path(of)} does not have the digest in its name`);
    return bytes;
  };
  const document = readManifest(checked(listed.digest), { name: dir, type: listed.mediaType });
  if (document.kind === 'index') throw unusable('its index leads to another index');
  const { manifest } = document;
  return {
    manifest,
    config: checked(manifest.config.digest),
    fetch: async (descriptor) => {
      if (await blobs.has(descriptor.digest, descriptor.size)) return;
      const temporary = await blobs.temporaryPath();
      try {
        const fd = openRegular(path(descriptor.digest));
        if (fstatSync(fd).size !== descriptor.size) {
          closeSync(fd);
          throw unusable(`${path(descriptor.digest)} does not have ${String(descriptor.size)} bytes`);
        }
        const input = createReadStream('', { fd, end: descriptor.size, highWaterMark: 1 << 20 });
        await pipeline(input, createWriteStream(temporary, { flags: 'wx', mode: 0o600 }), { signal });
        await blobs.commit(temporary, descriptor.digest, descriptor.size);
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

function readDocument(path: string): Buffer {
  const fd = openRegular(path);
  try {
    if (fstatSync(fd).size > MAX_DOCUMENT) throw unusable(`${path} is too long`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Neither a link nor a FIFO, which would lead elsewhere, or wait. */
function openRegular(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw unusable(`${path} is not a regular file`);
}

const unusable = (message: string): BuildError => new BuildError({ code: 'CACHE_INVALID', message });
