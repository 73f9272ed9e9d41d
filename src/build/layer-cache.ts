/** The layer of an instruction: from the cache of builds if the digest of all that goes into it is there, else made. */
import { digestOf } from '../../images/digest.ts';
import { mediaTypes } from '../../images/media-types.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { Descriptor } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import { findCached, writeCached } from '../engine/state/build-cache.ts';
import { beginLayer, discardLayer, endLayer, type NewLayer } from './execute/layer.ts';
import type { Stage } from './stage.ts';

export interface CacheParts {
  readonly engine: Engine;
  readonly store: ImageStore;
  readonly useCache: boolean;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number | undefined;
}

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

  /** From the cache, or made by `make`. */
  async layer(
    stage: Stage,
    createdBy: string,
    words: readonly unknown[],
    cached: () => void,
    make: (layer: NewLayer) => Promise<void>,
  ): Promise<Stage> {
    const { engine, store, epoch, useCache } = this.parts;
    const key = keyOf(stage.key, epoch, words);
    const record = useCache && stage.fresh !== true ? findCached(engine.paths, key) : undefined;
    if (record !== undefined && (await store.hasLayer(record.diffId))) {
      const { blob, report } = store.layer(record.diffId);
      if (await store.blobs.has(blob, report.tarSize)) {
        cached();
        return this.withLayer(stage, record.diffId, createdBy, record.created);
      }
    }
    const layer = await beginLayer(store);
    try {
      await make(layer);
      const { diffId, size } = await endLayer(store, layer, epoch === undefined ? undefined : this.time);
      const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
      writeCached(engine.paths, { key, diffId, size, created, description: createdBy, parent: stage.key });
      return await this.withLayer(stage, diffId, createdBy, created);
    } finally {
      await discardLayer(layer);
    }
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
