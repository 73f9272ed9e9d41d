/**
 * Which images there are and what they are called: one small JSON file, replaced as a whole by rename(2). Everyone may
 * read it at any time; who changes it holds the store's lock.
 */
import { checkForeign, parseForeign } from '../foreign/read.ts';
import { readFileIfAny, writeFileAtomic } from './atomic-file.ts';
import { imageIndex } from './record-shapes.ts';

export interface ImageRecord {
  readonly id: string;
  readonly manifestDigest: string;
  readonly tags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Base first. `blob` is where the layer was unpacked from, which need not be the blob the manifest names. */
  readonly layers: readonly { readonly diffId: string; readonly blob: string; readonly size: number }[];
  /** Below the store's directory: what an overlay of this image stacks, base first. */
  readonly layerDirs: readonly string[];
  readonly lastTagged: string;
}

export type ImageRecords = ReadonlyMap<string, ImageRecord>;

interface Document {
  readonly version: 1;
  readonly images: readonly ImageRecord[];
}

export function readImageIndex(path: string): ImageRecords {
  const text = readFileIfAny(path);
  if (text === undefined) return new Map();
  const foreign = { what: `the list of images (${path})`, code: 'INDEX_CORRUPT' };
  const document = checkForeign(imageIndex, parseForeign(text, foreign), foreign);
  return new Map(document.images.map((image) => [image.id, image]));
}

export function writeImageIndex(path: string, images: ImageRecords): void {
  const document: Document = { version: 1, images: [...images.values()] };
  writeFileAtomic(path, `${JSON.stringify(document, undefined, 1)}\n`);
}

/** Gives a name to one image, and so takes it from any other. */
export function moveTag(images: ImageRecords, id: string, tag: string): ImageRecords {
  return new Map(
    [...images].map(([key, image]) => {
      const others = image.tags.filter((name) => name !== tag);
      return [key, { ...image, tags: key === id ? [...others, tag] : others }];
    }),
  );
}
