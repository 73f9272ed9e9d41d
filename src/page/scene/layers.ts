/**
 * What each layer of a container's root adds, hides and wastes. A file that a higher layer has again, or covers with a
 * whiteout, is still stored below: its size is wasted. Image layers do not change, so they are walked by path; links
 * are never followed. The writable layer is asked through `diff`, which a running container cannot lead astray.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../../../runtime/printable.ts';
import { listChanges } from '../../engine/look/changes.ts';
import { treeSize } from '../../engine/state/tree-size.ts';
import type { ContainerConfig } from '../../engine/spec/container.ts';
import { overlayDir, type Paths } from '../../engine/state/paths.ts';

export interface LayerView {
  readonly title: string;
  readonly files: number;
  /** Bytes. */
  readonly adds: number;
  /** Paths of lower layers that this one hides. */
  readonly hides: readonly string[];
  /** Bytes below that nobody can see any more because of it. */
  readonly wastes: number;
  /** The walk was ended early. */
  readonly partial: boolean;
}

const MOST_FILES = 50_000;
const MOST_PATHS = 40;

export function readLayers(paths: Paths, config: ContainerConfig): readonly LayerView[] {
  const seen = new Map<string, number>();
  const views = config.layers.map((dir, index) => walkLayer(dir, `layer ${index + 1}`, seen));
  const changes = listChanges(paths, config);
  const hides = changes.filter(({ kind }) => kind !== 'A').map(({ path }) => path);
  return [
    ...views,
    {
      title: 'writable layer',
      files: changes.filter(({ kind }) => kind !== 'D').length,
      adds: treeSize(`${overlayDir(paths, config.id)}/upper`),
      hides: hides.slice(0, MOST_PATHS).map(oneLine),
      wastes: hides.reduce((sum, path) => sum + (seen.get(path) ?? 0), 0),
      partial: false,
    },
  ];
}

function walkLayer(top: string, title: string, seen: Map<string, number>): LayerView {
  let [files, adds, wastes, partial] = [0, 0, 0, false];
  const hides: string[] = [];
  const found: [string, number][] = [];
  const walk = (dir: string): void => {
    for (const entry of readdirSync(join(top, dir), { withFileTypes: true })) {
      const path = `${dir}/${entry.name}`;
      if (files >= MOST_FILES) {
        partial = true;
        return;
      }
      if (entry.isDirectory()) {
        walk(path);
        continue;
      }
      const stats = lstatSync(join(top, path));
      const whiteout = stats.isCharacterDevice() && stats.rdev === 0;
      const below = seen.get(path);
      if (below !== undefined) {
        hides.push(path);
        wastes += below;
      }
      if (whiteout) continue;
      files += 1;
      const size = stats.isFile() ? stats.size : 0;
      adds += size;
      found.push([path, size]);
    }
  };
  walk('');
  for (const [path, size] of found) seen.set(path, size);
  return { title, files, adds, hides: hides.slice(0, MOST_PATHS).map(oneLine), wastes, partial };
}
