/** The layer of an instruction: from the cache of builds if the digest of all that goes into it is there, else made. */
import { digestOf } from '../../images/digest.ts';
import { mediaTypes } from '../../images/media-types.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { Descriptor } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import { findCached, listCached, writeCached, type CacheRecord } from '../engine/state/build-cache.ts';
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
      return this.withLayer(stage, found.diffId, createdBy, found.created);
    }
    cached({ how: 'made', why: found });
    if (this.parts.dryRun) return { ...stage, isUnknown: true };
    const layer = await beginLayer(store);
    try {
      await make(layer);
      const { diffId, size } = await endLayer(store, layer, epoch === undefined ? undefined : this.time);
      const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
      writeCached(engine.paths, { key, diffId, size, created, description: createdBy, parent: stage.key });
      return await this.withLayer(stage, diffId, createdBy, created);
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
    if (!(await store.hasLayer(record.diffId))) return 'its layer is no longer in the store';
    const { blob, report } = store.layer(record.diffId);
    return (await store.blobs.has(blob, report.tarSize)) ? record : 'its layer is no longer in the store';
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

  private async withLayer(stage: Stage, diffId: string, createdBy: string, created: string): Promise<Stage> {
    const { store } = this.parts;
    const { blob, report } = store.layer(diffId);
    const descriptor: Descriptor = {
      mediaType: mediaTypes.layer('none'),
      digest: blob,
      size: report.tarSize,
    };
    const layers = [...stage.layers, { diffId, descriptor }];
    return {
      ...stage,
      key: keyOfLayers(layers.map((layer) => layer.diffId)),
      layers,
      dirs: await store.layerDirs(layers.map((layer) => layer.diffId)),
      created,
      history: [...stage.history, { created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }],
    };
  }
}
