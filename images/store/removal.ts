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

export interface RemovalRules {
  /** By image id. */
  readonly inUse: ReadonlyMap<string, ImageUse>;
  readonly force: boolean;
  /** Parents without a name, another child or a container go along. */
  readonly parents: boolean;
}

/** @throws ImageError 'IMAGE_IN_USE', 'IMAGE_HAS_NAMES' or 'IMAGE_HAS_CHILDREN', in Docker's words. */
export function planRemoval(
  images: ImageRecords,
  match: Match,
  asked: string,
  rules: RemovalRules,
): RemovalPlan {
  return match.name === undefined
    ? removeById(images, match.image, rules)
    : removeByName(images, match.image, match.name, asked, rules);
}

/** Images without a name, or, when `all`, every image without a container. Of a child that stays, the parent stays. */
export function planPrune(
  images: ImageRecords,
  all: boolean,
  inUse: ReadonlyMap<string, ImageUse>,
): RemovalPlan {
  const rules = { inUse, force: false, parents: true };
  const doomed = [...images.values()].filter(
    (image) => !inUse.has(image.id) && (all || image.tags.length === 0) && !isIntermediate(images, image),
  );
  let plan: RemovalPlan = { images, untagged: [], deleted: [] };
  for (const { id } of doomed) {
    const image = plan.images.get(id);
    if (image === undefined) continue;
    const unnamed = rename(plan.images, image, [], []);
    const gone = hasChildren(unnamed, id) ? [] : lineage(unnamed, image, rules);
    plan = {
      images: without(unnamed, gone),
      untagged: [...plan.untagged, ...namesOf(image).map(familiar)],
      deleted: [...plan.deleted, ...gone],
    };
  }
  return plan;
}

function removeById(images: ImageRecords, image: ImageRecord, rules: RemovalRules): RemovalPlan {
  const { inUse, force } = rules;
  const use = inUse.get(image.id);
  const short = shortId(image.id);
  if (hasChildren(images, image.id)) {
    throw new ImageError({
      code: 'IMAGE_HAS_CHILDREN',
      message: `conflict: unable to delete ${short} (cannot be forced) - image has dependent child images`,
      hint: 'remove the images that were committed from it first',
    });
  }
  if (use?.startsWith('running ') === true) throw usedBy(`unable to delete ${short} (cannot be forced)`, use);
  if (!hasOneName(image) && !force) {
    throw new ImageError({
      code: 'IMAGE_HAS_NAMES',
      message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
      hint: 'remove its names one by one, or use --force',
    });
  }
  if (use !== undefined && !force) throw usedBy(`unable to delete ${short} (must be forced)`, use);
  const gone = lineage(rename(images, image, [], []), image, rules);
  return { images: without(images, gone), untagged: namesOf(image).map(familiar), deleted: gone };
}

function removeByName(
  images: ImageRecords,
  image: ImageRecord,
  name: string,
  asked: string,
  rules: RemovalRules,
): RemovalPlan {
  const { inUse, force } = rules;
  const use = inUse.get(image.id);
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
  const renamed = rename(images, image, tags, repoDigests);
  // Of one that has children, or that runs, the names go and the image stays.
  const stays = !last || hasChildren(images, image.id) || use?.startsWith('running ') === true;
  const deleted = stays ? [] : lineage(renamed, image, rules);
  return { images: without(renamed, deleted), untagged, deleted };
}

/** The image, and the parents that nothing holds any more. A stopped container keeps its layers, without the image. */
function lineage(images: ImageRecords, image: ImageRecord, { inUse, parents }: RemovalRules): ImageRecord[] {
  const gone = [image];
  for (let next = image.parent; parents && next !== undefined;) {
    const parent = images.get(next);
    const rest = without(images, gone);
    if (parent === undefined || namesOf(parent).length > 0 || inUse.has(next) || hasChildren(rest, next))
      break;
    gone.push(parent);
    next = parent.parent;
  }
  return gone;
}

const hasChildren = (images: ImageRecords, id: string): boolean =>
  [...images.values()].some(({ parent }) => parent === id);

/** A step on the way to another image, that nobody has named. */
const isIntermediate = (images: ImageRecords, image: ImageRecord): boolean =>
  namesOf(image).length === 0 && hasChildren(images, image.id);

/** Docker's isSingleReference: one tag, and digests of its own repository only; or digests of one repository. */
function hasOneName({ tags, repoDigests }: ImageRecord): boolean {
  if (tags.length + repoDigests.length <= 1) return true;
  return tags.length <= 1 && new Set([...tags, ...repoDigests].map(repositoryOf)).size === 1;
}

function without(images: ImageRecords, gone: readonly ImageRecord[]): ImageRecords {
  return new Map([...images].filter(([id]) => !gone.some((image) => image.id === id)));
}

function rename(
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

function usedBy(what: string, by: ImageUse): ImageError {
  return new ImageError({
    code: 'IMAGE_IN_USE',
    message: `conflict: ${what} - image is being used by ${by}`,
    hint: `remove the container first: minidock rm ${containerOf(by)}`,
  });
}
