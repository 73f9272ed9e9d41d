/** The filters of `images`, and its REPOSITORY[:TAG] argument, which is one more reference filter. */
import { MinidockError } from '../../runtime/errors.ts';
import { invalidFilter, matchLabels, parseBool, parseFilters, type Filters } from './filters.ts';
import type { ImageEntry } from './image-row.ts';
import { parseInstant } from '../ui/time.ts';

/** Throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseImageFilters(texts: readonly string[], reference?: string): Filters {
  const filters = new Map(
    parseFilters(texts, { known: ['before', 'dangling', 'label', 'reference', 'since', 'until'] }),
  );
  for (const value of filters.get('dangling') ?? []) {
    if (parseBool(value) === undefined) throw invalidFilter(`invalid filter 'dangling=[${value}]'`);
  }
  if (reference !== undefined) filters.set('reference', [...(filters.get('reference') ?? []), reference]);
  return filters;
}

/** `findImage` gives the image a name or id means, for before= and since=. */
export function filterImages(
  entries: readonly ImageEntry[],
  filters: Filters,
  findImage: (reference: string) => { readonly config: { readonly created?: string } } | undefined,
  now: bigint,
): readonly ImageEntry[] {
  const created = (name: string): string => {
    const image = findImage(name);
    if (image !== undefined) return image.config.created ?? '';
    throw new MinidockError({ code: 'NO_SUCH_IMAGE', message: `No such image: ${name}` });
  };
  const before = (filters.get('before') ?? []).map(created);
  const since = (filters.get('since') ?? []).map(created);
  const until = (filters.get('until') ?? []).map((text) =>
    Number(parseInstant(text, now, 'until') / 1_000_000n),
  );
  const dangling = filters.get('dangling')?.map(parseBool);
  const references = filters.get('reference') ?? [];
  return entries.filter(({ image, repository, tag, digest }) => {
    const time = image.config.created ?? '';
    return (
      before.every((limit) => time < limit) &&
      since.every((limit) => time > limit) &&
      until.every((limit) => Date.parse(time) < limit) &&
      (dangling === undefined || dangling.includes(repository === '<none>')) &&
      matchLabels(filters.get('label') ?? [], image.config.config?.Labels ?? {}) &&
      (references.length === 0 ||
        references.some((pattern) => matchReference(pattern, repository, tag, digest)))
    );
  });
}

/** `*` and `?` stop at a slash, as in path.Match; without a tag a pattern means every tag. */
function matchReference(pattern: string, repository: string, tag: string, digest: string): boolean {
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  );
  return [repository, `${repository}:${tag}`, `${repository}@${digest}`].some((name) =>
    expression.test(name),
  );
}
