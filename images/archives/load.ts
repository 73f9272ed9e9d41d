/**
 * `load`: an archive's images into the store. What it is shows by what is in it: `index.json` with `oci-layout` is an
 * OCI layout (skopeo, buildah, `docker save` since 25), `manifest.json` a Docker archive, and `repositories` alone
 * the form of before Docker 1.10. Where an archive is two of these at once, the OCI layout wins, because only it has
 * the image's own manifest; names are taken from both.
 */
import { createReadStream, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ImageError } from '../errors.ts';
import * as shapes from '../foreign/image-shapes.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Platform, StoredImage } from '../types.ts';
import { readImageConfig } from '../manifest.ts';
import { fitsPlatform, formatPlatform } from '../platform.ts';
import { IO_CHUNK } from '../unpack/compression.ts';
import { readDockerArchive } from './docker-archive.ts';
import { readLegacyArchive } from './legacy-archive.ts';
import { readOciLayout } from './oci-layout.ts';
import { invalidArchive, spoolArchive, type Spool } from './spool.ts';
import type { ArchivedImage } from './archived-image.ts';

export interface LoadOptions {
  readonly store: ImageStore;
  /** A stream (stdin), or the path of a file. */
  readonly input: Readable | string;
  /** Images for it alone, instead of those for this machine. */
  readonly platform?: Platform | undefined;
  /** The archive's names are returned, and not given to the images. */
  readonly unnamed?: boolean;
}

export interface LoadedImage {
  readonly image: StoredImage;
  /** Normalised; none when the archive does not name the image. */
  readonly tags: readonly string[];
  /** Platforms of the image that the archive has as well. */
  readonly others: readonly Platform[];
}

/** In the archive's order. @throws ImageError 'ARCHIVE_INVALID' and whatever unpacking throws. */
export async function loadImages({
  store,
  input,
  platform,
  unnamed = false,
}: LoadOptions): Promise<readonly LoadedImage[]> {
  const spool = await spoolArchive(typeof input === 'string' ? openArchive(input) : input, store.blobs);
  try {
    const loaded: LoadedImage[] = [];
    const images = await readImages(spool, store, platform);
    const names = images.reduce((sum, { tags }) => sum + tags.length, 0);
    // Each name is a change of the store's index.
    if (names > shapes.MAX_NAMES) {
      throw invalidArchive(
        `it has ${String(names)} names for images, and at most ${String(shapes.MAX_NAMES)} are loaded`,
      );
    }
    for (const archived of images) loaded.push(await addImage(archived, store, unnamed ? [] : archived.tags));
    return loaded;
  } finally {
    await spool.discard();
  }
}

function openArchive(path: string): Readable {
  let fd: number;
  try {
    // Opened here, because a stream would tell of a missing file only once someone listens.
    fd = openSync(path, 'r');
  } catch (cause) {
    const { message } = cause as Error;
    throw new ImageError({ code: 'ARCHIVE_UNREADABLE', message: `opening the archive: ${message}`, cause });
  }
  return createReadStream('', { fd, highWaterMark: IO_CHUNK });
}

async function readImages(
  spool: Spool,
  store: ImageStore,
  platform: Platform | undefined,
): Promise<readonly ArchivedImage[]> {
  const images = await readAny(spool, store, platform);
  if (platform === undefined) return images;
  const platforms = images.map(({ configDigest }): Platform =>
    readImageConfig(store.blobs.readBytes(configDigest), configDigest),
  );
  const fitting = images.filter((_, index) => fitsPlatform(platforms[index] ?? platform, platform));
  if (fitting.length > 0) return fitting;
  const has = [...new Set(platforms.map(formatPlatform))].join(', ');
  throw invalidArchive(`it has no image for ${formatPlatform(platform)}, but for ${has}`);
}

async function readAny(
  spool: Spool,
  store: ImageStore,
  platform: Platform | undefined,
): Promise<readonly ArchivedImage[]> {
  const docker =
    spool.find('manifest.json') === undefined
      ? undefined
      : await spool.json('manifest.json', shapes.dockerManifest);
  if (spool.find('index.json') !== undefined)
    return await readOciLayout(spool, store.blobs, docker ?? [], platform);
  if (docker !== undefined) return await readDockerArchive(spool, store.blobs, docker);
  if (spool.find('repositories') !== undefined) return await readLegacyArchive(spool, store);
  throw invalidArchive('it has neither an index.json nor a manifest.json');
}

async function addImage(
  archived: ArchivedImage,
  store: ImageStore,
  names: readonly string[],
): Promise<LoadedImage> {
  const { manifestDigest, configDigest, layers, diffIds, tags, others = [] } = archived;
  const work = new Map(diffIds.map((diffId, i) => [diffId, layers[i]]));
  const unpacked = [...work].map(async ([diffId, descriptor]) => {
    if (descriptor !== undefined) await store.ensureLayer({ descriptor, diffId });
  });
  // All are waited for, also when one fails: none may go on writing after this returns.
  const failed = (await Promise.allSettled(unpacked)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  let image = await store.putImage({ manifestDigest, configDigest, tag: names[0] });
  for (const tag of names.slice(1)) image = await store.putImage({ manifestDigest, configDigest, tag });
  return { image, tags, others };
}
