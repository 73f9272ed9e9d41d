/** Wires the image store to this program: unpacking happens in children of the same binary, confined to the layer. */
import { ImageStore } from '../../images/store/image-store.ts';
import { childUnpacker } from '../../images/unpack/child.ts';
import { imagesDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from './private-dir.ts';

export function openImageStore(paths: Paths): ImageStore {
  ensurePrivateDir(imagesDir(paths));
  return new ImageStore({
    dir: imagesDir(paths),
    unpacker: childUnpacker([process.execPath, '__unpack']),
  });
}
