/**
 * The directory a layer is unpacked into, as a tree that nothing can climb out of. Every path is walked component by
 * component from the root, symbolic links included, the way the kernel would inside chroot(2); so although the
 * unpacking process has made the directory above it its root, not even without that could an entry be written
 * elsewhere. Directories already walked are remembered, which makes the walk free for nearly every entry.
 *
 * Names with the suffix `Real` are byte strings of real directories: no link in them, no leading slash, '' for the root.
 */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, unlinkSync, type Stats } from 'node:fs';
import { corruptLayer } from './corrupt.ts';
import { PathMap } from './path-map.ts';
import { join, parentOf, toFsPath, toText, type FsPath } from './paths.ts';

/** What the kernel allows in one path too (path_resolution(7)). */
const MAX_LINKS = 40;
/** Of paths through links that are remembered; more of them start anew. */
const MAX_LINKED_BYTES = 16 << 20;

export class LayerTree {
  private readonly root: string;
  /** Directories whose paths lead through no link: they are where archives say. */
  private readonly plain = new PathMap<true>();
  /** From the path of any other, as archives spell it, to where it really is. */
  private readonly linked = new Map<string, string>();
  private linkedBytes = 0;
  /** Called with a directory that the archive needs but has not listed. */
  private readonly onImplied: (real: string) => void;
  /** Called when something stands where a directory is needed; true if it was moved out of the way. */
  private readonly onObstacle: (real: string, stats: Stats) => boolean;

  constructor(
    root: string,
    events: { onImplied: (real: string) => void; onObstacle: (real: string, stats: Stats) => boolean },
  ) {
    this.root = root;
    this.plain.set('', true);
    this.onImplied = events.onImplied;
    this.onObstacle = events.onObstacle;
  }

  path(real: string): FsPath {
    return toFsPath(`${this.root}/${real}`);
  }

  /** The real directory that an entry's parent path leads to, made where it is missing. */
  makeParent(components: readonly string[]): string {
    const parents = components.slice(0, -1);
    const spelt = parents.join('/');
    if (this.plain.getAt(parents) !== undefined) return spelt;
    const known = this.linked.get(spelt);
    if (known !== undefined) return known;
    // Where the directory above it really is, is known nearly always: archives list a tree from the top.
    const above = this.makeParent(parents);
    const real = this.step(above, parents.at(-1) ?? '', true, { left: MAX_LINKS });
    if (real === undefined) throw corruptLayer(`"${toText(spelt)}" cannot be made a directory`);
    this.remember(spelt, real);
    return real;
  }

  /** The same without making anything; undefined where there is no such directory. */
  findParent(components: readonly string[]): string | undefined {
    const parents = components.slice(0, -1);
    const spelt = parents.join('/');
    if (this.plain.getAt(parents) !== undefined) return spelt;
    return this.linked.get(spelt) ?? this.walk('', parents, false, { left: MAX_LINKS });
  }

  /** Whether it is known for a directory whose path leads through no link. */
  isPlain(path: string): boolean {
    return this.plain.has(path);
  }

  stat(real: string): Stats | undefined {
    try {
      return lstatSync(this.path(real));
    } catch (error) {
      if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** Whatever is there goes, directories with all they hold. */
  remove(real: string, stats: Stats): void {
    if (stats.isDirectory()) this.removeDir(`${this.root}/${real}`);
    else unlinkSync(this.path(real));
    if (stats.isDirectory() || stats.isSymbolicLink()) this.forget(real);
  }

  private walk(
    start: string,
    components: readonly string[],
    make: boolean,
    links: { left: number },
  ): string | undefined {
    let real: string | undefined = start;
    for (const name of components) {
      if (name === '' || name === '.') continue;
      real = name === '..' ? parentOf(real) : this.step(real, name, make, links);
      if (real === undefined) return undefined;
    }
    return real;
  }

  private step(parentReal: string, name: string, make: boolean, links: { left: number }): string | undefined {
    const real = join(parentReal, name);
    const stats = this.stat(real);
    if (stats?.isDirectory()) return real;
    if (stats?.isSymbolicLink()) {
      if ((links.left -= 1) < 0)
        throw corruptLayer(`"${toText(real)}" is a symbolic link that leads in a circle`);
      const target = readlinkSync(this.path(real), { encoding: 'buffer' }).toString('latin1');
      return this.walk(target.startsWith('/') ? '' : parentReal, target.split('/'), make, links);
    }
    if (!make) return undefined;
    if (stats !== undefined && !this.onObstacle(real, stats)) {
      throw corruptLayer(`an entry lies below "${toText(real)}", which is not a directory`);
    }
    mkdirSync(this.path(real), 0o755);
    if (stats === undefined) this.onImplied(real);
    return real;
  }

  private removeDir(path: string): void {
    // Bun gives names and no kinds when asked for both (1.4.5, with encoding 'buffer').
    for (const name of readdirSync(toFsPath(path), { encoding: 'buffer' })) {
      const child = `${path}/${name.toString('latin1')}`;
      if (lstatSync(toFsPath(child)).isDirectory()) this.removeDir(child);
      else unlinkSync(toFsPath(child));
    }
    rmdirSync(toFsPath(path));
  }

  private remember(spelt: string, real: string): void {
    // A link's own path is never where it leads, so these are the same only if there was no link on the way.
    if (spelt === real) {
      this.plain.set(real, true);
      return;
    }
    this.linkedBytes += spelt.length + real.length;
    if (this.linkedBytes > MAX_LINKED_BYTES) this.forgetLinked();
    this.linked.set(spelt, real);
  }

  private forget(real: string): void {
    this.plain.deleteWithin(real);
    // Any of these may have led through what is gone.
    this.forgetLinked();
  }

  private forgetLinked(): void {
    this.linked.clear();
    this.linkedBytes = 0;
  }
}

export function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
