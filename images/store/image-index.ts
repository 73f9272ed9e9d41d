/**
 * Which images there are and what they are called: one small JSON file, replaced as a whole by rename(2). Everyone may
 * read it at any time; who changes it holds the store's lock.
 */
import { ImageError } from '../errors.ts';
import { copyOf, readKept } from '../foreign/kept.ts';
import { checkForeign, parseForeign } from '../foreign/read.ts';
import { readFileIfAny, removeAbandoned, writeFileAtomic } from './atomic-file.ts';
import { missing, type OnDamage } from './damage.ts';
import { imageIndex } from './record-shapes.ts';
import type { ImageRecord } from './records.ts';

export type ImageRecords = ReadonlyMap<string, ImageRecord>;

interface Document {
  readonly version: 1;
  readonly images: readonly ImageRecord[];
}

/** If it is damaged, reads its copy and calls `onDamage`. @throws ImageError 'INDEX_CORRUPT' where both are. */
export function readImageIndex(path: string, onDamage: OnDamage): ImageRecords {
  const { value, damage } = readKept(path, readIndex, (error) => error instanceof ImageError);
  if (damage !== undefined) onDamage(damage === 'missing' ? missing(path) : damage, 'Its copy is used.');
  return value ?? new Map();
}

/** undefined where there is none. @throws ImageError 'INDEX_CORRUPT'. */
export function readIndex(path: string): ImageRecords | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  const foreign = { what: `${path} is damaged: the list of images`, code: 'INDEX_CORRUPT' };
  const document = checkForeign(imageIndex, parseForeign(text, foreign), foreign);
  return new Map(document.images.map((image) => [image.id, image]));
}

/** With the store's lock held; removes what a killed writer has left. */
export function writeImageIndex(path: string, images: ImageRecords): void {
  removeAbandoned(path);
  removeAbandoned(copyOf(path));
  const document: Document = { version: 1, images: [...images.values()] };
  const text = `${JSON.stringify(document, undefined, 1)}\n`;
  writeFileAtomic(path, text);
  writeFileAtomic(copyOf(path), text);
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
