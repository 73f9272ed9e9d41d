/** The steps that make a volume, and those that remove one that somebody named. Pure. */
import { join } from 'node:path';
import { volumesDir, type Paths } from '../state/paths.ts';
import type { FileStep } from '../state/perform-file.ts';
import type { Volume } from '../state/volumes.ts';

/** On its way out; no volume is called that. A name may be as long as that of a file, and this one is longer. */
export const doomedVolume = (paths: Paths, name: string): string =>
  join(volumesDir(paths), `${DOOMED}${name.slice(0, NAME_MAX - DOOMED.length)}`);

const DOOMED = '.removing-';
const NAME_MAX = 255;

/** What is known of it besides its name. */
export type VolumeRecord = Omit<Volume, 'name' | 'mountpoint'>;

const isBind = ({ options }: VolumeRecord): boolean => /(^|,)r?bind(,|$)/.test(options?.['o'] ?? '');

export function planVolume(paths: Paths, name: string, record: VolumeRecord): readonly FileStep[] {
  const dir = join(volumesDir(paths), name);
  const { type = '', device } = record.options ?? {};
  const files =
    device !== undefined && !isBind(record)
      ? `_data, where ${type} of ${device} is mounted`
      : (device ?? '_data');
  return [
    {
      id: 'volume.make-directory',
      section: 'volume',
      title: `Make the directory of the volume ${name}`,
      why:
        'A volume is a directory of the host that no container owns. A container that mounts the volume gets a bind ' +
        `mount of ${files}, and writes past its overlay.`,
      without: 'There is nothing that could be mounted.',
      command: { kind: 'mkdir', path: join(dir, '_data'), mode: 0o755 },
      undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-r', dir] } },
      observe: ['ls', '-la', join(dir, '_data')],
    },
    {
      id: 'volume.record',
      section: 'volume',
      title: 'Record what it is',
      why: 'Its labels, its options and whether somebody named it. It comes last: a volume is there once its record is.',
      without: 'Nobody finds it, and nobody can remove it.',
      command: { kind: 'write-record', path: join(dir, 'volume.json'), text: JSON.stringify(record) },
      undo: { kind: 'command', command: { kind: 'run', argv: ['minidock', 'volume', 'rm', name] } },
      observe: ['cat', join(dir, 'volume.json')],
    },
  ];
}

export function planVolumeRemoval(
  paths: Paths,
  name: string,
  device: string | undefined,
): readonly FileStep[] {
  const doomed = doomedVolume(paths, name);
  const kept = device === undefined ? '' : ` The files in ${device} stay: the volume only led there.`;
  return [
    {
      id: 'volume.take-away',
      section: 'volume',
      title: `Take the volume ${name} out of sight`,
      why: 'One rename(2), which happens or does not: another command finds the whole volume or none. What is large is deleted afterwards.',
      without: 'A removal that is broken off leaves a volume with half of its files.',
      command: { kind: 'rename', from: join(volumesDir(paths), name), to: doomed },
      undo: { kind: 'none', why: 'once its files are deleted nothing brings them back' },
      observe: ['ls', '-A', volumesDir(paths)],
    },
    {
      id: 'volume.delete-files',
      section: 'volume',
      title: 'Delete its files',
      why: `No container mounts it: minidock has looked at all of them, and keeps others from joining meanwhile.${kept}`,
      without: 'They would stay on the disk, and nobody could ask for them.',
      command: { kind: 'remove-trees', paths: [doomed] },
      undo: { kind: 'none', why: 'its files are gone' },
      observe: ['ls', '-A', volumesDir(paths)],
    },
  ];
}
