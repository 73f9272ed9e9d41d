/**
 * The steps of `commit`, each as the commands that do the same by hand. The digests are not known before, so the words
 * LAYER, CONFIG and MANIFEST stand for what sha256sum says. Pure.
 */
import { join } from 'node:path';
import type { CommitPart } from '../../../images/archives/commit.ts';
import { planFreeze, planThaw } from '../../../runtime/cgroup/freezer.ts';
import { quoteWord } from '../../../runtime/plan/quote.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { cgroupsPath, imagesDir, overlayDir, type Paths } from '../state/paths.ts';

export interface CommitPlan {
  readonly steps: readonly Step[];
  readonly of: ReadonlyMap<CommitPart, Step>;
}

/** `pauses`: its processes stand still meanwhile. `changed`: there is something that a layer would hold. */
export function planCommit(
  paths: Paths,
  config: ContainerConfig,
  {
    pauses,
    changed,
    reference = '',
  }: { readonly pauses: boolean; readonly changed: boolean; readonly reference?: string | undefined },
): CommitPlan {
  const group = cgroupsPath(config);
  const parts = partsOf(paths, config, reference);
  const of = new Map(parts.filter(([part]) => changed || (part !== 'pack' && part !== 'unpack')));
  return {
    steps: [...(pauses ? planFreeze(group) : []), ...of.values(), ...(pauses ? planThaw(group) : [])],
    of,
  };
}

function partsOf(
  paths: Paths,
  { id }: ContainerConfig,
  reference: string,
): readonly (readonly [CommitPart, Step])[] {
  const images = imagesDir(paths);
  const upper = join(overlayDir(paths, id), 'upper');
  const blobs = join(images, 'blobs', 'sha256');
  const index = join(images, 'images.json');
  const garbage = {
    kind: 'none',
    why: 'no image refers to it yet; the next rmi or image prune deletes it',
  } as const;
  const script = (text: string): Step['command'] => ({ kind: 'run', argv: ['sh', '-c', text] });
  const step = (part: Omit<Step, 'section'>): Step => ({ section: 'commit', ...part });
  return [
    [
      'pack',
      step({
        id: 'layer.pack',
        title: 'Pack what the container has changed',
        why: 'The upper directory of its overlay holds every file that it wrote, and nothing of the image below. overlayfs marks what was deleted with a device 0:0; in a layer that is a file .wh.NAME.',
        without: 'The image would be the one that the container began with.',
        command: script(
          `tar --create --numeric-owner --xattrs --directory ${quoteWord(upper)} . > LAYER && sha256sum LAYER`,
        ),
        undo: garbage,
        observe: ['ls', upper],
      }),
    ],
    [
      'unpack',
      step({
        id: 'layer.unpack',
        title: 'Unpack it as a layer',
        why: 'Containers mount directories, not archives. It is a copy: the container goes on writing to its own.',
        without: 'No container could be made of the image.',
        command: script(
          `mkdir -p ${quoteWord(join(images, 'layers', 'LAYER', 'fs'))} && tar --extract --numeric-owner --file LAYER --directory ${quoteWord(join(images, 'layers', 'LAYER', 'fs'))}`,
        ),
        undo: garbage,
        observe: ['ls', join(images, 'layers')],
      }),
    ],
    [
      'config',
      step({
        id: 'image.configure',
        title: 'Write the configuration',
        why: 'JSON: the program, its environment and its user, the layers by the digest of their content, the history. Its own digest is the id of the image.',
        without: 'A container would not know its program, its variables or its user.',
        command: script(`cp CONFIG ${quoteWord(blobs)}/$(sha256sum < CONFIG | cut -c1-64)`),
        undo: garbage,
        observe: ['ls', blobs],
      }),
    ],
    [
      'manifest',
      step({
        id: 'image.manifest',
        title: 'Write the manifest',
        why: 'It lists the configuration and the layers by digest: those of the image below as they are, and the new one.',
        without: 'Nobody could save or push the image.',
        command: script(`cp MANIFEST ${quoteWord(blobs)}/$(sha256sum < MANIFEST | cut -c1-64)`),
        undo: garbage,
        observe: ['ls', blobs],
      }),
    ],
    [
      'name',
      step({
        id: 'image.name',
        title: reference === '' ? 'List the image, without a name' : `Give the image the name ${reference}`,
        why: 'The index of images gets one more line, written beside the old one and renamed over it. It comes last: an image that is listed is whole.',
        without: 'The layers are there and no container can be made of them; the next clean-up takes them.',
        command: { kind: 'run', argv: ['mv', `${index}.new`, index] },
        undo: {
          kind: 'command',
          command: { kind: 'run', argv: ['minidock', 'rmi', reference === '' ? 'ID' : reference] },
        },
        observe: ['jq', '.', index],
      }),
    ],
  ];
}
