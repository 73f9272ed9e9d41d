/** Wires the image store to this program: unpacking happens in children of the same binary, confined to the layer. */
import { closeSync, openSync } from 'node:fs';
import { ImageStore } from '../../../images/store/image-store.ts';
import type { Unpacker } from '../../../images/unpack/types.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { tellDamage } from '../state/damage.ts';
import { imagesDir, type Paths } from '../state/paths.ts';
import { removeTree } from '../state/remove-tree.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';

export function openImageStore(paths: Paths): ImageStore {
  ensurePrivateDir(imagesDir(paths));
  return new ImageStore({
    dir: imagesDir(paths),
    onDamage: tellDamage,
    acquireLock: async (...a) => (await import('./image-lock.ts')).acquireLock(...a),
    removeTree,
    unpacker: {
      unpackLayer: async (...a) => (await unpacker()).unpackLayer(...a),
      makeOverrides: async (...a) => (await unpacker()).makeOverrides(...a),
      prepareParent: spreadChildren,
    },
  });
}

/**
 * ext4 puts a directory's children beside it, so that all layers would be written to one part of the disk: several at
 * once wait for each other there, and after `rmi` each new file is looked for past all inodes deleted in the last
 * minutes, which ext4 does not use again so soon (measured: 9 s instead of 2 for 9,000 files).
 */
function spreadChildren(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    kernel.setTopDirectory(fd);
  } catch (error) {
    // Only a hint, and other file systems do not know it.
    if (errnoOf(error) === '') throw error;
  } finally {
    closeSync(fd);
  }
}

/** Loaded when something is unpacked; most commands that open the store only look an image up. */
async function unpacker(): Promise<Unpacker> {
  const { childUnpacker } = await import('../../../images/unpack/child.ts');
  return childUnpacker([process.execPath, '__unpack']);
}
