/**
 * What a layer leaves unsaid and its image must have. An overlay shows a directory with the attributes of the topmost
 * layer that has it, so a layer that brings `usr/bin/tool` without listing `usr` would give `usr` an arbitrary mode
 * and owner; and a hard link may name a file that only a layer below has. Both depend on the layers below, hence on
 * the image, while the unpacked layer is shared by all images: so they go into a directory of their own, a thin layer
 * on top of the layer in question, holding those directories with their right attributes and the linked files, copied
 * up as overlayfs would do it.
 *
 * The layers read here are complete and no one writes to them; nevertheless no symbolic link in them is followed.
 */
import { linkSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, type BigIntStats } from 'node:fs';
import type { FileSystemCalls } from '../file-system-calls.ts';
import { copyFile } from './copy-file.ts';
import { corruptLayer } from './corrupt.ts';
import { MetadataWriter, overlayPrefix, type Metadata } from './metadata.ts';
import { fromText, isWithin, parentOf, toFsPath, toText } from './paths.ts';
import type { OverridesReport, OverridesRequest } from './types.ts';

interface Found {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** @throws ImageError 'LAYER_CORRUPT' for a hard link to a file that no layer has. */
export function makeOverrides(request: OverridesRequest, calls: FileSystemCalls): OverridesReport {
  return new Overrides(request, calls).make();
}

class Overrides {
  private readonly request: OverridesRequest;
  private readonly calls: FileSystemCalls;
  private readonly metadata: MetadataWriter;
  private readonly implied: ReadonlySet<string>;
  private readonly target: string;
  private readonly made = new Map<string, Found | undefined>();

  constructor(request: OverridesRequest, calls: FileSystemCalls) {
    this.request = request;
    this.calls = calls;
    this.target = fromText(request.target);
    this.implied = new Set(request.impliedDirs);
    this.metadata = new MetadataWriter(calls, `${request.target}/.wh..wh.spare`);
  }

  make(): OverridesReport {
    for (const real of this.request.impliedDirs) {
      const below = this.findBelow(real);
      if (below?.stats.isDirectory() && (real !== '' || this.differs(below))) this.dir(real);
    }
    for (const { path, target } of this.request.danglingLinks) this.link(path, target);
    const dirs = [...this.made].sort(([a], [b]) => b.length - a.length);
    for (const [real, source] of dirs) {
      if (source !== undefined) this.metadata.onPath(this.path(real), this.metadataOf(source), true);
    }
    return { needed: this.made.size > 0 };
  }

  private path(real: string): ReturnType<typeof toFsPath> {
    return toFsPath(`${this.target}/${real}`);
  }

  /** The directory, and the ones it is in, each remembering whose attributes it shall have. */
  private dir(real: string): void {
    if (this.made.has(real)) return;
    if (real === '') {
      // The root is there; its attributes are the topmost layer's, unless nobody listed it.
      this.made.set('', this.sourceOf(''));
      return;
    }
    this.dir(parentOf(real));
    mkdirSync(this.path(real), 0o700);
    this.made.set(real, this.sourceOf(real));
  }

  private sourceOf(real: string): Found | undefined {
    const own = this.implied.has(real) ? undefined : findIn(this.layerDir(), real, this.calls).found;
    return own ?? this.findBelow(real);
  }

  private link(path: string, target: string): void {
    const source = this.findBelow(target);
    if (source === undefined || source.stats.isDirectory()) {
      throw corruptLayer(
        `"${toText(path)}" is a hard link to "${toText(target)}", which no layer of the image has`,
      );
    }
    this.dir(parentOf(target));
    this.dir(parentOf(path));
    if (lstatSync(this.path(target), { throwIfNoEntry: false }) === undefined) this.copy(source, target);
    if (lstatSync(this.path(path), { throwIfNoEntry: false }) !== undefined) {
      throw corruptLayer(`"${toText(path)}" is a hard link, and a directory that "${toText(target)}" needs`);
    }
    linkSync(this.path(target), this.path(path));
  }

  private copy({ path, stats }: Found, real: string): void {
    const target = this.path(real);
    const metadata = this.metadataOf({ path, stats });
    if (stats.isFile()) {
      copyFile(toFsPath(path), target, this.calls);
    } else if (stats.isSymbolicLink()) {
      symlinkSync(readlinkSync(toFsPath(path), { encoding: 'buffer' }), target);
    } else {
      const kind = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : 'p';
      this.metadata.create(target, (name) => {
        this.calls.mknod(name, kind, metadata.mode & 0o777, deviceMajor(stats.rdev), deviceMinor(stats.rdev));
      });
    }
    this.metadata.onPath(target, metadata, !stats.isSymbolicLink());
  }

  private metadataOf({ path, stats }: Found): Metadata {
    let xattrs: ReadonlyMap<string, Uint8Array> = new Map();
    // Names that are not UTF-8 cannot be asked for (nor may the layer be touched): such a directory keeps none.
    const name = toFsPath(path);
    if (typeof name === 'string') xattrs = this.calls.getXattrs(name);
    return {
      mode: Number(stats.mode) & 0o7777,
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtime: stats.mtimeNs,
      xattrs,
    };
  }

  /** Whether a root differs from what an unlisted one is given. */
  private differs(root: Found): boolean {
    const { mode, uid, gid, xattrs } = this.metadataOf(root);
    const attributes = [...xattrs.keys()].filter((name) => !name.startsWith(overlayPrefix(this.calls)));
    return mode !== 0o755 || uid !== 0 || gid !== 0 || attributes.length > 0;
  }

  private layerDir(): string {
    return fromText(this.request.layer);
  }

  private findBelow(real: string): Found | undefined {
    for (const dir of [...this.request.lower].reverse()) {
      const { found, hidden } = findIn(fromText(dir), real, this.calls);
      if (found !== undefined || hidden) return found;
    }
    return undefined;
  }
}

/** Looks a path up in one layer as overlayfs does; `hidden` when the layers below must not be asked. */
function findIn(layer: string, real: string, calls: FileSystemCalls): { found?: Found; hidden: boolean } {
  let path = layer;
  const components = real === '' ? [] : real.split('/');
  for (const [index, name] of [undefined, ...components].entries()) {
    if (name !== undefined) path = `${path}/${name}`;
    const stats = lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return { hidden: isOpaque(parentOf(path), layer, calls) };
    if (stats.isCharacterDevice() && stats.rdev === 0n) return { hidden: true };
    if (index === components.length) return { found: { path, stats }, hidden: false };
    if (!stats.isDirectory()) return { hidden: true };
  }
  return { hidden: false };
}

function isOpaque(path: string, layer: string, calls: FileSystemCalls): boolean {
  for (let dir = path; dir !== layer && isWithin(dir, layer); dir = parentOf(dir)) {
    const name = toFsPath(dir);
    if (typeof name === 'string' && calls.getXattrs(name).has(`${overlayPrefix(calls)}opaque`)) return true;
  }
  return false;
}

/** Linux packs both numbers into one (makedev(3)). */
function deviceMajor(rdev: bigint): number {
  return Number(((rdev >> 32n) & 0xfffff000n) | ((rdev >> 8n) & 0xfffn));
}

function deviceMinor(rdev: bigint): number {
  return Number(((rdev >> 12n) & 0xffffff00n) | (rdev & 0xffn));
}
