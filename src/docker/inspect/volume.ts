/** What `volume inspect` prints: Docker's JSON (API 1.45) of a volume. */
import type { Volume } from '../../engine/state/volumes.ts';
import { goStruct, nilMap } from '../go-template/value.ts';
import { sortedStrings } from './values.ts';
import { volumeLabels } from '../volume-row.ts';

export function inspectVolume(volume: Volume): object {
  const { name, created, mountpoint, options } = volume;
  const labels = volumeLabels(volume);
  return goStruct({
    CreatedAt: created.replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: Object.keys(labels).length === 0 ? nilMap('') : sortedStrings(labels),
    Mountpoint: mountpoint,
    Name: name,
    Options: options === undefined ? nilMap('') : sortedStrings(options),
    Scope: 'local',
  });
}
