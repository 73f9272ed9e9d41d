/** The filters of `images`, and its REPOSITORY[:TAG] argument, which is one more reference filter. */
import { fullName, parseReference } from '../../images/reference.ts';
import { MinidockError } from '../../runtime/errors.ts';
import { invalidFilter, matchLabels, parseBool, parseFilters, type Filters } from './filters.ts';
import type { ImageEntry } from './image-row.ts';
import { parseInstant } from '../ui/time.ts';

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseImageFilters(texts: readonly string[], reference?: string): Filters {
  const filters = new Map(
    parseFilters(texts, { known: ['before', 'dangling', 'label', 'reference', 'since', 'until'] }),
  );
  const dangling = filters.get('dangling') ?? [];
  if (new Set(dangling.map(parseBool)).size > 1 || dangling.some((value) => parseBool(value) === undefined)) {
    throw invalidFilter(`invalid filter 'dangling=[${dangling.join(' ')}]'`);
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
    parseReference(name);
    throw new MinidockError({ code: 'NO_SUCH_IMAGE', message: `No such image: ${fullName(name)}` });
  };
  const before = (filters.get('before') ?? []).map(created);
  const since = (filters.get('since') ?? []).map(created);
  const until = (filters.get('until') ?? []).map((text) =>
    Number(parseInstant(text, now, 'until') / 1_000_000n),
  );
  const dangling = filters.get('dangling')?.map(parseBool);
  const references = (filters.get('reference') ?? []).map(pathPattern);
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

/** Without a tag a pattern means every tag. */
function matchReference(pattern: RegExp, repository: string, tag: string, digest: string): boolean {
  // What has no name matches none.
  if (repository === '<none>') return false;
  return [repository, `${repository}:${tag}`, `${repository}@${digest}`].some((name) => pattern.test(name));
}

/** A pattern of Go's path.Match: `*` and `?` stop at a slash, `[a-z]` and `[^a]` are classes, `\\` escapes. */
function pathPattern(pattern: string): RegExp {
  const invalid = (): MinidockError => invalidFilter('syntax error in pattern');
  const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|\-]/g, '\\$&');
  let source = '';
  let rest = pattern;
  while (rest !== '') {
    // A class, an escaped character, or one character.
    const [whole = '', not, members = ''] =
      /^\[(\^?)((?:\\.|[^\]\\-](?:-(?:\\.|[^\]\\-]))?)+)\]/u.exec(rest) ?? [];
    const one = /^(?:\\(.)|([^\\[]))/su.exec(rest);
    if (whole !== '') {
      source += `[${not ?? ''}${members.replace(/\\(.)|([\^[])/gu, (_, a?: string, b?: string) => escape(a ?? b ?? ''))}]`;
      rest = rest.slice(whole.length);
    } else if (one === null) {
      throw invalid();
    } else {
      const [text, escaped, plain = ''] = one;
      source +=
        escaped !== undefined
          ? escape(escaped)
          : plain === '*'
            ? '[^/]*'
            : plain === '?'
              ? '[^/]'
              : escape(plain);
      rest = rest.slice(text.length);
    }
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range whose end comes before its beginning.
    throw invalid();
  }
}
