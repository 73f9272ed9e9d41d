/**
 * A layer's hard links. The file may come later in the archive, or be one that only layers below have: overrides.ts,
 * which knows those layers, handles what is still open after the last entry.
 *
 * Docker makes a link where its entry stands and fails if there is no such file. So these are as strict about files
 * that the layer itself takes away, covers or replaces: the image would hold something else than in Docker.
 */
import { linkSync, type Stats } from 'node:fs';
import { corruptLayer } from './corrupt.ts';
import { entryComponents, isWithin, join, parentOf, toText } from './paths.ts';
import type { TarEntry } from './tar-entry.ts';
import { PathMap } from './path-map.ts';
import { isCode, type LayerTree } from './tree.ts';
import type { DanglingLink } from './types.ts';

/**
 * Of links whose file has not come: tar and Docker put the file first, and only a file of a layer below, which is rare,
 * stays open to the end. The store keeps those that do.
 */
const MAX_OPEN = 10_000;
const MAX_OPEN_BYTES = 2 << 20;

export interface Surroundings {
  readonly tree: LayerTree;
  /** A name that this layer takes away from the layers below. */
  readonly isWhiteout: (real: string) => boolean;
  /** Whether nothing of the layers below is seen in this directory. */
  readonly hidesBelow: (dir: string) => boolean;
  /** What the link's own header says of the file, which another name of it has now. */
  readonly onLinked: (real: string, entry: TarEntry, isSymlink: boolean) => void;
  /** What a link replaces goes first. */
  readonly remove: (real: string, stats: Stats) => void;
}

export class HardLinks {
  private readonly layer: Surroundings;
  /** Where a link belongs, and the path of its file as the archive spells it. */
  private readonly open = new Map<string, string>();
  /** The same, to find those in a directory. */
  private readonly places = new PathMap<true>();
  private openBytes = 0;

  constructor(layer: Surroundings) {
    this.layer = layer;
  }

  /** @throws ImageError 'LAYER_CORRUPT' for a link that cannot be. */
  add(real: string, entry: TarEntry): void {
    const { path, linkpath } = entry;
    if (entryComponents(linkpath).length === 0) {
      throw corruptLayer(`the hard link "${toText(path)}" leads to no file`);
    }
    const existing = this.layer.tree.stat(real);
    const targetReal = this.findReal(linkpath);
    if (existing !== undefined && targetReal !== undefined) {
      if (existing.isDirectory() && isWithin(targetReal, real)) {
        throw corruptLayer(`the hard link "${toText(path)}" replaces the directory that its file is in`);
      }
      // A link to itself is already there, and removing it first would lose the file.
      if (this.layer.tree.stat(targetReal)?.ino === existing.ino) return;
    }
    if (existing !== undefined) this.layer.remove(real, existing);
    if (this.link(real, linkpath)) {
      this.layer.onLinked(real, entry, this.layer.tree.stat(real)?.isSymbolicLink() === true);
    } else this.keepOpen(real, linkpath);
  }

  /** Whether the link will be here, of a file that has not come yet. */
  isOpen(real: string): boolean {
    return this.open.has(real);
  }

  /** Something else has this path now. */
  forget(real: string): void {
    const linkpath = this.open.get(real);
    if (linkpath === undefined) return;
    this.open.delete(real);
    this.places.delete(real);
    this.openBytes -= real.length + linkpath.length;
  }

  forgetWithin(real: string): void {
    this.places.deleteWithin(real, (path) => {
      this.openBytes -= path.length + (this.open.get(path)?.length ?? 0);
      this.open.delete(path);
    });
  }

  /** After the last entry. */
  finish(): readonly DanglingLink[] {
    for (const [real, target] of [...this.open]) {
      if (this.link(real, target)) this.forget(real);
    }
    return [...this.open].map(([path, target]) => this.dangle(path, target));
  }

  private keepOpen(real: string, linkpath: string): void {
    this.forget(real);
    this.open.set(real, linkpath);
    this.places.set(real, true);
    this.openBytes += real.length + linkpath.length;
    if (this.open.size > MAX_OPEN || this.openBytes > MAX_OPEN_BYTES) {
      throw corruptLayer(
        `it has too many hard links to files that it does not have, such as "${toText(real)}" to "${toText(linkpath)}"`,
      );
    }
  }

  private link(real: string, linkpath: string): boolean {
    const { tree, isWhiteout } = this.layer;
    const targetReal = this.findReal(linkpath);
    if (targetReal === undefined || isWhiteout(targetReal)) return false;
    if (tree.stat(targetReal)?.isDirectory()) {
      throw corruptLayer(`"${toText(real)}" is a hard link to "${toText(targetReal)}", which is a directory`);
    }
    try {
      // link(2) does not follow a symbolic link: the link itself gets the second name.
      linkSync(tree.path(targetReal), tree.path(real));
      return true;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  private findReal(linkpath: string): string | undefined {
    const components = entryComponents(linkpath);
    const parent = this.layer.tree.findParent(components);
    return parent === undefined ? undefined : join(parent, components.at(-1) ?? '');
  }

  private dangle(path: string, linkpath: string): DanglingLink {
    const target = entryComponents(linkpath).join('/');
    const { isWhiteout, hidesBelow } = this.layer;
    const dir = parentOf(target);
    if (target === path || isWhiteout(target) || hidesBelow(dir) || this.covers(dir)) {
      throw corruptLayer(`"${toText(path)}" is a hard link to "${toText(target)}", which does not exist`);
    }
    return { path, target };
  }

  /** Whether this layer has something else than a directory there, so that nothing of the layers below is in it. */
  private covers(dir: string): boolean {
    if (dir === '' || this.layer.tree.isPlain(dir)) return false;
    let path = '';
    for (const name of dir.split('/')) {
      path = join(path, name);
      if (this.open.has(path)) return true;
      const stats = this.layer.tree.stat(path);
      // Where this layer has nothing, it has nothing below either.
      if (stats === undefined) return false;
      if (!stats.isDirectory()) return true;
    }
    return false;
  }
}
