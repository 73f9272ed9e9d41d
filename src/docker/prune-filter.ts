/** The filters of the prunes: label, label!= and, of all but volumes, until. All must pass. */
import { MinidockError } from '../../runtime/errors.ts';
import type { Chooses } from '../engine/prune/prune.ts';
import { parseInstant } from '../ui/time.ts';
import { matchLabels, parseBool, parseFilters, type Filters } from './filters.ts';

export interface PruneFilters {
  readonly values: Filters;
  readonly chooses: Chooses;
}

/** `more`: keys of this prune alone. @throws MinidockError FILTER_INVALID, TIME_INVALID. */
export function parsePruneFilters(
  texts: readonly string[],
  now: bigint,
  more: readonly string[] = ['until'],
): PruneFilters {
  const values = parseFilters(texts, { known: ['label', 'label!', ...more] });
  const limits = (values.get('until') ?? []).map((text) =>
    Number(parseInstant(text, now, 'until') / 1_000_000n),
  );
  const wanted = values.get('label') ?? [];
  const unwanted = values.get('label!') ?? [];
  return {
    values,
    chooses: ({ created, labels }) =>
      matchLabels(wanted, labels) &&
      !unwanted.some((label) => matchLabels([label], labels)) &&
      limits.every((limit) => Date.parse(created) < limit),
  };
}

/** `--filter dangling=false` and `--filter all=true` are other words for -a. */
export function asksForAll(values: Filters, key: 'all' | 'dangling'): boolean {
  return (values.get(key) ?? []).some((text) => {
    const value = parseBool(text);
    if (value === undefined) {
      throw new MinidockError({ code: 'FILTER_INVALID', message: `invalid filter '${key}=[${text}]'` });
    }
    return key === 'all' ? value : !value;
  });
}
