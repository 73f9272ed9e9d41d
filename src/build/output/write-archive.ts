/** An image as a Docker and OCI archive, or as the folder that such an archive holds. */
import { closeSync, mkdirSync } from 'node:fs';
import { PassThrough, type Writable } from 'node:stream';
import { saveImages, type SaveRequest } from '../../../images/archives/save.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { extractArchive } from '../../engine/files/archive.ts';
import { openDirectory, TreeSink } from '../../engine/files/tree-sink.ts';

export const writeImageArchive = (store: ImageStore, image: SaveRequest, output: Writable): Promise<void> =>
  saveImages(store, [image], output);

export async function writeImageFolder(store: ImageStore, image: SaveRequest, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const root = openDirectory(folder);
  try {
    const archive = new PassThrough();
    const saved = saveImages(store, [image], archive).then(
      () => void archive.end(),
      (error: unknown) => void archive.destroy(error as Error),
    );
    await extractArchive(archive, new TreeSink({ root, base: '', keepOwners: false }));
    await saved;
  } finally {
    closeSync(root);
  }
}
