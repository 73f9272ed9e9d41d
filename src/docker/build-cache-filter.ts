/** The filters of `builder du` and `builder prune`: id, parent, type, description, inuse, shared, private. All must pass. */
import { MinidockError } from '../../runtime/errors.ts';
import type { BuildEntry } from '../engine/look/build-usage.ts';
import { parseBool, type Filters } from './filters.ts';

export const BUILD_FILTERS = ['id', 'parent', 'type', 'description', 'inuse', 'shared', 'private'] as const;

/** @throws MinidockError FILTER_INVALID. */
export function matchBuildFilters(values: Filters): (entry: BuildEntry) => boolean {
  const tests = BUILD_FILTERS.flatMap((key) => (values.get(key) ?? []).map((text) => testOf(key, text)));
  return (entry) => tests.every((test) => test(entry));
}

function testOf(key: (typeof BUILD_FILTERS)[number], text: string): (entry: BuildEntry) => boolean {
  switch (key) {
    case 'id':
      return ({ id }) => id.startsWith(text);
    case 'parent':
      return ({ parent }) => parent.startsWith(text);
    case 'type':
      return ({ type }) => type === text;
    case 'description':
      return ({ description }) => description.includes(text);
    case 'inuse':
      return ({ inUse }) => inUse === flag(key, text);
    case 'shared':
      return ({ shared }) => shared === flag(key, text);
    case 'private':
      return ({ shared }) => shared !== flag(key, text);
  }
}

function flag(key: string, text: string): boolean {
  const value = text === '' ? true : parseBool(text);
  if (value === undefined)
    throw new MinidockError({ code: 'FILTER_INVALID', message: `invalid filter '${key}=[${text}]'` });
  return value;
}
