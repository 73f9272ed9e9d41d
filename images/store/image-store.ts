/**
 * The images of this machine: their blobs, their unpacked layers, their names. An image is in the store once the
 * index says so, and the index says so last, when every blob is verified and every layer unpacked; whatever breaks
 * off before leaves nothing but content that the next clean-up takes.
 *
 * Safe with any number of processes at once: content is named by its digest and arrives by rename(2), names change
 * under one lock, and nothing is cleaned up while another process is adding (leases.ts).
 *
 * Layout below `dir`: images.json, blobs/, layers/, overrides/, and locks/, leases/, tmp/ for what is in progress.
 */
import { join, relative } from 'node:path';
import { ImageError } from '../errors.ts';
import { readImageConfig } from '../manifest.ts';
import { fullName, tagOf } from '../reference.ts';
import type { ImageConfig, StoredImage } from '../types.ts';
import { historyLines, type HistoryLine } from './history.ts';
import { BlobStore } from './blob-store.ts';
import type { OnDamage } from './damage.ts';
import { ImageIndex, moveTag, type ImageRecords } from './image-index.ts';
import { deleteGarbage, findGarbage, NO_GARBAGE, UNWATCHED, type Garbage } from './garbage.ts';
import { withoutRepeats } from './layer-stack.ts';
import { LayerStore } from './layer-store.ts';
import type { ImageRecord, LayerRecord } from './records.ts';
import { Leases } from './leases.ts';
import { withLock, type AcquireLock } from './lock.ts';
import { matchImage, noSuchImage } from './names.ts';
import { planPrune, planRemoval, type RemovalPlan } from './removal.ts';
import type { EnsureLayer, ImageStoreOptions, Pushed, PutImage, Removal, RemoveOptions } from './requests.ts';

export class ImageStore {
  readonly blobs: BlobStore;
  private readonly dir: string;
  private readonly index: ImageIndex;
  private readonly layers: LayerStore;
  private readonly leases: Leases;
  private readonly acquireLock: AcquireLock;
  private readonly onDamage: OnDamage;
  /** By id, which is its digest. */
  private readonly configs = new Map<string, ImageConfig>();

  constructor({ dir, unpacker, acquireLock, removeTree, onDamage = () => undefined }: ImageStoreOptions) {
    this.dir = dir;
    this.acquireLock = acquireLock;
    this.onDamage = onDamage;
    this.index = new ImageIndex(join(dir, 'images.json'), onDamage);
    this.leases = new Leases(join(dir, 'leases'));
    this.blobs = new BlobStore(join(dir, 'blobs'), acquireLock, () => this.lease());
    this.layers = new LayerStore(dir, { blobs: this.blobs, unpacker, acquireLock, removeTree, onDamage });
  }

  /** Whether a layer is unpacked already; then its blob need not be fetched. It will not go away meanwhile. */
  async hasLayer(diffId: string): Promise<boolean> {
    await this.lease();
    return this.isUnpacked(diffId);
  }

  /** The same for who only tells: it may go away the next moment. */
  isUnpacked = (diffId: string): boolean => this.layers.has(diffId);

  /** Unpacks the layer unless it is there. */
  async ensureLayer({ descriptor, diffId, ...options }: EnsureLayer): Promise<void> {
    await this.lease();
    await this.layers.ensure(descriptor.digest, diffId, options);
  }

  /** Unpacks a layer that no configuration names yet, and says what it should be called there. */
  async addLayer(blob: string): Promise<string> {
    await this.lease();
    return await this.layers.add(blob, {});
  }

  /** For a layer that this process makes: a directory that holds it as `fs`. */
  async prepareLayer(): Promise<string> {
    await this.lease();
    return this.layers.prepare();
  }

  /** Such a directory becomes a layer; those of processes that are gone go. */
  adoptLayer = (work: string, record: LayerRecord): Promise<void> => this.layers.adopt(work, record);
  clearTemporary = (): void => this.layers.clearTemporary();

  /** What an overlay of these layers stacks, base first. */
  async layerDirs(diffIds: readonly string[]): Promise<readonly string[]> {
    return withoutRepeats(await this.layers.stack(diffIds)).map((dir) => join(this.dir, dir));
  }

