/** The steps by which a container's files go, and with it its name and the volumes that nobody named. */
import { join } from 'node:path';
import { copyOf } from '../../../images/foreign/kept.ts';
import { containerDir, containersDir, nameFile, namesDir, volumesDir, type Paths } from '../state/paths.ts';
import type { FileStep } from '../state/perform-file.ts';
import { doomedDir } from '../state/store.ts';

export interface Removed {
  /** What it is called: by two names after a rename that was killed half way. */
  readonly names: readonly string[];
  /** The anonymous ones that go with it. */
  readonly volumes: readonly string[];
}

/** The last step is the one that may take long. */
export function planRemoval(paths: Paths, id: string, { names, volumes }: Removed): readonly FileStep[] {
  const [dir, doomed] = [containerDir(paths, id), doomedDir(paths, id)];
  const again = 'minidock create or run makes a new one; what was written in this one is lost';
  return [
    {
      id: 'container.take-away',
      section: 'files',
      title: 'Take its directory out of sight',
      why: 'One rename(2), which happens or does not: another command sees the whole container or none. What is large is deleted afterwards.',
      without: 'A removal that is broken off leaves half a container.',
      command: { kind: 'rename', from: dir, to: doomed },
      undo: { kind: 'none', why: again },
      observe: ['ls', containersDir(paths)],
    },
    ...names.map((name, index): FileStep => ({
      id: `container.release-name${index === 0 ? '' : `:${name}`}`,
      section: 'files',
      title: `Give up the name ${name}`,
      why: 'A name is a file that holds the container’s id; link(2) refuses a second one, so that no two containers get the same.',
      without: 'The name could not be used again.',
      command: { kind: 'remove-file', path: nameFile(paths, name), holding: id },
      undo: { kind: 'none', why: again },
      observe: ['ls', namesDir(paths)],
    })),
    ...volumes.map((name): FileStep => {
      const volume = join(volumesDir(paths), name);
      return {
        id: `volume.remove:${name}`,
        section: 'files',
        title: `Remove the anonymous volume ${name.slice(0, 12)}`,
        why: 'Nobody gave it a name and no other container mounts it, so nobody can ask for it again.',
        without: 'Its files stay on the disk, and nobody knows what they were for.',
        // First the copy of its record: alone it would look like a volume whose record is lost.
        command: { kind: 'remove-trees', paths: [copyOf(join(volume, 'volume.json')), volume] },
        undo: { kind: 'none', why: 'its files are gone' },
        observe: ['ls', volumesDir(paths)],
      };
    }),
    {
      id: 'container.delete-files',
      section: 'files',
      title: 'Delete its files',
      why: 'Its configuration, its log and the upper directory of its overlay, which holds all that it wrote. The image’s layers below are shared and stay.',
      without: 'The disk fills with what removed containers wrote.',
      command: { kind: 'remove-trees', paths: [doomed] },
      undo: { kind: 'none', why: again },
      observe: ['ls', '-a', containersDir(paths)],
    },
  ];
}
