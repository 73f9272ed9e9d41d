/**
 * An OCI image layout (image-spec, image-layout.md): `index.json` leads to manifests or to further indexes, everything
 * else lies under blobs/sha256/. Of an index of platforms the one that runs here is taken.
 */
import { choosePlatform, fitsPlatform, hostPlatform } from '../platform.ts';
import { hexOf, type BlobStore } from '../store/blob-store.ts';
import type { Descriptor, ImageConfig, ImageIndex, Manifest } from '../types.ts';
import { diffIdsOf, type DockerManifestItem } from './docker-archive.ts';
import type { ArchivedImage } from './load.ts';
import { mediaTypes } from './media-types.ts';
import { asList, invalidArchive, type Spool, type SpooledFile } from './spool.ts';

/** What containerd and Docker write a full name into; the specification's own key may hold a bare tag. */
const containerdName = 'io.containerd.image.name';
const refName = 'org.opencontainers.image.ref.name';
const maxDepth = 4;

export async function readOciLayout(
  spool: Spool,
  blobs: BlobStore,
  docker: readonly DockerManifestItem[],
): Promise<readonly ArchivedImage[]> {
  const index = await spool.json<ImageIndex>('index.json');
  const images = new Map<string, ArchivedImage>();
  for (const entry of runnableOf(listOf(index))) {
    const found = await resolve(entry, spool, 0);
    if (found === undefined) continue;
    const names = [...(images.get(found)?.names ?? []), ...nameOf(entry)];
    images.set(found, { ...(images.get(found) ?? (await readImage(found, spool, blobs))), names });
  }
  if (images.size === 0) throw invalidArchive('its index.json has no image for this machine');
  return [...images.values()].map((image) => ({
    ...image,
    names: [...image.names, ...dockerNames(image, docker)],
  }));
}

/** The list of an archive of several platforms may stand in index.json itself; one that has none of ours is taken whole. */
function runnableOf(entries: readonly Descriptor[]): readonly Descriptor[] {
  const fitting = entries.filter(
    ({ platform }) => platform === undefined || fitsPlatform(platform, hostPlatform()),
  );
  return fitting.length > 0 ? fitting : entries;
}

/** The digest of the manifest an entry leads to; undefined for what is not an image, such as an attestation. */
async function resolve(entry: Descriptor, spool: Spool, depth: number): Promise<string | undefined> {
  if (depth > maxDepth) throw invalidArchive('its indexes are nested too deep');
  if (entry.mediaType === mediaTypes.index || entry.mediaType === mediaTypes.dockerIndex) {
    verified(spool, entry);
    const entries = listOf(await spool.json<ImageIndex>(blobName(entry.digest)));
    const chosen =
      choosePlatform(entries, hostPlatform()) ?? entries.find(({ platform }) => platform === undefined);
    return chosen === undefined ? undefined : await resolve(chosen, spool, depth + 1);
  }
  const isManifest = entry.mediaType === mediaTypes.manifest || entry.mediaType === mediaTypes.dockerManifest;
  if (!isManifest || entry.platform?.os === 'unknown') return undefined;
  verified(spool, entry);
  return entry.digest;
}

async function readImage(digest: string, spool: Spool, blobs: BlobStore): Promise<ArchivedImage> {
  const manifest = await spool.json<Manifest>(blobName(digest));
  const { config } = manifest as Partial<Manifest>;
  const layers = asList((manifest as Partial<Manifest>).layers);
  if (config === undefined || layers === undefined)
    throw invalidArchive(`manifest ${digest} is not one of an image`);
  for (const descriptor of [config, ...layers]) await spool.toBlob(verified(spool, descriptor), blobs);
  return {
    manifestDigest: await blobs.putBytes(await spool.bytes(blobName(digest))),
    configDigest: config.digest,
    layers,
    diffIds: diffIdsOf(await spool.json<ImageConfig>(blobName(config.digest))),
    names: [],
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

function listOf(index: ImageIndex): readonly Descriptor[] {
  const manifests = asList((index as Partial<ImageIndex>).manifests);
  if (manifests === undefined) throw invalidArchive('an index lists no manifests');
  return manifests;
}

/** A bare tag names nothing by itself; Docker leaves such an image without a name, and so does this. */
function nameOf({ annotations }: Descriptor): readonly string[] {
  const full = annotations?.[containerdName];
  if (full !== undefined) return [full];
  const name = annotations?.[refName];
  return name !== undefined && /[/:]/.test(name) ? [name] : [];
}

/** The names that a manifest.json in the same archive gives to this image. */
function dockerNames(image: ArchivedImage, items: readonly DockerManifestItem[]): readonly string[] {
  return (asList(items) ?? [])
    .filter(({ Config }) => Config.includes(hexOf(image.configDigest)))
    .flatMap(({ RepoTags }) => RepoTags ?? []);
}
