/** The layers of an image of the store as its manifest lists them, lowest first. */
import { ImageError } from '../errors.ts';
import { readManifest } from '../manifest.ts';
import type { Descriptor, StoredImage } from '../types.ts';
import type { ImageStore } from './image-store.ts';

/** The layers that its manifest names, base first. */
export function layersOf(store: ImageStore, base: StoredImage): readonly Descriptor[] {
  const document = readManifest(store.blobs.readBytes(base.manifestDigest), { name: base.id });
  if (document.kind === 'manifest') return document.manifest.layers;
  throw new ImageError({ code: 'MANIFEST_INVALID', message: `the manifest of ${base.id} is an index` });
}
