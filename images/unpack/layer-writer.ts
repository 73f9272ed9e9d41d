/**
 * Turns a layer's entries into the directory that overlayfs takes as a lower layer. What AUFS spelt in file names
 * becomes overlayfs's own: `.wh.NAME` a character device 0:0, `.wh..wh..opq` the attribute trusted.overlay.opaque
 * (image-spec, layer.md; kernel, Documentation/filesystems/overlayfs.rst). A whiteout hides what layers below have,
 * never what its own layer has, whichever comes first in the archive: so the specification has it. Docker's overlay2
 * refuses a whiteout that comes after, merges a directory that comes after one, and takes an opaque root for nothing.
 * aufs's own files below `.wh..wh.plnk/`, where its hard links lead, are ordinary ones, as there.
 *
 * The last entry of a path wins, whatever kinds the two are of.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import type { FileSystemCalls } from '../file-system-calls.ts';
import { corruptLayer, unpackError } from './corrupt.ts';
import { HardLinks } from './hard-links.ts';
import { LayerDirs } from './layer-dirs.ts';
import { MetadataWriter } from './metadata.ts';
import { entryComponents, isArchiveItself, join, MAX_PATH, toFsPath, toText } from './paths.ts';
import { PathMap } from './path-map.ts';
import { SparseCursor } from './sparse-cursor.ts';
import type { TarEntry, TarHandler } from './tar-entry.ts';
import { isCode, LayerTree } from './tree.ts';
import type { LayerReport } from './types.ts';

const WHITEOUT_PREFIX = '.wh.';
const WHITEOUT_META = '.wh..wh.';
const OPAQUE_MARKER = '.wh..wh..opq';
const createFlags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

interface OpenFile {
  readonly fd: number;
  readonly real: string;
  readonly entry: TarEntry;
  readonly cursor: SparseCursor | undefined;
}

export class LayerWriter implements TarHandler {
  private readonly calls: FileSystemCalls;
  private readonly tree: LayerTree;
  private readonly metadata: MetadataWriter;
  private readonly dirs = new LayerDirs();
  private readonly whiteouts = new PathMap<true>();
  private readonly links: HardLinks;
  private file: OpenFile | undefined;
  private size = 0;

  /** `root` is the layer's directory, as this process sees it after chroot(2). */
  constructor(root: string, calls: FileSystemCalls) {
    this.calls = calls;
    this.metadata = new MetadataWriter(calls, `${root}/.wh..wh.spare`);
    this.tree = new LayerTree(root, {
      onImplied: (real) => {
        this.links.forget(real);
        this.dirs.imply(real);
      },
      onObstacle: (real, stats) => this.whiteoutGivesWay(real, stats),
    });
    this.links = new HardLinks({
      tree: this.tree,
      isWhiteout: (real) => this.whiteouts.has(real),
      hidesBelow: (dir) => this.dirs.hidesBelow(dir),
      onLinked: (real, entry, isSymlink) => {
        this.metadata.onLink(this.tree.path(real), entry, isSymlink);
      },
      remove: (real, stats) => {
        this.remove(real, stats);
      },
    });
  }

  entry(entry: TarEntry): void {
    try {
      this.addEntry(entry);
    } catch (error) {
      throw unpackError(`unpacking "${toText(entry.path)}"`, error);
    }
  }

  data(chunk: Buffer): void {
    const file = this.file;
    if (file === undefined) return;
    try {
      if (file.cursor === undefined) writeAll(file.fd, chunk, null);
      else
        file.cursor.place(chunk, (piece, position) => {
          writeAll(file.fd, piece, position);
        });
    } catch (error) {
      throw unpackError(`writing "${toText(file.entry.path)}"`, error);
    }
  }

  end(): void {
    const file = this.file;
    if (file === undefined) return;
    this.file = undefined;
    try {
      if (file.cursor !== undefined) ftruncateSync(file.fd, file.cursor.realSize);
      this.metadata.onFile(file.fd, this.tree.path(file.real), file.entry);
    } catch (error) {
      throw unpackError(`unpacking "${toText(file.entry.path)}"`, error);
    } finally {
      closeSync(file.fd);
    }
  }

  /** After the last entry: links whose target came later, then what waited. */
  finish(): Omit<LayerReport, 'diffId' | 'tarSize'> {
    const danglingLinks = this.finishLinks();
    this.dirs.apply(this.metadata, (real) => this.tree.path(real));
    return {
      size: this.size,
      impliedDirs: this.dirs.implied(),
      danglingLinks,
      opaqueRoot: this.dirs.opaqueRoot,
    };
  }

  private finishLinks(): LayerReport['danglingLinks'] {
    try {
      return this.links.finish();
    } catch (error) {
      throw unpackError('making the hard links to files that came later', error);
    }
  }

  /** Closes what an error left open. */
  abort(): void {
    if (this.file !== undefined) closeSync(this.file.fd);
    this.file = undefined;
  }

  private addEntry(entry: TarEntry): void {
    const components = entryComponents(entry.path);
    const name = components.at(-1);
    if (name === undefined) {
      this.root(entry);
      return;
    }
    // aufs's own notes of a branch; nothing of a layer was ever called so that a whiteout could mean it.
    if (name.startsWith(WHITEOUT_META) && name !== OPAQUE_MARKER) return;
    const parent = this.tree.makeParent(components);
    if (name === OPAQUE_MARKER) {
      this.dirs.makeOpaque(parent);
      return;
    }
    if (name.startsWith(WHITEOUT_PREFIX)) {
      this.whiteout(parent, name.slice(WHITEOUT_PREFIX.length));
      return;
    }
    const real = join(parent, name);
    this.links.forget(real);
    switch (entry.type) {
      case 'dir':
        this.dir(real, entry);
        return;
      case 'file':
        this.openFile(real, entry);
        return;
      case 'link':
        this.links.add(real, entry);
        return;
      case 'symlink':
        if (entry.linkpath === '' || entry.linkpath.includes('\0') || entry.linkpath.length >= MAX_PATH)
          throw corruptLayer(`the symbolic link "${toText(entry.path)}" leads nowhere`);
        this.replace(real, () => {
          symlinkSync(toFsPath(entry.linkpath), this.tree.path(real));
          this.size += entry.linkpath.length;
        });
        this.metadata.onPath(this.tree.path(real), entry, false);
        return;
      case 'char':
      case 'block':
      case 'fifo':
        // Podman and a rootless Docker leave devices out too where nobody may make them; the container gets its own.
        if (entry.type !== 'fifo' && this.calls.inUserNamespace) return;
        this.device(real, entry, entry.type === 'char' ? 'c' : entry.type === 'block' ? 'b' : 'p');
        this.metadata.onPath(this.tree.path(real), entry, true);
    }
  }

  /**
   * `./` is the directory that somebody packed, and says nothing of the image: `tar -C "$(mktemp -d)" -c .` would close
   * the root of the container to all but root. Docker leaves it out, too, and takes only `/` at its word.
   */
  private root(entry: TarEntry): void {
    if (isArchiveItself(entry.path)) return;
    if (entry.type !== 'dir') throw corruptLayer('an entry would replace the root directory');
    this.dirs.list('', entry);
  }

  private dir(real: string, entry: TarEntry): void {
    const path = this.tree.path(real);
    try {
      mkdirSync(path, 0o700);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      const stats = this.tree.stat(real);
      if (stats !== undefined && !stats.isDirectory()) {
        if (!this.whiteoutGivesWay(real, stats)) this.remove(real, stats);
        mkdirSync(path, 0o700);
      }
    }
    this.dirs.list(real, entry);
  }

  private openFile(real: string, entry: TarEntry): void {
    const path = this.tree.path(real);
    let fd = -1;
    this.replace(real, () => {
      fd = openSync(path, createFlags, 0o600);
    });
    this.file = { fd, real, entry, cursor: entry.sparse && new SparseCursor(entry.sparse) };
    this.size += entry.sparse?.realSize ?? entry.size;
  }

  private device(real: string, entry: TarEntry, kind: 'c' | 'b' | 'p'): void {
    const { mode, major, minor } = entry;
    this.replace(real, () => {
      this.metadata.create(this.tree.path(real), (name) => {
        this.calls.mknod(name, kind, mode & 0o777, major, minor);
      });
    });
  }

  private whiteout(parent: string, name: string): void {
    if (name === '' || name === '.' || name === '..') {
      throw corruptLayer(`the whiteout "${toText(WHITEOUT_PREFIX + name)}" names no file`);
    }
    const real = join(parent, name);
    const stats = this.tree.stat(real);
    if (stats?.isDirectory()) {
      // This layer has a directory of that name, so only the one below is meant: ours must not be merged with it.
      this.dirs.startAfresh(real);
      return;
    }
    if (stats !== undefined || this.links.isOpen(real)) return;
    this.metadata.create(this.tree.path(real), (path) => {
      this.calls.mknod(path, 'c', 0, 0, 0);
    });
    this.whiteouts.set(real, true);
  }

  /** A whiteout of this layer that a directory of this layer comes to replace. */
  private whiteoutGivesWay(real: string, stats: Stats): boolean {
    if (!this.whiteouts.has(real)) return false;
    this.remove(real, stats);
    this.dirs.startAfresh(real);
    return true;
  }

  /** Does what makes `real`; if something is there already, that goes first. */
  private replace(real: string, make: () => void): void {
    try {
      make();
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      const stats = this.tree.stat(real);
      if (stats !== undefined) this.remove(real, stats);
      make();
    }
  }

  private remove(real: string, stats: Stats): void {
    if (real === '') throw corruptLayer('an entry would replace the root directory');
    this.tree.remove(real, stats);
    this.whiteouts.delete(real);
    if (!stats.isDirectory()) return;
    this.dirs.forgetWithin(real);
    this.links.forgetWithin(real);
    this.whiteouts.deleteWithin(real);
  }
}

function writeAll(fd: number, chunk: Buffer, position: number | null): void {
  let done = 0;
  while (done < chunk.length) {
    done += writeSync(fd, chunk, done, chunk.length - done, position === null ? null : position + done);
  }
}
