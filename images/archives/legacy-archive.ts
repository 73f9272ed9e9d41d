/**
 * The form of before Docker 1.10: a folder per layer with `json` (the v1 configuration, naming its `parent`) and
 * `layer.tar`, and `repositories` saying which layer a name ends at. The configuration of today is put together from
 * the chain of v1 ones, as Docker itself did when it migrated its store.
 */
import * as shapes from '../foreign/image-shapes.ts';
import { MAX_LAYERS, type V1Image } from '../foreign/image-shapes.ts';
import { mediaTypes } from '../media-types.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Descriptor, HistoryEntry, ImageConfig } from '../types.ts';
import { manifestBytes } from './docker-manifest.ts';
import type { ArchivedImage } from './archived-image.ts';
import { invalidArchive, type Spool } from './spool.ts';
import { tagsOf } from './tags.ts';

interface V1Layer extends V1Image {
  readonly id: string;
}

export async function readLegacyArchive(spool: Spool, store: ImageStore): Promise<readonly ArchivedImage[]> {
  const repositories = await spool.json('repositories', shapes.repositories);
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(tags)) {
      const given = names.get(id) ?? [];
      given.push(`${repository}:${tag}`);
      names.set(id, given);
    }
  }
  if (names.size > shapes.MAX_IMAGES) {
    throw invalidArchive(
      `it has ${String(names.size)} images, and at most ${String(shapes.MAX_IMAGES)} are loaded`,
    );
  }
  const images: ArchivedImage[] = [];
  for (const [id, given] of names) images.push(await readImage(id, tagsOf(given), spool, store));
  return images;
}

async function readImage(
  id: string,
  tags: readonly string[],
  spool: Spool,
  { blobs }: ImageStore,
): Promise<ArchivedImage> {
  const chain = await readChain(id, spool);
  const layers: Descriptor[] = [];
  for (const image of chain) {
    const file = spool.get(`${image.id}/layer.tar`);
    await spool.toBlob(file, blobs);
    layers.push({ mediaType: mediaTypes.layer('none'), digest: file.digest, size: file.size });
  }
  // These layers are uncompressed, so that their digests are their diff ids.
  const diffIds = layers.map(({ digest }) => digest);
  const top = chain.at(-1);
  const config: ImageConfig = {
    ...(top?.created === undefined ? {} : { created: top.created }),
    architecture: top?.architecture ?? 'amd64',
    os: top?.os ?? 'linux',
    config: top?.config ?? {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: chain.map(historyOf),
  };
  const bytes = Buffer.from(JSON.stringify(config));
  const configDigest = await blobs.putBytes(bytes);
  const manifest = manifestBytes({ digest: configDigest, size: bytes.length }, layers);
  return { manifestDigest: await blobs.putBytes(manifest), configDigest, layers, diffIds, tags };
}

/** Base first. */
async function readChain(top: string, spool: Spool): Promise<readonly V1Layer[]> {
  const chain: V1Layer[] = [];
  for (let id: string | undefined = top; id !== undefined && id !== '';) {
    if (!/^[0-9a-f]{64}$/.test(id) || chain.some((image) => image.id === id)) {
      throw invalidArchive(`the layers of ${JSON.stringify(top.slice(0, 100))} do not form a chain`);
    }
    if (chain.length === MAX_LAYERS)
      throw invalidArchive(`${top} has more than ${String(MAX_LAYERS)} layers`);
    const image: V1Layer = { ...(await spool.json(`${id}/json`, shapes.v1Image)), id };
    chain.unshift(image);
    id = image.parent;
  }
  return chain;
}

function historyOf({ created, author, container_config: made }: V1Image): HistoryEntry {
  return {
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    ...(made?.Cmd ? { created_by: made.Cmd.join(' ') } : {}),
  };
}
