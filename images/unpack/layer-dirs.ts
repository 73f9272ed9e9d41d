/**
 * What is known of a layer's directories while its entries come in: which the archive listed and with what
 * attributes, which it only implied, and which hide what layers below have in them. Attributes are applied at the
 * end, because making a file in a directory changes the directory's times, and its setgid bit and default ACL would
 * change the file.
 */
import type { Metadata, MetadataWriter } from './metadata.ts';
import { unpackError } from './corrupt.ts';
import { isWithin, parentOf, toText, type FsPath } from './paths.ts';

export class LayerDirs {
  readonly #listed = new Map<string, Metadata>();
  /** Nobody lists a root unless an entry does. */
  readonly #implied = new Set<string>(['']);
  readonly #opaque = new Set<string>();

  imply(real: string): void {
    this.#implied.add(real);
  }

  list(real: string, metadata: Metadata): void {
    this.#implied.delete(real);
    this.#listed.set(real, metadata);
  }

  /** What layers below have in this directory is hidden, but the directory may still be theirs. */
  makeOpaque(real: string): void {
    this.#opaque.add(real);
  }

  /** The directory of that name in the layers below is gone, and this is another one. */
  startAfresh(real: string): void {
    this.#opaque.add(real);
    this.#implied.delete(real);
  }

  forgetWithin(real: string): void {
    for (const known of [this.#listed, this.#implied, this.#opaque]) {
      for (const path of known.keys()) if (isWithin(path, real)) known.delete(path);
    }
  }

  /** Whether nothing of the layers below can be seen in this directory. */
  hidesBelow(real: string): boolean {
    for (let path = real; ; path = parentOf(path)) {
      if (this.#opaque.has(path)) return true;
      if (path === '') return false;
    }
  }

  /** The directories whose attributes the layers below decide. */
  implied(): string[] {
    return [...this.#implied].filter((real) => real === '' || !this.hidesBelow(parentOf(real))).sort();
  }

  get opaqueRoot(): boolean {
    return this.#opaque.has('');
  }

  apply(writer: MetadataWriter, pathOf: (real: string) => FsPath): void {
    // Deepest first: giving a directory a plain name for a moment touches the one it is in.
    const depth = (path: string): number => (path === '' ? 0 : path.split('/').length);
    const dirs = [...new Set([...this.#listed.keys(), ...this.#opaque])].sort((a, b) => depth(b) - depth(a));
    for (const real of dirs) {
      const metadata = this.#listed.get(real);
      try {
        // overlayfs does not look at the root's attribute; the store reads `opaqueRoot` instead.
        if (real !== '' && this.#opaque.has(real)) {
          writer.markOpaque(pathOf(real));
        }
        if (metadata !== undefined) writer.onPath(pathOf(real), metadata, true);
      } catch (error) {
        throw unpackError(`unpacking the directory "${toText(real)}"`, error);
      }
    }
  }
}
