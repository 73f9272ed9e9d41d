/** Finding the image that a user means: a name, a digest, an id, or the beginning of an id. */
import { ImageError } from '../errors.ts';
import { formatReference, fullName, parseReference, repositoryName, type Reference } from '../reference.ts';
import type { ImageRecords } from './image-index.ts';
import type { ImageRecord } from './records.ts';

export interface Match {
  readonly image: ImageRecord;
  /** The tag or repository digest that matched; undefined when it was the id. */
  readonly name?: string;
}

/** Docker's order: a whole id, then a name, then the beginning of an id. @throws ImageError 'AMBIGUOUS_ID'. */
export function matchImage(images: ImageRecords, text: string): Match | undefined {
  const bare = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  const exact = images.get(`sha256:${bare}`);
  if (exact !== undefined) return { image: exact };
  return matchName(images, text) ?? matchPrefix(images, bare);
}

function matchName(images: ImageRecords, text: string): Match | undefined {
  const reference = readReference(text);
  if (reference === undefined) return undefined;
  // With a digest it decides, and a tag beside it is decoration.
  const name =
    reference.digest === undefined
      ? formatReference(reference)
      : `${repositoryName(reference)}@${reference.digest}`;
  for (const image of images.values()) {
    if (image.tags.includes(name) || image.repoDigests.includes(name)) return { image, name };
  }
  return undefined;
}

function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    // Not a possible name, such as an id with its "sha256:"; it may still be the beginning of an id.
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function matchPrefix(images: ImageRecords, prefix: string): Match | undefined {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return undefined;
  const matches = [...images.values()].filter(({ id }) => id.startsWith(`sha256:${prefix}`));
  if (matches.length > 1) {
    throw new ImageError({
      code: 'AMBIGUOUS_ID',
      message: `"${prefix}" is the beginning of ${String(matches.length)} image ids`,
      hint: 'give more of the id',
    });
  }
  return matches[0] === undefined ? undefined : { image: matches[0] };
}

/** @throws ImageError 'INVALID_REFERENCE' for what no image can be called. */
export function noSuchImage(name: string): ImageError {
  if (!/^(sha256:)?[0-9a-f]+$/.test(name)) parseReference(name);
  return new ImageError({
    code: 'NO_SUCH_IMAGE',
    message: `No such image: ${fullName(name)}`,
    hint: 'minidock images lists what there is',
  });
}
