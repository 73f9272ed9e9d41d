/** The directories that a container writes to, made for its first start or for the first file that is copied into it. */
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { ContainerConfig } from '../spec/container.ts';
import { overlayDir, type Paths } from '../state/paths.ts';

export function makeUpper(paths: Paths, { id, layers }: ContainerConfig): void {
  const [upper = '', work = ''] = ['upper', 'work'].map((name) => join(overlayDir(paths, id), name));
  mkdirSync(work, { recursive: true, mode: 0o755 });
  // The upper directory's own mode is the mode of the container's "/".
  if (mkdirSync(upper, { recursive: true, mode: 0o755 }) !== undefined) linkMtab(upper, layers);
}

function linkMtab(upper: string, layers: readonly string[]): void {
  const etc = needsMtab(layers);
  if (etc === undefined) return;
  const made = join(upper, 'etc');
  mkdirSync(made);
  chownSync(made, etc.uid, etc.gid);
  chmodSync(made, etc.mode);
  symlinkSync('/proc/mounts', join(made, 'mtab'));
}

/**
 * In a new container /etc/mtab leads to /proc/mounts unless the image has one, as in Docker: Java for one finds no file
 * system without it. The directory in the upper layer is merged with the image's and takes its place in owner and mode,
 * which are what comes back; undefined where no link is needed.
 */
export function needsMtab(
  layers: readonly string[],
): { readonly uid: number; readonly gid: number; readonly mode: number } | undefined {
  const top = (path: string, below: readonly string[]): Stats | undefined =>
    below
      .map((layer) => lstatSync(join(layer, path), { throwIfNoEntry: false }))
      .findLast((stats) => stats !== undefined);
  const etc = top('etc', layers);
  if (etc?.isDirectory() === false) return undefined;
  // Below a link or a file of a layer nothing belongs to the image.
  const own = layers.filter((layer) => top('etc', [layer])?.isDirectory() === true);
  if (top('etc/mtab', own) !== undefined) return undefined;
  return { uid: etc?.uid ?? 0, gid: etc?.gid ?? 0, mode: (etc?.mode ?? 0o755) & 0o7777 };
}
