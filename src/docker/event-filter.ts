/**
 * The filters of `events`: keys are ANDed, the values of one key are alternatives; of labels all must be there. A name
 * or an id given for container=, image=, network= and volume= is looked for in the event alone: what it was about may
 * be gone by now.
 */
import { MinidockError } from '../../runtime/errors.ts';
import type { RecordedEvent } from '../engine/state/events/event-reader.ts';
import { matchLabels, parseFilters, type Filters } from './filters.ts';

/** Kinds of Docker's that never happen on one host without a daemon are known, and match nothing. */
const KNOWN = [
  'config', 'container', 'daemon', 'event', 'id', 'image', 'label', 'name', 'network', 'node', 'plugin', 'scope',
  'secret', 'service', 'type', 'volume',
]; // prettier-ignore

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseEventFilters(texts: readonly string[]): Filters {
  return parseFilters(texts, { known: KNOWN });
}

export function matchEvent(filters: Filters, event: RecordedEvent): boolean {
  for (const [key, values] of filters) {
    const matches =
      key === 'label'
        ? matchLabels(values, event.attributes)
        : values.some((value) => MATCHERS[key]?.(event, value) === true);
    if (!matches) return false;
  }
  return true;
}

type Matcher = (event: RecordedEvent, value: string) => boolean;

const isOf = (type: string, { type: found, id, attributes }: RecordedEvent, value: string): boolean =>
  found === type && (id === value || id.startsWith(value) || attributes['name'] === value);

const MATCHERS: Readonly<Record<string, Matcher>> = {
  // 'exec_create' is asked for without the command behind it.
  event: ({ action }, value) =>
    action === value || action.replace(/^(exec_\w+|health_status): .*$/s, '$1') === value,
  type: ({ type }, value) => type === value,
  scope: (_, value) => value === 'local',
  container: (event, value) => isOf('container', event, value) || event.attributes['container'] === value,
  volume: (event, value) => isOf('volume', event, value),
  network: (event, value) => isOf('network', event, value),
  image: ({ type, id, attributes }, value) => {
    const named = type === 'image' ? [id, attributes['name']] : [attributes['image']];
    return named.some((name) => name === value || (name !== undefined && withoutTag(name) === value));
  },
  name: ({ attributes }, value) => attributes['name'] === value,
  id: ({ id }, value) => id.startsWith(value),
};

const withoutTag = (name: string): string => name.replace(/:[^:/]*$/, '');

/** Docker's words for an interval that ends before it begins. */
export const wrongInterval = (since: string, until: string): MinidockError =>
  new MinidockError({
    code: 'TIME_INVALID',
    message: `\`since\` time (${since}) cannot be after \`until\` time (${until})`,
  });