  /** What is known of an unpacked layer. @throws ImageError 'LAYER_MISSING'. */
  layer(diffId: string): LayerRecord {
    const record = this.layers.record(diffId);
    if (record === undefined) {
      throw new ImageError({
        code: 'LAYER_MISSING',
        message: `the layer ${diffId} is not in the store`,
        hint: 'pull or load its image again',
      });
    }
    return record;
  }

  async putImage(image: PutImage): Promise<StoredImage> {
    const { manifestDigest, manifestBytes, configDigest, tag, repoDigest } = image;
    if (manifestBytes !== undefined) await this.blobs.putBytes(manifestBytes);
    const config = readImageConfig(this.blobs.readBytes(configDigest), fullName(tag ?? configDigest));
    const diffIds = config.rootfs.diff_ids;
    const layers = diffIds.map((diffId) => {
      const { blob, report } = this.layer(diffId);
      return { diffId, blob, size: report.size };
    });
    const layerDirs = await this.layers.stack(diffIds);
    await this.blobs.sync([manifestDigest, configDigest]);
    return await this.change((images) => {
      const old = images.get(configDigest);
      const parent = image.parent ?? old?.parent;
      const record: ImageRecord = {
        id: configDigest,
        manifestDigest,
        tags: old?.tags ?? [],
        repoDigests: [
          ...new Set([...(old?.repoDigests ?? []), ...(repoDigest === undefined ? [] : [repoDigest])]),
        ],
        layers,
        layerDirs,
        lastTagged: now(),
        ...(parent === undefined ? {} : { parent }),
      };
      const added = new Map([...images, [configDigest, record]]);
      const named = tag === undefined ? added : moveTag(added, configDigest, tag);
      return { images: named, result: this.stored(named.get(configDigest) ?? record, config) };
    });
  }

  /** A registry has the image now, under this digest; the manifest it was given is kept. */
  async notePushed(image: StoredImage, { manifestDigest, manifestBytes, repoDigest }: Pushed): Promise<void> {
    await this.blobs.putBytes(manifestBytes);
    await this.blobs.sync([manifestDigest]);
    await this.change((images) => {
      const record = images.get(image.id);
      // Removed meanwhile: then nobody asks any more.
      if (record === undefined) return { images, result: undefined };
      const repoDigests = [...new Set([...record.repoDigests, repoDigest])];
      const noted = new Map([...images, [image.id, { ...record, manifestDigest, repoDigests }]]);
      return { images: noted, result: undefined };
    });
  }

  /** By name ('nginx', 'nginx:1', 'nginx@sha256:…'), id, or unambiguous beginning of an id. */
  async find(nameOrId: string): Promise<StoredImage | undefined> {
    const match = matchImage(this.index.read(), nameOrId);
    return match === undefined ? undefined : await this.load(match.image);
  }

  /** Newest first. */
  async list(): Promise<readonly StoredImage[]> {
    const records = [...this.index.read().values()];
    const loaded = await Promise.all(records.map((record) => this.tryLoad(record)));
    const images = loaded.filter((image) => image !== undefined);
    return images.sort(
      (a, b) => Date.parse(b.config.created ?? '') - Date.parse(a.config.created ?? '') || 0,
    );
  }

  /** `name` as a user writes it. */
  async tag(image: StoredImage, name: string): Promise<void> {
    const tag = tagOf(name);
    await this.change((images) => {
      const record = images.get(image.id);
      if (record === undefined) throw noSuchImage(image.id);
      const touched = new Map([...images, [image.id, { ...record, lastTagged: now() }]]);
      return { images: moveTag(touched, image.id, tag), result: undefined };
    });
  }

  /** `docker rmi`: takes names away, and deletes the image with its last one. */
  async remove(nameOrId: string, options: RemoveOptions = {}): Promise<Removal> {
    const { force = false, inUse = new Map(), keepParents = false } = options;
    return await this.delete(options, (images) => {
      const match = matchImage(images, nameOrId);
      if (match === undefined) throw noSuchImage(nameOrId);
      return planRemoval(images, match, nameOrId, { force, inUse, parents: !keepParents });
    });
  }

