/** The rows of `search`, in the words of docker 26.1, and its filters. */
import type { FoundRepository } from '../../images/foreign/registry-shapes.ts';
import { ellipsis } from '../ui/human.ts';
import { invalidFilter, parseBool, parseFilters, type Filters } from './filters.ts';
import type { ListStyle, Row } from './rows.ts';

export const SEARCH_STYLE: ListStyle = {
  columns: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
    IsAutomated: 'AUTOMATED',
  },
  defaultColumns: ['Name', 'Description', 'StarCount', 'IsOfficial'],
  quietColumn: 'Name',
};

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseSearchFilters(texts: readonly string[]): Filters {
  const filters = parseFilters(texts, { known: ['is-automated', 'is-official', 'stars'] });
  for (const value of filters.get('stars') ?? []) {
    if (!/^[+-]?\d+$/.test(value)) {
      throw invalidFilter(
        `invalid filter 'stars=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    }
  }
  for (const key of ['is-automated', 'is-official']) {
    const values = filters.get(key) ?? [];
    if (values.some((value) => parseBool(value) === undefined)) {
      throw invalidFilter(`invalid filter '${key}=[${values.join(' ')}]'`);
    }
  }
  return filters;
}

/** In the registry's order. */
export function filterFound(found: readonly FoundRepository[], filters: Filters): readonly FoundRepository[] {
  const stars = Math.max(0, ...(filters.get('stars') ?? []).map(Number));
  const fits = (key: string, is: boolean | null | undefined): boolean =>
    filters.get(key)?.every((value) => parseBool(value) === (is ?? false)) ?? true;
  return found.filter(
    ({ star_count: count, is_official: official, is_automated: automated }) =>
      (count ?? 0) >= stars && fits('is-official', official) && fits('is-automated', automated),
  );
}

/** `words`: what true and false are called. */
export function searchRow(
  found: FoundRepository,
  { noTrunc, words }: { readonly noTrunc: boolean; readonly words: readonly [string, string] },
): Row {
  const [yes, no] = words;
  const description = (found.description ?? '').replaceAll('\n', ' ').replaceAll('\r', ' ');
  return {
    Name: found.name,
    Description: noTrunc ? description : ellipsis(description, 45),
    StarCount: String(found.star_count ?? 0),
    IsOfficial: found.is_official === true ? yes : no,
    IsAutomated: found.is_automated === true ? yes : no,
  };
}
