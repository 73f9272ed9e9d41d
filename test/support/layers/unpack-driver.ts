/**
 * Run by Bun, because Node has no mknod(2) and no lsetxattr(2): loads or imports archives as minidock does, but in
 * this one process, and prints for each the directories of its layers, or why it is refused, as one JSON array.
 *
 *   bun unpack-driver.ts LIST STORE
 *
 * LIST is a file with [{ path, isImport }] as JSON.
 */
import { createReadStream, mkdirSync, readFileSync } from 'node:fs';
import { importRootfs } from '../../../images/archives/import.ts';
import { loadImages } from '../../../images/archives/load.ts';
import { ImageError } from '../../../images/errors.ts';
import { ImageStore } from '../../../images/store/image-store.ts';
import type { StoredImage } from '../../../images/types.ts';
import { makeOverrides } from '../../../images/unpack/overrides.ts';
import type { Unpacker } from '../../../images/unpack/types.ts';
import { unpackLayer } from '../../../images/unpack/unpack.ts';
import { fileSystemCalls } from '../../../src/engine/unpack-child.ts';
import { removeTree } from '../../../src/engine/state/remove-tree.ts';
import { fileLock } from '../kernel/file-lock.ts';
import type { Stack } from './answers.ts';

const [list = '', dir = ''] = process.argv.slice(2);

const unpacker: Unpacker = {
  unpackLayer: async ({ blob, target, diffId }) =>
    await unpackLayer(blob, target, fileSystemCalls, { enterRoot: false, diffId }),
  makeOverrides: (request) => Promise.resolve(makeOverrides(request, fileSystemCalls)),
};

process.umask(0);
const stacks: Stack[] = [];
for (const [index, { path, isImport }] of (
  JSON.parse(readFileSync(list, 'utf8')) as readonly { path: string; isImport: boolean }[]
).entries()) {
  // A store for each: one of a thousand images would spend its time on their list.
  const store = new ImageStore({
    dir: `${dir}/${String(index)}`,
    unpacker,
    acquireLock: fileLock,
    removeTree,
  });
  mkdirSync(`${dir}/${String(index)}`, { recursive: true });
  try {
    const image = isImport
      ? await importRootfs({ store, input: createReadStream(path) })
      : await firstOf(loadImages({ store, input: path }));
    stacks.push({ lower: image.layerDirs });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    stacks.push({ refused: error.message });
  }
}
console.log(JSON.stringify(stacks));

async function firstOf(loading: ReturnType<typeof loadImages>): Promise<StoredImage> {
  const [first] = await loading;
  if (first === undefined) throw new Error('the archive has no image');
  return first.image;
}
