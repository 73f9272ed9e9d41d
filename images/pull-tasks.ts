/**
 * What a pull has to do once the manifest and the configuration are known: three tasks for each layer, then the name.
 * pull.ts carries these objects out; the engine prints the same ones as commands.
 */
import type { Descriptor, ImageConfig, Manifest } from './types.ts';

export interface LayerTask {
  readonly kind: 'download' | 'verify' | 'unpack';
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

export interface NameTask {
  readonly kind: 'name';
  readonly name: string;
}

export type PullTask = LayerTask | NameTask;

export type LayerTasks = readonly [download: LayerTask, verify: LayerTask, unpack: LayerTask];

export interface PullTasks {
  readonly config: Descriptor;
  readonly layers: readonly LayerTasks[];
  readonly name: NameTask;
}

/** Called around the work of each task, which calls `already` if its result was here before. */
export type Perform = <T>(task: PullTask, work: (already: () => void) => Promise<T>) => Promise<T>;

/** A layer that an image has twice is fetched once. */
export function planPull({ config, layers }: Manifest, { rootfs }: ImageConfig, name: string): PullTasks {
  const byDiffId = new Map<string, LayerTasks>();
  for (const [index, descriptor] of layers.entries()) {
    const diffId = rootfs.diff_ids[index] ?? '';
    const task = (kind: LayerTask['kind']): LayerTask => ({ kind, descriptor, diffId });
    if (!byDiffId.has(diffId)) byDiffId.set(diffId, [task('download'), task('verify'), task('unpack')]);
  }
  return { config, layers: [...byDiffId.values()], name: { kind: 'name', name } };
}
