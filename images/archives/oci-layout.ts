/**
 * An OCI image layout (image-spec, image-layout.md): `index.json` leads to manifests or to further indexes, everything
 * else lies under blobs/sha256/. Of an index of platforms the one that runs here is taken, or the one asked for.
 */
import * as shapes from '../foreign/image-shapes.ts';
import type { DockerManifestItem } from '../foreign/image-shapes.ts';
import { checkLayerCount, readImageConfig, readListed } from '../manifest.ts';
import { kindOfType } from '../media-types.ts';
import { choosePlatform, fitsPlatform, formatPlatform, hostPlatform } from '../platform.ts';
import { hexOf, type BlobStore } from '../store/blob-store.ts';
import type { Descriptor, Manifest, Platform } from '../types.ts';
import type { ArchivedImage } from './archived-image.ts';
import { invalidArchive, type Spool, type SpooledFile } from './spool.ts';
import { tagsOf } from './tags.ts';

/** What containerd and Docker write a full name into; the specification's own key may hold a bare tag. */
const CONTAINERD_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const MAX_DEPTH = 4;

interface Found {
  readonly digest: string;
  readonly manifest: Manifest;
  /** Of the indexes on the way. */
  readonly others: readonly Platform[];
}

export async function readOciLayout(
  spool: Spool,
  blobs: BlobStore,
  docker: readonly DockerManifestItem[],
  platform?: Platform,
): Promise<readonly ArchivedImage[]> {
  const wanted = platform ?? hostPlatform();
  const { manifests } = await spool.json('index.json', shapes.index);
  const images = new Map<string, ArchivedImage>();
  const entries = runnableOf(manifests, wanted);
  const passedOver = platformsOf(manifests.filter((entry) => !entries.includes(entry)));
  for (const entry of entries) {
    const found = await resolve(entry, spool, wanted, 0);
    if (found === undefined) continue;
    const { digest } = found;
    const tags = [...(images.get(digest)?.tags ?? []), ...tagsOf(namesOf(entry))];
    const image = images.get(digest) ?? (await readImage(found, spool, blobs));
    images.set(digest, { ...image, tags, others: [...passedOver, ...found.others] });
  }
  if (images.size === 0) {
    const machine = platform === undefined ? 'this machine' : formatPlatform(platform);
    throw invalidArchive(`its index.json has no image for ${machine}`);
  }
  return [...images.values()].map((image) => ({
    ...image,
    tags: [...new Set([...image.tags, ...tagsOf(dockerNames(image, docker))])],
  }));
}

/** The list of an archive of several platforms may stand in index.json itself; one that has none of ours is taken whole. */
function runnableOf(entries: readonly Descriptor[], wanted: Platform): readonly Descriptor[] {
  const fitting = entries.filter(({ platform }) => platform === undefined || fitsPlatform(platform, wanted));
  return fitting.length > 0 ? fitting : entries;
}

/** An attestation stands in an index as one for an unknown system. */
const platformsOf = (entries: readonly Descriptor[]): readonly Platform[] =>
  entries.flatMap(({ platform }) => (platform === undefined || platform.os === 'unknown' ? [] : [platform]));

/** The manifest an entry leads to; undefined for what is not an image, such as an attestation. */
async function resolve(
  entry: Descriptor,
  spool: Spool,
  wanted: Platform,
  depth: number,
): Promise<Found | undefined> {
  if (depth > MAX_DEPTH) throw invalidArchive('its indexes are nested too deep');
  const { digest, mediaType, platform } = entry;
  const kind = kindOfType(mediaType);
  if (kind === undefined || (kind === 'manifest' && platform?.os === 'unknown')) return undefined;
  verified(spool, entry);
  const document = readListed(await spool.bytes(blobName(digest)), entry, digest);
  if (document.kind === 'manifest') return { digest, manifest: document.manifest, others: [] };
  const { manifests } = document.index;
  const chosen =
    choosePlatform(manifests, wanted) ?? manifests.find((listed) => listed.platform === undefined);
  if (chosen === undefined) return undefined;
  const found = await resolve(chosen, spool, wanted, depth + 1);
  const others = platformsOf(manifests.filter((listed) => listed !== chosen));
  return found && { ...found, others: [...others, ...found.others] };
}

async function readImage(
  { digest, manifest }: Found,
  spool: Spool,
  blobs: BlobStore,
): Promise<ArchivedImage> {
  const { config, layers } = manifest;
  verified(spool, config);
  const image = readImageConfig(await spool.bytes(blobName(config.digest)), config.digest);
  checkLayerCount(image, layers, config.digest);
  for (const descriptor of [config, ...layers]) await spool.toBlob(verified(spool, descriptor), blobs);
  return {
    manifestDigest: await blobs.putBytes(await spool.bytes(blobName(digest))),
    configDigest: config.digest,
    layers,
    diffIds: image.rootfs.diff_ids,
    tags: [],
  };
}

/** The file a descriptor names, which must be what the descriptor says. */
function verified(spool: Spool, { digest, size }: Descriptor): SpooledFile {
  const file = spool.get(blobName(digest));
  if (file.digest !== digest || file.size !== size) {
    throw invalidArchive(`${blobName(digest)} has the digest ${file.digest} and ${String(file.size)} bytes`);
  }
  return file;
}

function blobName(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/**
 * A bare tag names nothing by itself; Docker leaves such an image without a name, and so does this. containerd also
 * writes names with a digest there, which are no tags.
 */
function namesOf({ annotations }: Descriptor): readonly string[] {
  const name = annotations?.[CONTAINERD_NAME] ?? annotations?.[REF_NAME] ?? '';
  const isFull = annotations?.[CONTAINERD_NAME] !== undefined || /[/:]/.test(name);
  return isFull && !name.includes('@') ? [name] : [];
}

/** The names that a manifest.json in the same archive gives to this image. */
function dockerNames(image: ArchivedImage, items: readonly DockerManifestItem[]): readonly string[] {
  return items
    .filter(({ Config }) => Config.includes(hexOf(image.configDigest)))
    .flatMap(({ RepoTags }) => RepoTags ?? []);
}
