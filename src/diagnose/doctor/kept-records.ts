/**
 * Records that are written twice (images/foreign/kept.ts): configurations of containers, definitions of networks,
 * volumes, the list of images, layers. `doctor` checks each record and its copy; the good one repairs the other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../../images/errors.ts';
import { copiedName, copyOf } from '../../../images/foreign/kept.ts';
import type { Shape } from '../../../images/foreign/shape.ts';
import { readIndex } from '../../../images/store/image-index.ts';
import { readLayerRecord } from '../../../images/store/layer-store.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { isDamaged, readRecord, writeFileAtomic } from '../../engine/state/atomic-file.ts';
import { missingFile } from '../../engine/state/damage.ts';
import { configPath, isHalfMade } from '../../engine/state/half-made.ts';
import {
  containerDir,
  containersDir,
  imagesDir,
  networksDir,
  volumesDir,
  type Paths,
} from '../../engine/state/paths.ts';
import { containerConfig, volumeRecord } from '../../engine/state/records.ts';
import { isId } from '../../engine/spec/ids.ts';
import { bridgeNetwork } from '../../engine/state/network-records.ts';
import type { Finding } from './finding.ts';

interface Kind {
  readonly path: string;
  /** undefined if there is no such file. @throws an error for which isBad holds. */
  readonly read: (path: string) => unknown;
  /** The consequence if both are lost, and what to do then. */
  readonly lost: string;
  readonly todo: readonly string[];
}

export function examineKept(paths: Paths): readonly Finding[] {
  return [...containers(paths), ...networks(paths), ...volumes(paths), ...images(paths)].flatMap(examineOne);
}

function examineOne({ path, read, lost, todo }: Kind): readonly Finding[] {
  const copy = copyOf(path);
  const [record, spare] = [path, copy].map((file) => look(file, read));
  const id = `records.${path}`;
  if (record?.good === true) {
    if (spare?.good === true) return [];
    const what = spare?.damage ?? `${copy} is missing`;
    const means = 'The record is intact, but without a copy it cannot be repaired if it gets damaged.';
    return [{ id, level: 'warning', what, means, todo: copied(path, copy), mend: () => rewrite(path, copy) }];
  }
  const what = record?.damage ?? missingFile(path).message;
  if (spare?.good === true) {
    const means = 'minidock uses its intact copy until then.';
    return [{ id, level: 'problem', what, means, todo: copied(copy, path), mend: () => rewrite(copy, path) }];
  }
  // Neither was ever written, or the record is lost for good.
  if (record?.damage === undefined && spare?.damage === undefined) return [];
  return [{ id, level: 'problem', what: `${what}, and so is its copy`, means: lost, todo }];
}

const copied = (from: string, to: string): readonly string[] => [renderArgv(['cp', '-p', from, to])];

function rewrite(from: string, to: string): Promise<void> {
  writeFileAtomic(to, readFileSync(from, 'utf8'));
  return Promise.resolve();
}

function look(file: string, read: Kind['read']): { readonly good: boolean; readonly damage?: string } {
  try {
    return { good: read(file) !== undefined };
  } catch (error) {
    if (!isDamaged(error) && !(error instanceof ImageError)) throw error;
    return { good: false, damage: (error as Error).message };
  }
}

const recordOf =
  <T>(shape: Shape<T>): Kind['read'] =>
  (path) =>
    readRecord(path, shape);

function containers(paths: Paths): readonly Kind[] {
  return namesIn(containersDir(paths))
    .filter(isId)
    .filter((id) => !isHalfMade(containerDir(paths, id)))
    .map((id) => ({
      path: configPath(containerDir(paths, id)),
      read: recordOf(containerConfig),
      lost:
        "The container's configuration is lost. You can still stop and remove it; its files are in overlay/upper " +
        'beside the record.',
      todo: [`minidock rm -f ${id.slice(0, 12)}`],
    }));
}

function networks(paths: Paths): readonly Kind[] {
  const dir = networksDir(paths);
  const names = new Set(namesIn(dir).map((name) => copiedName(name) ?? name));
  return [...names]
    .filter((name) => /^[^.].*\.json$/.test(name))
    .map((name) => ({
      path: join(dir, name),
      read: recordOf(bridgeNetwork),
      lost: 'Lists omit the network, and its containers cannot start.',
      todo: [
        renderArgv(['rm', '-f', join(dir, name), copyOf(join(dir, name))]),
        ...(isId(name.replace('.json', '')) ? [`ip link delete mdb${name.slice(0, 12)}`] : []),
      ],
    }));
}

function volumes(paths: Paths): readonly Kind[] {
  return namesIn(volumesDir(paths))
    .filter((name) => !name.startsWith('.'))
    .map((name) => ({
      path: join(volumesDir(paths), name, 'volume.json'),
      read: recordOf(volumeRecord),
      lost: 'The volume still works; only its creation time is lost.',
      todo: [`minidock volume rm ${name}`],
    }));
}

function images(paths: Paths): readonly Kind[] {
  const dir = imagesDir(paths);
  const layers = namesIn(join(dir, 'layers')).map((name) => join(dir, 'layers', name, 'layer.json'));
  return [
    {
      path: join(dir, 'images.json'),
      read: readIndex,
      lost: 'The names of the images are lost; existing containers keep running and can start.',
      todo: [
        'Put a backup of that file in its place. Do not remove it: the layers below containers would go too.',
      ],
    },
    ...layers.map((path) => ({
      path,
      read: readLayerRecord,
      lost: 'No image with this layer can be added.',
      todo: ['Remove the images with this layer (minidock rmi), then pull or load them again.'],
    })),
  ];
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
