/**
 * Unpacked layers by diff id, each shared by every image that has it, and the overrides that a layer needs in one
 * particular chain of layers (see unpack/overrides.ts). Both come into being in a temporary directory and get their
 * name by rename(2), so what has a name is complete.
 *
 * Layout: layers/<hex>/{fs,layer.json}, overrides/<hex>/{fs}, tmp/<owner>. Thirty-two hex digits name a directory,
 * not sixty-four: mount(2) takes all lower directories of an overlay in one page.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerReport, Unpacker, UnpackOptions } from '../unpack/types.ts';
import { digestOf } from '../digest.ts';
import { ImageError } from '../errors.ts';
import { copyOf, readKept } from '../foreign/kept.ts';
import { checkForeign, parseForeign, tryForeign } from '../foreign/read.ts';
import type { Arrival, ArrivingBlob } from './arrival.ts';
import { readFileIfAny } from './atomic-file.ts';
import { hexOf, type BlobStore } from './blob-store.ts';
import { missing, type OnDamage } from './damage.ts';
import { withLock, type AcquireLock } from './lock.ts';
import { isOwnerAlive, ownerTag } from './owner.ts';
import { layerRecord } from './record-shapes.ts';
import type { LayerRecord } from './records.ts';
import type { RemoveTree } from './requests.ts';

export interface EnsureOptions extends UnpackOptions {
  /** For a blob that is not there yet: it is unpacked while it comes in. */
  readonly arrival?: Arrival | undefined;
}

export interface LayerStoreParts {
  readonly blobs: BlobStore;
  readonly unpacker: Unpacker;
  readonly acquireLock: AcquireLock;
  readonly removeTree: RemoveTree;
  readonly onDamage: OnDamage;
}

export class LayerStore {
  private readonly dir: string;
  private readonly blobs: BlobStore;
  private readonly unpacker: Unpacker;
  private readonly acquireLock: AcquireLock;
  private readonly removeTree: RemoveTree;
  private readonly onDamage: OnDamage;
  /** Records by diff id, with the inode of the layer's directory: a layer that was removed may come back from another blob. */
  private readonly known = new Map<string, { readonly ino: number; readonly record: LayerRecord }>();

  constructor(dir: string, { blobs, unpacker, acquireLock, removeTree, onDamage }: LayerStoreParts) {
    this.dir = dir;
    this.onDamage = onDamage;
    this.blobs = blobs;
    this.unpacker = unpacker;
    this.acquireLock = acquireLock;
    this.removeTree = removeTree;
  }

  has(diffId: string): boolean {
    return existsSync(join(this.dir, layerName(diffId)));
  }

  record(diffId: string): LayerRecord | undefined {
    const { ino } = statSync(join(this.dir, layerName(diffId)), { throwIfNoEntry: false }) ?? {};
    const known = this.known.get(diffId);
    if (known !== undefined && known.ino === ino) return known.record;
    const record = this.readRecord(layerName(diffId));
    if (record !== undefined && ino !== undefined) this.known.set(diffId, { ino, record });
    return record;
  }

  /** Unpacks a blob unless its layer is there. `diffId` is what it must turn out to be. */
  async ensure(blob: string, diffId: string, options: EnsureOptions): Promise<void> {
    if (this.has(diffId)) return;
    const lock = join(this.dir, 'locks', `layer-${hexOf(diffId)}.lock`);
    const unpack = async (): Promise<void> => {
      if (!this.has(diffId)) await this.unpack(blob, diffId, options);
    };
    await withLock(this.acquireLock, lock, unpack, options.signal);
  }

  /** Unpacks a blob whose diff id is not known yet; returns it. */
  async add(blob: string, options: UnpackOptions): Promise<string> {
    return await this.unpack(blob, undefined, options);
  }

  /** A directory of this process for a layer that it makes itself, in `fs`; removed once the process is gone. */
  prepare(): string {
    this.clearTemporary();
    return this.temporary();
  }

  /** Takes such a directory as the layer that its record names. The blob is in the store already. */
  async adopt(work: string, record: LayerRecord): Promise<void> {
    try {
      await this.writeRecord(work, record);
      this.finish(work, layerName(record.report.diffId));
    } finally {
      this.removeTree(work);
    }
  }

  /** The directories an overlay of these layers stacks, base first, relative to the store. All layers are there. */
  async stack(diffIds: readonly string[]): Promise<readonly string[]> {
    let dirs: string[] = [];
    let chain = '';
    for (const diffId of diffIds) {
      chain = chain === '' ? diffId : digestOf(`${chain} ${diffId}`);
      const report = this.record(diffId)?.report;
      const name = join(layerName(diffId), 'fs');
      if (report?.opaqueRoot === true) dirs = [];
      const overrides = report === undefined ? undefined : await this.overrides(chain, name, dirs, report);
      dirs.push(name, ...(overrides === undefined ? [] : [overrides]));
    }
    return dirs;
  }

  /** The layers and overrides that are there, as directories below the store. */
  list(): readonly string[] {
    return ['layers', 'overrides'].flatMap((kind) =>
      listDir(join(this.dir, kind)).map((name) => join(kind, name)),
    );
  }