  /** Deletes images without a name, or with `all` all without a container, and everything nothing refers to. */
  async prune({
    all = false,
    inUse = new Map(),
    ...options
  }: Omit<RemoveOptions, 'force' | 'keepParents'> & {
    readonly all?: boolean | undefined;
  }): Promise<Removal & { readonly bytes: number }> {
    let bytes = 0;
    const removal = await this.delete(options, (images) => {
      const plan = planPrune(images, all, inUse);
      const kept = new Set(
        [...plan.images.values()].flatMap(({ layers }) => layers.map(({ diffId }) => diffId)),
      );
      const gone = new Map(
        plan.deleted.flatMap(({ layers }) => layers.map(({ diffId, size }) => [diffId, size])),
      );
      for (const [diffId, size] of gone) if (!kept.has(diffId)) bytes += size;
      return plan;
    });
    return { ...removal, bytes };
  }

  /** Topmost first, as `docker history` prints it. */
  history(image: StoredImage): readonly HistoryLine[] {
    return historyLines(image, (diffId) => this.layer(diffId).report.size);
  }

  private async delete(
    { stacked = new Set(), watch = UNWATCHED }: Pick<RemoveOptions, 'stacked' | 'watch'>,
    plan: (images: ImageRecords) => RemovalPlan,
  ): Promise<Removal> {
    return await this.locked(async () => {
      const { images, untagged, deleted } = plan(this.index.read(true));
      const ids = deleted.map(({ id }) => id);
      const garbage = await this.garbage(images, stacked);
      if (!watch.planned({ untagged, deleted: ids, ...garbage })) return { untagged: [], deleted: [] };
      await watch.perform('names', () => Promise.resolve(this.index.write(images)));
      if (garbage === NO_GARBAGE) return { untagged, deleted: ids };
      return { untagged, deleted: [...ids, ...(await deleteGarbage(garbage, this, this.layers, watch))] };
    });
  }

  /** The lock is held. Someone may be adding an image; the next removal will find what this one leaves. */
  private async garbage(images: ImageRecords, stacked: ReadonlySet<string>): Promise<Garbage> {
    if (this.leases.othersHold()) return NO_GARBAGE;
    const below = [...stacked].map((dir) => relative(this.dir, dir));
    return await findGarbage(this, this.layers, images, below);
  }

  /** undefined if its configuration is lost, after a report: it must not hide the other images. */
  private async tryLoad(record: ImageRecord): Promise<StoredImage | undefined> {
    try {
      return await this.load(record);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      this.onDamage(error, 'This image is left out.');
      return undefined;
    }
  }

  private async load(record: ImageRecord): Promise<StoredImage> {
    const name = fullName(record.tags[0] ?? record.id);
    const hint = `remove the image (minidock rmi ${name}), then pull or load it again`;
    try {
      const config = this.configs.get(record.id) ?? readImageConfig(this.blobs.readBytes(record.id), name);
      this.configs.set(record.id, config);
      return this.stored(record, config);
    } catch (cause) {
      if (!(cause instanceof ImageError)) throw cause;
      const message = `${cause.message} (${this.blobs.path(record.id)})`;
      throw new ImageError({ code: cause.code, message, hint, cause });
    }
  }

  private stored(record: ImageRecord, config: ImageConfig): StoredImage {
    return {
      id: record.id,
      config,
      manifestDigest: record.manifestDigest,
      tags: record.tags,
      repoDigests: record.repoDigests,
      layerDirs: withoutRepeats(record.layerDirs).map((dir) => join(this.dir, dir)),
      size: record.layers.reduce((sum, { size }) => sum + size, 0),
      lastTagged: record.lastTagged,
      ...(record.parent === undefined ? {} : { parent: record.parent }),
    };
  }

  private async lease(): Promise<void> {
    if (this.leases.held) return;
    await this.locked(() => {
      this.leases.take();
      return Promise.resolve();
    });
  }

  private async change<T>(work: (images: ImageRecords) => { images: ImageRecords; result: T }): Promise<T> {
    return await this.locked(() => {
      const { images, result } = work(this.index.read(true));
      this.index.write(images);
      return Promise.resolve(result);
    });
  }

  private async locked<T>(work: () => Promise<T>): Promise<T> {
    return await withLock(this.acquireLock, join(this.dir, 'locks', 'index.lock'), work);
  }
}

const now = (): string => new Date().toISOString();
