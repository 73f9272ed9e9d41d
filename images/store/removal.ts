/**
 * `docker rmi` and `docker image prune` as a function from one list of images to the next: which names go, which
 * images go with them, and when Docker refuses. Touches nothing; ImageStore does.
 */
import { ImageError } from '../errors.ts';
import { familiarName, parseReference } from '../reference.ts';
import type { ImageRecords } from './image-index.ts';
import type { ImageRecord } from './records.ts';
import type { Match } from './names.ts';

/** A container that uses an image: 'running container 0123456789ab' or 'stopped container …'. */
export type ImageUse = string;

export interface RemovalPlan {
  readonly images: ImageRecords;
  /** As a user would type them. */
  readonly untagged: readonly string[];
  readonly deleted: readonly ImageRecord[];
}

/** @throws ImageError 'IMAGE_IN_USE' or 'IMAGE_HAS_NAMES', in Docker's words. */
export function planRemoval(
  images: ImageRecords,
  match: Match,
  asked: string,
  use: ImageUse | undefined,
  force: boolean,
): RemovalPlan {
  return match.name === undefined
    ? removeById(images, match.image, use, force)
    : removeByName(images, match.image, match.name, asked, use, force);
}

/** Images without a name, or, when `all`, every image without a container. */
export function planPrune(
  images: ImageRecords,
  all: boolean,
  inUse: ReadonlyMap<string, ImageUse>,
): RemovalPlan {
  const deleted = [...images.values()].filter(({ id, tags }) => !inUse.has(id) && (all || tags.length === 0));
  return {
    images: without(images, deleted),
    untagged: deleted.flatMap(namesOf).map(familiar),
    deleted,
  };
}

function removeById(
  images: ImageRecords,
  image: ImageRecord,
  use: ImageUse | undefined,
  force: boolean,
): RemovalPlan {
  const short = shortId(image.id);
  if (use?.startsWith('running ') === true) throw inUse(`unable to delete ${short} (cannot be forced)`, use);
  if (use !== undefined && !force) throw inUse(`unable to delete ${short} (must be forced)`, use);
  if (!hasOneName(image) && !force) {
    throw new ImageError({
      code: 'IMAGE_HAS_NAMES',
      message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
      hint: 'remove its names one by one, or use --force',
    });
  }
  const untagged = namesOf(image).map(familiar);
  // A stopped container still needs its layers; so only the names go, and the image with the container's removal.
  if (use !== undefined) return { images: renamed(images, image, [], []), untagged, deleted: [] };
  return { images: without(images, [image]), untagged, deleted: [image] };
}

function removeByName(
  images: ImageRecords,
  image: ImageRecord,
  name: string,
  asked: string,
  use: ImageUse | undefined,
  force: boolean,
): RemovalPlan {
  const repository = repositoryOf(name);
  const tags = image.tags.filter((tag) => tag !== name);
  // A repository's digests stay only as long as a tag of it does.
  const hasTag = tags.some((tag) => repositoryOf(tag) === repository);
  const repoDigests = image.repoDigests.filter(
    (digest) => digest !== name && (hasTag || repositoryOf(digest) !== repository),
  );
  const gone = namesOf(image).filter((other) => !tags.includes(other) && !repoDigests.includes(other));
  const last = tags.length + repoDigests.length === 0;
  if (last && use !== undefined && !force) {
    throw new ImageError({
      code: 'IMAGE_IN_USE',
      message:
        `conflict: unable to remove repository reference "${asked}" (must force) - ` +
        `container ${containerOf(use)} is using its referenced image ${shortId(image.id)}`,
      hint: `remove the container first: minidock rm ${containerOf(use)}`,
    });
  }
  const untagged = gone.map(familiar);
  return last && use === undefined
    ? { images: without(images, [image]), untagged, deleted: [image] }
    : { images: renamed(images, image, tags, repoDigests), untagged, deleted: [] };
}

/** Docker's isSingleReference: one tag, and digests of its own repository only; or digests of one repository. */
function hasOneName({ tags, repoDigests }: ImageRecord): boolean {
  if (tags.length + repoDigests.length <= 1) return true;
  return tags.length <= 1 && new Set([...tags, ...repoDigests].map(repositoryOf)).size === 1;
}

function without(images: ImageRecords, gone: readonly ImageRecord[]): ImageRecords {
  return new Map([...images].filter(([id]) => !gone.some((image) => image.id === id)));
}

function renamed(
  images: ImageRecords,
  image: ImageRecord,
  tags: readonly string[],
  repoDigests: readonly string[],
): ImageRecords {
  return new Map([...images, [image.id, { ...image, tags, repoDigests }]]);
}

function namesOf(image: ImageRecord): readonly string[] {
  return [...image.tags, ...image.repoDigests];
}

function repositoryOf(name: string): string {
  const { domain, path } = parseReference(name);
  return `${domain}/${path}`;
}

function familiar(name: string): string {
  return familiarName(parseReference(name));
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

function containerOf(use: ImageUse): string {
  return use.slice(use.lastIndexOf(' ') + 1);
}

function inUse(what: string, by: ImageUse): ImageError {
  return new ImageError({
    code: 'IMAGE_IN_USE',
    message: `conflict: ${what} - image is being used by ${by}`,
    hint: `remove the container first: minidock rm ${containerOf(by)}`,
  });
}
