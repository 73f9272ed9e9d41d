/** The steps by which names of images go, and with the last of them what no other image needs. Pure. */
import { basename, join } from 'node:path';
import type { Going } from '../../../images/store/requests.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { imagesDir, type Paths } from '../state/paths.ts';
import { blobPath } from './pull-plan.ts';

export interface ImageRemovalPlan {
  readonly steps: readonly Step[];
  /** By what the store calls its parts: 'names', 'blobs', the directory of a layer. */
  readonly of: ReadonlyMap<string, Step>;
}

export function planImageRemoval(paths: Paths, going: Going): ImageRemovalPlan {
  const { untagged, deleted, blobs, layers } = going;
  const of = new Map<string, Step>([
    ...(untagged.length + deleted.length === 0 ? [] : [['names', forget(paths, going)] as const]),
    ...(blobs.length === 0 ? [] : [['blobs', deleteBlobs(paths, blobs)] as const]),
    ...layers.map((name) => [name, deleteLayer(paths, name)] as const),
  ]);
  return { steps: [...of.values()], of };
}

function forget(paths: Paths, { untagged, deleted }: Going): Step {
  const index = join(imagesDir(paths), 'images.json');
  const names = untagged.length === 0 ? deleted.map((id) => id.slice(7, 19)) : untagged;
  return {
    id: 'image.forget',
    section: 'images',
    title: `Take ${names.join(', ')} out of the list of images`,
    why:
      deleted.length === 0
        ? 'A name is a line in the index that leads to an image by its id. The image has other names, or a container that uses it, and stays.'
        : 'An image is in the store if the index says so. It goes from there first: what a killed removal leaves is content that no image refers to, and the next one takes it.',
    without: 'A container could be made of an image whose layers are being deleted.',
    command: { kind: 'run', argv: ['mv', `${index}.new`, index] },
    undo: { kind: 'none', why: 'minidock pull or load brings the image back, tag gives an image a name' },
    observe: ['jq', '.', index],
  };
}

const deleteBlobs = (paths: Paths, blobs: readonly string[]): Step => ({
  id: 'image.delete-blobs',
  section: 'images',
  title: `Delete ${String(blobs.length)} ${blobs.length === 1 ? 'blob' : 'blobs'} that no image refers to`,
  why: 'Configurations, manifests and compressed layers are files named after the digest of their content. Images that have the same one share it, so it goes with the last of them.',
  without: 'They fill the disk.',
  command: { kind: 'remove-trees', paths: blobs.map((digest) => blobPath(paths, digest)) },
  undo: { kind: 'none', why: 'a registry that has them gives them again' },
  observe: ['ls', join(imagesDir(paths), 'blobs', 'sha256')],
});

function deleteLayer(paths: Paths, name: string): Step {
  const dir = join(imagesDir(paths), name);
  return {
    id: `layer.delete:${name}`,
    section: 'images',
    title: `Delete the unpacked layer ${basename(name).slice(0, 12)}`,
    why: 'A directory below the overlay of each container whose image has this layer. No image has it any more; layers that others have stay.',
    without: 'It fills the disk, and no container ever mounts it again.',
    command: { kind: 'remove-trees', paths: [dir] },
    undo: { kind: 'none', why: 'a pull unpacks it again' },
    observe: ['ls', join(imagesDir(paths), 'layers')],
  };
}
