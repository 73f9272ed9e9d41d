/**
 * A stage's files into a folder or an archive. In a folder they are root's, and have no setuid bits, capabilities or
 * devices that others may open, as what `cp` takes out of a container: they are no container's any more.
 */
import { closeSync, mkdirSync, mkdtempSync } from 'node:fs';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { writeArchive } from '../../engine/files/copy.ts';
import { walkTree } from '../../engine/files/source.ts';
import type { Write } from '../../engine/files/tar-sink.ts';
import { openDirectory, TreeSink } from '../../engine/files/tree-sink.ts';
import { join } from 'node:path';
import { removeTree } from '../../engine/state/remove-tree.ts';
import { openMerged } from '../execute/merged.ts';

export async function writeFolder(store: ImageStore, dirs: readonly string[], folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const root = openDirectory(folder);
  try {
    await withFiles(store, dirs, async (files) => {
      const sink = new TreeSink({ root, base: '', keepOwners: false });
      try {
        await walkTree(files, '', (entry, open) => {
          sink.entry(entry, entry.type === 'file' ? open() : undefined);
        });
        sink.end();
      } finally {
        sink.close();
      }
    });
  } finally {
    closeSync(root);
  }
}

/** With its owners and all modes. */
export const writeTar = (store: ImageStore, dirs: readonly string[], write: Write): Promise<number> =>
  withFiles(store, dirs, (files) => writeArchive(files, '', write));

async function withFiles<T>(
  store: ImageStore,
  dirs: readonly string[],
  work: (root: number) => Promise<T>,
): Promise<T> {
  const temporary = await store.prepareLayer();
  let root: number | undefined;
  try {
    const target = mkdtempSync(join(temporary, 'merged-'));
    root = openMerged(dirs, target);
    return await work(root);
  } finally {
    if (root !== undefined) closeSync(root);
    removeTree(temporary);
  }
}
