/**
 * What the two paths of `docker cp` mean. A source is copied under the name that was written for it; one that ends
 * in `/.` stands for what it holds. A destination that is a directory takes the source in; any other is the copy's own
 * name. `-` is an archive. Pure.
 */
import { posix } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';

export interface CopyArgument {
  /** undefined for a path of the host. */
  readonly container: string | undefined;
  readonly path: string;
}

/** `CONTAINER:PATH`; an absolute path, and one that begins with a dot, is the host's whatever colons it has. */
export function parseCopyArgument(text: string): CopyArgument {
  const at = text.indexOf(':');
  if (text.startsWith('/') || at < 0 || text.startsWith('.')) return { container: undefined, path: text };
  return { container: text.slice(0, at), path: text.slice(at + 1) };
}

/** Cleaned and absolute, but for an end that says "directory": `/` or `/.`. */
export function absolute(path: string, workingDir = '/'): string {
  const clean = posix.resolve(workingDir, path);
  if (meansContents(path)) return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Ends in `.`: not the directory, but what is in it. */
export const meansContents = (path: string): boolean => path === '.' || path.endsWith('/.');
/** Only a directory can be meant. */
export const meansDirectory = (path: string): boolean => path.endsWith('/') || meansContents(path);

/** The name that a source gets in a directory; '' for what it holds alone, and for `/`. */
export const nameOf = (path: string): string => (meansContents(path) ? '' : posix.basename(path));

export interface Found {
  readonly exists: boolean;
  readonly isDirectory: boolean;
}

/** The directory that entries go to, and the name of the first one; '' where only what a directory holds is copied. */
export interface Placement {
  readonly directory: string;
  readonly name: string;
}

/** @throws MinidockError in Docker's words where the two do not go together. */
export function placeCopy(
  source: { readonly path: string; readonly isDirectory: boolean },
  destination: { readonly path: string } & Found,
): Placement {
  const { path } = destination;
  if (destination.exists && destination.isDirectory) return { directory: path, name: nameOf(source.path) };
  if (destination.exists && source.isDirectory) throw wrong('cannot copy directory');
  if (!destination.exists && !source.isDirectory && meansDirectory(path)) throw wrong('no such directory');
  return { directory: posix.dirname(posix.resolve(path)), name: posix.basename(posix.resolve(path)) };
}

const wrong = (message: string): MinidockError => new MinidockError({ code: 'BAD_COPY', message });
