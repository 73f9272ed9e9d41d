/** Images as rows of `images`: one for each name an image has, in the words of `docker images`. */
import { familiarRepository, parseReference } from '../../images/reference.ts';
import type { StoredImage } from '../../images/types.ts';
import type { ListStyle, Row } from './rows.ts';
import { goTime, humanAgo, humanSize, shortId } from '../ui/human.ts';

const COLUMNS = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  VirtualSize: 'SIZE',
};

export function imageListStyle(withDigests: boolean): ListStyle {
  const digest = withDigests ? ['Digest'] : [];
  return {
    columns: COLUMNS,
    defaultColumns: ['Repository', 'Tag', ...digest, 'ID', 'CreatedSince', 'Size'],
    quietColumn: 'ID',
  };
}

/** One name of one image. */
export interface ImageEntry {
  readonly image: StoredImage;
  /** 'nginx', 'localhost:5000/x/y', '<none>'. */
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const NONE = '<none>';

/** Newest image first, its names sorted; an image that has lost its name is `<none>:<none>`. */
export function imageEntries(images: readonly StoredImage[]): readonly ImageEntry[] {
  return [...images]
    .sort((a, b) => compareText(b.config.created ?? '', a.config.created ?? '') || compareText(a.id, b.id))
    .flatMap(namesOf);
}

function namesOf(image: StoredImage): readonly ImageEntry[] {
  const digests = new Map(
    image.repoDigests.map((name) => [
      familiarRepository(parseReference(name)),
      parseReference(name).digest ?? NONE,
    ]),
  );
  const tagged = [...image.tags].sort().map((name): ImageEntry => {
    const reference = parseReference(name);
    const repository = familiarRepository(reference);
    return { image, repository, tag: reference.tag ?? NONE, digest: digests.get(repository) ?? NONE };
  });
  if (tagged.length > 0) return tagged;
  if (digests.size === 0) return [{ image, repository: NONE, tag: NONE, digest: NONE }];
  return [...digests].map(([repository, digest]) => ({ image, repository, tag: NONE, digest }));
}

export function imageRow(entry: ImageEntry, { noTrunc, now }: { noTrunc: boolean; now: Date }): Row {
  const { image, repository, tag, digest } = entry;
  const created = image.config.created ?? '';
  return {
    Containers: 'N/A',
    // Only when asked for: the first look at the local time zone takes 10 ms.
    get CreatedAt() {
      return created === '' ? '' : goTime(created);
    },
    CreatedSince: created === '' ? 'N/A' : humanAgo(created, now),
    Digest: digest,
    ID: noTrunc ? image.id : shortId(image.id),
    Repository: repository,
    SharedSize: 'N/A',
    Size: humanSize(image.size),
    Tag: tag,
    UniqueSize: 'N/A',
    VirtualSize: humanSize(image.size, 4),
  };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
