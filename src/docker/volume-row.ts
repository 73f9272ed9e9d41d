/** A volume in `volume ls`, in its filters and in `volume inspect`, as Docker has them. */
import type { Volume } from '../engine/state/volumes.ts';
import {
  invalidFilter,
  matchLabels,
  matchPattern,
  parseBool,
  parseFilters,
  type Filters,
} from './filters.ts';
import type { ListStyle, Row } from './rows.ts';

export const VOLUME_STYLE: ListStyle = {
  columns: {
    Driver: 'DRIVER',
    Name: 'VOLUME NAME',
    Scope: 'SCOPE',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Availability: 'AVAILABILITY',
    Group: 'GROUP',
    Status: 'STATUS',
  },
  defaultColumns: ['Driver', 'Name'],
  quietColumn: 'Name',
};

/** Docker marks one that has no name of its own. */
export const volumeLabels = ({ anonymous, labels = {} }: Volume): Readonly<Record<string, string>> =>
  anonymous ? { 'com.docker.volume.anonymous': '', ...labels } : labels;

export function volumeRow(volume: Volume): Row {
  const labels = volumeLabels(volume);
  return {
    Driver: 'local',
    Name: volume.name,
    Scope: 'local',
    Mountpoint: volume.mountpoint,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Label: (key: string) => labels[key] ?? '',
    Links: 'N/A',
    Size: 'N/A',
    Availability: 'N/A',
    Group: 'N/A',
    Status: 'N/A',
  };
}

/** @throws MinidockError FILTER_INVALID. */
export function parseVolumeFilters(texts: readonly string[]): Filters {
  const filters = parseFilters(texts, { known: ['dangling', 'driver', 'label', 'name'] });
  for (const text of filters.get('dangling') ?? [])
    if (parseBool(text) === undefined) throw invalidFilter(`invalid value '${text}' for filter 'dangling'`);
  return filters;
}

export function matchVolume(filters: Filters, volume: Volume, isUsed: boolean): boolean {
  const any = (key: string, match: (value: string) => boolean): boolean =>
    filters.get(key)?.some(match) ?? true;
  return (
    any('dangling', (text) => parseBool(text) !== isUsed) &&
    any('driver', (text) => text === 'local') &&
    any('name', (text) => matchPattern(text, volume.name)) &&
    matchLabels(filters.get('label') ?? [], volumeLabels(volume))
  );
}