  /** One of the list; returns the name of a layer, which one that is damaged has not. */
  delete(name: string): string | undefined {
    const record = tryForeign(layerRecord, readFileIfAny(join(this.dir, name, 'layer.json')) ?? '');
    // Renamed first: a layer that is half deleted must not have a layer's name.
    const grave = this.temporary();
    renameSync(join(this.dir, name), join(grave, 'doomed'));
    this.removeTree(grave);
    return record?.report.diffId;
  }

  /** Of a layer by the name of its directory; undefined if that is damaged or gone. */
  blobOf = (name: string): string | undefined =>
    tryForeign(layerRecord, readFileIfAny(join(this.dir, name, 'layer.json')) ?? '')?.blob;

  /**
   * Removes what processes that no longer live left half done. What cannot be removed stays for the next call: a child
   * still writes to it (ENOTEMPTY), or a container's overlay is still mounted there (EBUSY). No caller needs it gone.
   */
  clearTemporary(): void {
    const tmp = join(this.dir, 'tmp');
    for (const owner of listDir(tmp)) {
      if (isOwnerAlive(owner)) continue;
      try {
        this.removeTree(join(tmp, owner));
      } catch (error) {
        if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      }
    }
  }

  private async writeRecord(work: string, record: LayerRecord): Promise<void> {
    await writeFileSynced(join(work, 'layer.json'), `${JSON.stringify(record)}\n`);
    writeFileSync(copyOf(join(work, 'layer.json')), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  }

  private readRecord(name: string): LayerRecord | undefined {
    const path = join(this.dir, name, 'layer.json');
    const { value, damage } = readKept(path, readLayerRecord, (error) => error instanceof ImageError);
    if (damage !== undefined)
      this.onDamage(damage === 'missing' ? missing(path) : damage, 'Its copy is used.');
    return value;
  }

  private async unpack(blob: string, diffId: string | undefined, options: EnsureOptions): Promise<string> {
    this.clearTemporary();
    const work = this.temporary();
    try {
      const target = join(work, 'fs');
      const common = { kind: 'layer', target, ...(diffId === undefined ? {} : { diffId }) } as const;
      const { arrival, signal: stop } = options;
      const readAlong = async ({ blob, size, more, signal: restart }: ArrivingBlob): Promise<LayerReport> => {
        this.removeTree(target);
        mkdirSync(target, { mode: 0o755 });
        const signal = stop === undefined ? restart : AbortSignal.any([stop, restart]);
        return await this.unpacker.unpackLayer({ ...common, blob, size }, { ...options, more, signal });
      };
      mkdirSync(target, { mode: 0o755 });
      const report =
        arrival === undefined
          ? await this.unpacker.unpackLayer({ ...common, blob: this.blobs.path(blob) }, options)
          : await arrival.readAlong(readAlong);
      const record: LayerRecord = { blob, report };
      await this.writeRecord(work, record);
      this.finish(work, layerName(report.diffId));
      return report.diffId;
    } finally {
      this.removeTree(work);
    }
  }

  private async overrides(
    chain: string,
    layer: string,
    lower: readonly string[],
    { impliedDirs, danglingLinks }: LayerReport,
  ): Promise<string | undefined> {
    if (lower.length === 0 && danglingLinks.length === 0) return undefined;
    if (impliedDirs.length + danglingLinks.length === 0) return undefined;
    const name = join('overrides', shortHex(chain));
    if (!existsSync(join(this.dir, name))) {
      const work = this.temporary();
      try {
        const target = join(work, 'fs');
        mkdirSync(target, { mode: 0o755 });
        const { needed } = await this.unpacker.makeOverrides({
          kind: 'overrides',
          target,
          layer: join(this.dir, layer),
          lower: lower.map((dir) => join(this.dir, dir)),
          impliedDirs,
          danglingLinks,
        });
        if (!needed) rmdirSync(target);
        this.finish(work, name);
      } finally {
        this.removeTree(work);
      }
    }
    const fs = join(name, 'fs');
    return existsSync(join(this.dir, fs)) ? fs : undefined;
  }

  private finish(work: string, name: string): void {
    const final = join(this.dir, name);
    mkdirSync(join(final, '..'), { recursive: true, mode: 0o700 });
    try {
      renameSync(work, final);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another process made the same meanwhile, and the same it is: the name is its content's digest.
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
  }

  private temporary(): string {
    const tmp = join(this.dir, 'tmp');
    // Not readable for others: layers hold setuid programs that nobody should run outside a container.
    if (mkdirSync(tmp, { recursive: true, mode: 0o700 }) !== undefined) this.unpacker.prepareParent?.(tmp);
    const path = join(tmp, ownerTag());
    mkdirSync(path, { mode: 0o700 });
    return path;
  }
}

export function readLayerRecord(path: string): LayerRecord | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  const foreign = { what: `${path} is damaged: the record of a layer`, code: 'LAYER_CORRUPT' };
  return checkForeign(layerRecord, parseForeign(text, foreign), foreign);
}

/** Of a layer's directory below the store. */
export function layerName(diffId: string): string {
  return join('layers', shortHex(diffId));
}

function shortHex(digest: string): string {
  return hexOf(digest).slice(0, 32);
}

function listDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** On the disk itself when it returns; other layers go on meanwhile, since that can take a while. */
async function writeFileSynced(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
