/**
 * The bundle of a container in a script: one directory, which the script creates, holds everything that minidock
 * keeps in its own directories. Paths are relative to it (`rootfs`, `upper`, `hosts`). Short names also because
 * mount(8) hands an overlay's layers to the kernel one option a time, of at most 255 bytes (fsconfig(2)).
 */
import { basename } from 'node:path';
import { belowWord, type OciConfig, type OciMount } from '../../../runtime/bundle.ts';

export const ROOTFS = 'rootfs';
export const EMPTY_LAYER = 'images/empty';

/** A volume that does not exist yet, and its first content. */
export interface FreshVolume {
  /** From the script's directory: `volumes/1`. */
  readonly path: string;
  readonly target: string;
  /** Its name, for a named volume. */
  readonly name?: string;
  /** Filled with what the image has at the target. */
  readonly filled: boolean;
}

export interface Relocation {
  /** minidock's directory for the container's three files. */
  readonly filesDir: string;
  /** Fresh volumes by their data directory. */
  readonly volumes: ReadonlyMap<string, FreshVolume>;
}

export function relocate(bundle: OciConfig, { filesDir, volumes }: Relocation): OciConfig {
  const moved = (mount: OciMount): OciMount => {
    const volume = volumes.get(mount.source);
    if (volume !== undefined) return { ...mount, source: volume.path };
    const image = (bundle.root.images ?? []).findIndex(({ path }) => isBelow(mount.source, path));
    if (image >= 0) return ofImage(mount, bundle.root.images?.[image]?.path ?? '', image);
    return mount.source.startsWith(`${filesDir}/`) ? { ...mount, source: basename(mount.source) } : mount;
  };
  const { images } = bundle.root;
  return {
    ...bundle,
    root: {
      ...bundle.root,
      path: ROOTFS,
      lower: bundle.root.lower.map((_, index) => `layers/${index + 1}`),
      upper: 'upper',
      work: 'work',
      ...(images === undefined ? {} : { images: images.map(movedImage) }),
    },
    mounts: bundle.mounts.map(moved),
  };
}

const isBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`);

const imagePath = (index: number): string => `images/${index + 1}`;

/** Its layers stay where they are; the last one is the empty directory. */
const movedImage = (
  { lower }: { readonly lower: readonly string[] },
  index: number,
): { readonly path: string; readonly lower: readonly string[] } => ({
  path: imagePath(index),
  lower: [...lower.slice(0, -1), EMPTY_LAYER],
});

/** With a subpath the directory is named twice (belowWord). */
function ofImage(mount: OciMount, path: string, index: number): OciMount {
  const at = imagePath(index);
  return {
    ...mount,
    source: at + mount.source.slice(path.length),
    options: mount.options.map((word) => (word === belowWord(path) ? belowWord(at) : word)),
  };
}
