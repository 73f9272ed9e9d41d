/**
 * From a name to the manifest of one platform: what the registry has under the name, and through its indexes to the
 * entry for the platform wanted. What is in the store already is not fetched again; what is fetched is kept.
 */
import { ImageError } from './errors.ts';
import { invalidManifest, readListed, readManifest, type ManifestDocument } from './manifest.ts';
import { kindOfType } from './media-types.ts';
import { choosePlatform, formatPlatform, hostPlatform } from './platform.ts';
import { familiarName, isDigest, repositoryName, type Reference } from './reference.ts';
import { MAX_MANIFEST, type RegistryClient } from './registry/client.ts';
import type { BlobStore } from './store/blob-store.ts';
import type { Descriptor, Manifest, Platform } from './types.ts';

export interface ResolveOptions {
  readonly reference: Reference;
  /** This machine's unless given. */
  readonly platform?: Platform | undefined;
  readonly store: { readonly blobs: BlobStore };
  readonly client: RegistryClient;
  readonly signal?: AbortSignal | undefined;
}

export interface KnownManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly document: ManifestDocument;
}

/** What the name stands for. For an image that is here, a HEAD may show that nothing needs to be fetched. */
export async function fetchTop(options: ResolveOptions, isKnown: boolean): Promise<KnownManifest> {
  const { reference, client, signal } = options;
  if (reference.digest !== undefined) return await fetchByDigest(options, reference.digest);
  const digest = isKnown ? await client.resolveTag(reference, signal) : undefined;
  if (digest !== undefined) return await fetchByDigest(options, digest);
  return await keep(options, await client.fetchManifest(reference, signal));
}

async function fetchByDigest(options: ResolveOptions, digest: string): Promise<KnownManifest> {
  const { reference, client, store, signal } = options;
  if (!isDigest(digest)) throw unsupportedDigest(reference, digest);
  if (await store.blobs.has(digest)) {
    const bytes = store.blobs.readBytes(digest, MAX_MANIFEST);
    return { bytes, digest, document: readManifest(bytes, { name: familiarName(reference) }) };
  }
  return await keep(options, await client.fetchManifest({ ...reference, digest }, signal));
}

async function keep(options: ResolveOptions, manifest: KnownManifest): Promise<KnownManifest> {
  await options.store.blobs.putBytes(manifest.bytes);
  return manifest;
}

export interface ChosenManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly manifest: Manifest;
}

/** From an index to the manifest for the platform wanted; indexes may nest, but nobody nests them deeply. */
export async function chooseManifest(options: ResolveOptions, top: KnownManifest): Promise<ChosenManifest> {
  const platform = options.platform ?? hostPlatform();
  const name = familiarName(options.reference);
  let { bytes, digest, document } = top;
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth === 4) throw invalidManifest(name, 'its indexes are nested too deep');
    const { manifests } = document.index;
    // An index may list more than images, such as signatures.
    const images = manifests.filter(({ mediaType }) => kindOfType(mediaType) !== undefined);
    const entry = choosePlatform(images, platform);
    if (entry === undefined) {
      throw new ImageError({
        code: 'PLATFORM_UNAVAILABLE',
        message: `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`,
        hint: `${name} is there for: ${listPlatforms(manifests)}`,
      });
    }
    ({ bytes, digest } = await fetchByDigest(options, entry.digest));
    document = readListed(bytes, entry, name);
  }
  return { bytes, digest, manifest: document.manifest };
}

function listPlatforms(manifests: readonly Descriptor[]): string {
  const names = manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === 'unknown' ? [] : [formatPlatform(platform)],
  );
  return [...new Set(names)].join(', ') || 'no platform it names';
}

function unsupportedDigest(reference: Reference, digest: string): ImageError {
  return new ImageError({
    code: 'INVALID_DIGEST',
    message: `${repositoryName(reference)}: "${digest}" is not a sha256 digest`,
    hint: 'minidock verifies by sha256 only, which is what registries use',
  });
}
