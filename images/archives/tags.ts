/**
 * The names an archive gives to its images. An archive may only give tags: a name with a digest promises a registry's
 * content, and a user who pins an image by digest would get the archive's content instead.
 */
import { ImageError } from '../errors.ts';
import { formatReference, parseReference } from '../reference.ts';
import { invalidArchive } from './spool.ts';

/** Normalised, each once. @throws ImageError 'ARCHIVE_INVALID'. */
export function tagsOf(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(tagOf))];
}

/** As `docker load` does, one with a digest is refused rather than left out. */
function tagOf(name: string): string {
  const shown = JSON.stringify(name.slice(0, 300));
  try {
    const reference = parseReference(name);
    if (reference.digest === undefined) return formatReference(reference);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw invalidArchive(`it names an image ${shown}, which is no image name (${error.message})`, error);
  }
  throw invalidArchive(`it names an image ${shown}, and only a registry gives names with a digest`);
}
