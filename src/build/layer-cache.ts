/** The layer of an instruction: from the cache of builds if the digest of all that goes into it is there, else made. */
import { statSync } from 'node:fs';
import { digestOf } from '../../images/digest.ts';
import { mediaTypes } from '../../images/media-types.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { Descriptor } from '../../images/types.ts';
import { compressionOf } from '../../images/unpack/file-compression.ts';
import { oneLine } from '../../runtime/printable.ts';
import type { Engine } from '../engine/engine.ts';
import { findCached, listCached, writeCached, type CacheRecord } from '../engine/state/build-cache.ts';
import { beginStep } from './build-steps.ts';
import type { ImportedCache } from './cache/import-cache.ts';
import { beginLayer, discardLayer, endLayer, type NewLayer } from './execute/layer.ts';
import type { Stage } from './stage.ts';

export interface CacheParts {
  readonly engine: Engine;
  readonly store: ImageStore;
  readonly useCache: boolean;
  /** Nothing is made. */
  readonly dryRun: boolean;
  /** Someone reads why a layer is not in the cache. */
  readonly explains: boolean;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number | undefined;
  /** Of --cache-from. */
  readonly imported: ImportedCache;
  readonly warn: (text: string) => void;
}

export interface Outcome {
  readonly how: 'cached' | 'made';
  readonly why: string;
}

/** Called before a layer is made. */
export type Cached = (outcome: Outcome) => void;

export const keyOf = (...parts: readonly unknown[]): string =>
  digestOf(Buffer.from(JSON.stringify(parts))).slice('sha256:'.length);

/**
 * Files are what their layers are, however they came about: an instruction that was carried out again and made
 * something else takes all that is built on it along.
 */
export const keyOfLayers = (diffIds: readonly string[]): string => keyOf('base', ...diffIds);

export class LayerCache {
  /** Nanoseconds, for what has no time of its own. */
  readonly time: bigint;
  /** All that the build has used or made, by key. */
  readonly used = new Map<string, CacheRecord>();

  constructor(private readonly parts: CacheParts) {
    this.time = BigInt(parts.epoch ?? 0) * 1_000_000_000n;
  }

  /** From the cache, or made by `make`; of a dry run the stage is unknown from there on. */
  async layer(
    stage: Stage,
    createdBy: string,
    words: readonly unknown[],
    cached: Cached,
    make: (layer: NewLayer) => Promise<void>,
  ): Promise<Stage> {
    const { engine, store, epoch } = this.parts;
    const key = keyOf(stage.key, epoch, words);
    const found = await this.find(stage, key, createdBy);
    if (typeof found !== 'string') {
      cached({ how: 'cached', why: `the same over the same layers, made ${found.created}: ${found.diffId}` });
      return this.withLayer(stage, found, createdBy);
    }
    const imported = await this.fetch(stage, key, createdBy, cached);
    if (imported !== undefined && this.parts.dryRun) return { ...stage, isUnknown: true };
    if (imported !== undefined) return this.withLayer(stage, imported, createdBy);
    cached({ how: 'made', why: found });
    if (this.parts.dryRun) return { ...stage, isUnknown: true };
    beginStep('layer.begin');
    const layer = await beginLayer(store);
    try {
      beginStep('layer.fill');
      await make(layer);
      const { diffId, size } = await endLayer(store, layer, epoch === undefined ? undefined : this.time);
      const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
      const record = { key, diffId, size, created, description: createdBy, parent: stage.key };
      beginStep('layer.record');
      writeCached(engine.paths, record);
      return await this.withLayer(stage, record, createdBy);
    } finally {
      discardLayer(layer);
    }
  }

  /** The record, or why there is none. */
  private async find(stage: Stage, key: string, createdBy: string): Promise<CacheRecord | string> {
    const { engine, store, useCache } = this.parts;
    if (!useCache) return '--no-cache';
    if (stage.fresh === true) return '--no-cache-filter names the stage';
    const record = findCached(engine.paths, key);
    if (record === undefined) return this.whyNot(stage, createdBy);
    // Who wrote that cache decided what the key stands for, and this build does not name it.
    if (record.from !== undefined && this.parts.imported.get(key)?.from !== record.from)
      return `its layer came from the build cache ${record.from}, which this build does not name`;
    if (!(await store.hasLayer(record.diffId))) return 'its layer is no longer in the store';
    const { blob, report } = store.layer(record.diffId);
    // What came compressed, with an image or a cache, has another size.
    const size = blob === record.diffId ? report.tarSize : undefined;
    return (await store.blobs.has(blob, size)) ? record : 'its layer is no longer in the store';
  }

  /** The layer that another machine made for the key, now in the store; not of a dry run. undefined: there is none. */
  private async fetch(
    stage: Stage,
    key: string,
    createdBy: string,
    cached: Cached,
  ): Promise<CacheRecord | undefined> {
    const { engine, store, imported, useCache, dryRun, warn } = this.parts;
    const found = imported.get(key);
    if (found === undefined || !useCache || stage.fresh === true) return undefined;
    const { diffId, created, from, fetch } = found;
    try {
      if (!dryRun) await fetch();
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      if ((error as { code?: unknown }).code === 'INTERRUPTED') throw error;
      warn(`warning: a layer of the build cache ${from} is not used: ${oneLine((error as Error).message)}\n`);
      return undefined;
    }
    cached({ how: 'cached', why: `in the build cache ${from}, made ${created}: ${diffId}` });
    const size = dryRun ? 0 : store.layer(diffId).report.size;
    const record = { key, diffId, size, created, description: createdBy, parent: stage.key, from };
    if (!dryRun) writeCached(engine.paths, record);
    return record;
  }

  /** Only who asks pays for it: it reads all records. */
  private whyNot(stage: Stage, createdBy: string): string {
    if (!this.parts.explains) return 'not in the cache';
    const siblings = listCached(this.parts.engine.paths).filter(({ parent }) => parent === stage.key);
    if (siblings.length === 0) return 'nothing in the cache is built on these layers';
    if (!siblings.some(({ description }) => description === createdBy))
      return 'the instruction is new on these layers';
    return createdBy.startsWith('RUN')
      ? 'its environment, user, directory or mounts are not those of the layer in the cache'
      : 'what it copies is not what the layer in the cache has: contents, modes, owners or names';
  }

  private async withLayer(stage: Stage, record: CacheRecord, createdBy: string): Promise<Stage> {
    const { store } = this.parts;
    const { diffId, created } = record;
    this.used.set(record.key, record);
    const layers = [...stage.layers, { diffId, descriptor: descriptorOf(store, diffId) }];
    return {
      ...stage,
      key: keyOfLayers(layers.map((layer) => layer.diffId)),
      cacheKeys: [...stage.cacheKeys, record.key],
      layers,
      dirs: await store.layerDirs(layers.map((layer) => layer.diffId)),
      created,
      history: [...stage.history, { created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }],
    };
  }
}

/** Of the blob that is kept of a layer: plain if it was made here, and as it came otherwise. */
export function descriptorOf(store: ImageStore, diffId: string): Descriptor {
  const { blob, report } = store.layer(diffId);
  if (blob === diffId) return { mediaType: mediaTypes.layer('none'), digest: blob, size: report.tarSize };
  const file = store.blobs.path(blob);
  return { mediaType: mediaTypes.layer(compressionOf(file)), digest: blob, size: statSync(file).size };
}
