/** A network as a row of `network ls`, and the filters of that list, as Docker has them. */
import type { BridgeNetwork } from '../../runtime/network/types.ts';
import { shortId } from '../ui/human.ts';
import {
  invalidFilter,
  matchLabels,
  matchPattern,
  parseBool,
  parseFilters,
  type Filters,
} from './filters.ts';
import { OTHERS } from './inspect/network-object.ts';
import type { ListStyle, Row } from './rows.ts';

export interface NetworkEntry {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** RFC 3339; '' of the two that are no bridges. */
  readonly created: string;
  readonly internal: boolean;
  readonly ipv6: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export const NETWORK_STYLE: ListStyle = {
  columns: {
    ID: 'NETWORK ID',
    Name: 'NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Labels: 'LABELS',
    CreatedAt: 'CREATED AT',
  },
  defaultColumns: ['ID', 'Name', 'Driver', 'Scope'],
  quietColumn: 'ID',
};

/** In the order of the list: by name, with numbers in names as numbers. */
export function networkEntries(bridges: readonly BridgeNetwork[]): readonly NetworkEntry[] {
  return [
    ...bridges.map(({ id, name, created, internal = false, labels = {}, ipv6 }) => ({
      ...{ id, name, created, internal, labels, ipv6: ipv6 !== undefined },
      driver: 'bridge',
    })),
    ...OTHERS.map((other) => ({ ...other, created: '', internal: false, ipv6: false, labels: {} })),
  ].toSorted((one, other) => byNaturalName(one.name, other.name));
}

export function networkRow(network: NetworkEntry, noTrunc: boolean): Row {
  const { id, labels, created } = network;
  return {
    ID: noTrunc ? id : shortId(id),
    Name: network.name,
    Driver: network.driver,
    Scope: 'local',
    IPv6: String(network.ipv6),
    Internal: String(network.internal),
    Label: (name) => labels[name] ?? '',
    Labels: Object.entries(labels)
      .map((label) => label.join('='))
      .join(','),
    CreatedAt: goTimeUtc(created),
  };
}

/** As Go prints a time.Time: without the zeros at the end of its fraction. */
function goTimeUtc(timestamp: string): string {
  if (timestamp === '') return '0001-01-01 00:00:00 +0000 UTC';
  const [date = '', clock = ''] = timestamp.replace('Z', '').split('T');
  return `${date} ${clock.includes('.') ? clock.replace(/\.?0+$/, '') : clock} +0000 UTC`;
}

/** 'y7' before 'y10'. */
function byNaturalName(one: string, other: string): number {
  const [mine, theirs] = [one, other].map((name) => name.split(/(\d+)/));
  for (const [index, part] of (mine ?? []).entries()) {
    const against = theirs?.[index] ?? '';
    if (part === against) continue;
    const numbers = /^\d+$/.test(part) && /^\d+$/.test(against);
    if (numbers && Number(part) !== Number(against)) return Number(part) - Number(against);
    return part < against ? -1 : 1;
  }
  return one.length - other.length;
}

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseNetworkFilters(texts: readonly string[]): Filters {
  const filters = parseFilters(texts, {
    known: ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'],
  });
  const type = (filters.get('type') ?? []).find((text) => text !== 'custom' && text !== 'builtin');
  if (type !== undefined) throw invalidFilter(`invalid filter: 'type'='${type}'`);
  if ((filters.get('dangling') ?? []).some((text) => parseBool(text) === undefined)) {
    throw invalidFilter(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
  }
  return filters;
}

/** `isUsed`: a running container is attached to it. */
export function matchNetwork(filters: Filters, network: NetworkEntry, isUsed: boolean): boolean {
  const { name } = network;
  const builtin = name === 'bridge' || network.driver !== 'bridge';
  const matchers: Readonly<Record<string, (value: string) => boolean>> = {
    driver: (value) => network.driver === value,
    id: (value) => matchPattern(value, network.id),
    name: (value) => matchPattern(value, name),
    scope: (value) => value === 'local',
    type: (value) => value === (builtin ? 'builtin' : 'custom'),
    dangling: (value) => parseBool(value) === (!builtin && !isUsed),
  };
  return (
    matchLabels(filters.get('label') ?? [], network.labels) &&
    Object.entries(matchers).every(([key, matches]) => {
      const wanted = filters.get(key) ?? [];
      return wanted.length === 0 || wanted.some(matches);
    })
  );
}
