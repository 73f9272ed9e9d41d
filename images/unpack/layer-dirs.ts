/**
 * What is known of a layer's directories while its entries come in: which the archive listed and with what
 * attributes, which it only implied, and which hide what layers below have in them. Attributes are applied at the
 * end, because making a file in a directory changes the directory's times, and its setgid bit and default ACL would
 * change the file. Until then they take memory, so there is an end to them.
 */
import type { Metadata, MetadataWriter } from './metadata.ts';
import { corruptLayer, unpackError } from './corrupt.ts';
import { PathMap } from './path-map.ts';
import { parentOf, toText, type FsPath } from './paths.ts';

/** A hundred thousand directories with three labels each are 50 MB; ext4 keeps 4 KB for one directory. */
const MAX_XATTR_BYTES = 64 << 20;
/** What an attribute takes besides its name and value. */
const XATTR_COST = 100;
/** Of the names of implied directories, which the store keeps with the layer. */
const MAX_IMPLIED_BYTES = 16 << 20;

interface Dir {
  metadata?: Metadata;
  implied?: boolean;
  opaque?: boolean;
}

export class LayerDirs {
  private readonly dirs = new PathMap<Dir>();
  private xattrBytes = 0;

  constructor() {
    // Nobody lists a root unless an entry does.
    this.imply('');
  }

  imply(real: string): void {
    this.at(real).implied = true;
  }

  /** @throws ImageError 'LAYER_CORRUPT' for attributes that are too many. */
  list(real: string, { mode, uid, gid, mtime, xattrs }: Metadata): void {
    const dir = this.at(real);
    this.xattrBytes += costOf(xattrs) - costOf(dir.metadata?.xattrs);
    if (this.xattrBytes > MAX_XATTR_BYTES) {
      throw corruptLayer(
        `the extended attributes of its directories are longer than ${String(MAX_XATTR_BYTES >> 20)} MB together`,
      );
    }
    dir.implied = false;
    // Only these: an entry also holds the records of its extended header.
    dir.metadata = { mode, uid, gid, mtime, xattrs };
  }

  /** What layers below have in this directory is hidden, but the directory may still be theirs. */
  makeOpaque(real: string): void {
    this.at(real).opaque = true;
  }

  /** The directory of that name in the layers below is gone, and this is another one. */
  startAfresh(real: string): void {
    const dir = this.at(real);
    dir.opaque = true;
    dir.implied = false;
  }

  forgetWithin(real: string): void {
    this.dirs.deleteWithin(real, (_, { metadata }) => {
      this.xattrBytes -= costOf(metadata?.xattrs);
    });
  }

  /** Whether nothing of the layers below can be seen in this directory. */
  hidesBelow(real: string): boolean {
    return this.dirs.someOnWay(real, ({ opaque }) => opaque === true);
  }

  /** The directories whose attributes the layers below decide. */
  implied(): string[] {
    const implied: string[] = [];
    let bytes = 0;
    this.dirs.forEach((real, dir) => {
      if (dir.implied !== true || (real !== '' && this.hidesBelow(parentOf(real)))) return;
      bytes += real.length;
      if (bytes > MAX_IMPLIED_BYTES) {
        throw corruptLayer(
          `the names of the directories that it does not list are longer than ${String(MAX_IMPLIED_BYTES >> 20)} MB together`,
        );
      }
      implied.push(real);
    });
    return implied.sort();
  }

  get opaqueRoot(): boolean {
    return this.dirs.get('')?.opaque === true;
  }

  apply(writer: MetadataWriter, pathOf: (real: string) => FsPath): void {
    // Deepest first: giving a directory a plain name for a moment touches the one it is in.
    this.dirs.forEach((real, { metadata, opaque }) => {
      try {
        // overlayfs does not look at the root's attribute; the store reads `opaqueRoot` instead.
        if (real !== '' && opaque === true) writer.markOpaque(pathOf(real));
        if (metadata !== undefined) writer.onPath(pathOf(real), metadata, true);
      } catch (error) {
        throw unpackError(`unpacking the directory "${toText(real)}"`, error);
      }
    });
  }

  private at(real: string): Dir {
    const known = this.dirs.get(real);
    if (known !== undefined) return known;
    const dir: Dir = {};
    this.dirs.set(real, dir);
    return dir;
  }
}

function costOf(xattrs: Metadata['xattrs'] | undefined): number {
  let bytes = 0;
  for (const [name, value] of xattrs ?? []) bytes += name.length + value.length + XATTR_COST;
  return bytes;
}
