/** What `volume inspect` prints: Docker's JSON (API 1.45) of a volume. */
import type { Volume } from '../engine/state/volumes.ts';
import { goStruct, nilMap } from './go-template/value.ts';
import { sortedStrings } from './inspect-values.ts';

type Texts = Readonly<Record<string, string>>;

export function inspectVolume(
  volume: Volume & { readonly labels?: Texts | undefined; readonly options?: Texts | undefined },
): object {
  const { name, created, mountpoint, labels, options } = volume;
  return goStruct({
    CreatedAt: created.replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: labels === undefined ? nilMap('') : sortedStrings(labels),
    Mountpoint: mountpoint,
    Name: name,
    Options: options === undefined ? nilMap('') : sortedStrings(options),
    Scope: 'local',
  });
}
