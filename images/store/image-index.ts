/**
 * Which images there are and what they are called: one small JSON file, replaced as a whole by rename(2). Everyone may
 * read it at any time; who changes it holds the store's lock.
 */
import { statSync } from 'node:fs';
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

export class ImageIndex {
  private last: { readonly state: string; readonly images: ImageRecords } | undefined;

  constructor(
    private readonly path: string,
    private readonly onDamage: OnDamage,
  ) {}

  /**
   * Reads the file again only if it is another one: each change puts a new file in its place. With the lock held, for
   * a change, it is always read: a change must not lose what another process has written. If the file is damaged, its
   * copy is read and `onDamage` called. @throws ImageError 'INDEX_CORRUPT' where both are.
   */
  read(isLocked = false): ImageRecords {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    const state = stat === undefined ? '' : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
    if (!isLocked && this.last !== undefined && state !== '' && this.last.state === state)
      return this.last.images;
    const { value, damage } = readKept(this.path, readIndex, (error) => error instanceof ImageError);
    if (damage !== undefined)
      this.onDamage(damage === 'missing' ? missing(this.path) : damage, 'Its copy is used.');
    const images = value ?? new Map<string, ImageRecord>();
    this.last = { state, images };
    return images;
  }

  /** With the store's lock held; removes what a killed writer has left. */
  write(images: ImageRecords): void {
    removeAbandoned(this.path);
    removeAbandoned(copyOf(this.path));
    const document: Document = { version: 1, images: [...images.values()] };
    const text = `${JSON.stringify(document, undefined, 1)}\n`;
    writeFileAtomic(this.path, text);
    writeFileAtomic(copyOf(this.path), text);
  }
}

/** undefined where there is none. @throws ImageError 'INDEX_CORRUPT'. */
export function readIndex(path: string): ImageRecords | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  const foreign = { what: `${path} is damaged: the list of images`, code: 'INDEX_CORRUPT' };
  const document = checkForeign(imageIndex, parseForeign(text, foreign), foreign);
  return new Map(document.images.map((image) => [image.id, image]));
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
