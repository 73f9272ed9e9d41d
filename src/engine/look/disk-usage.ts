/** What images, containers, volumes and builds take on the disk, for `system df`. A layer counts once, in however many images it is. */
import type { StoredImage } from '../../../images/types.ts';
import type { Engine } from '../engine.ts';
import { overlayDir } from '../state/paths.ts';
import { listContainers } from '../reconcile.ts';
import { imagesOf } from '../prune/in-use.ts';
import { isActive } from '../spec/container.ts';
import type { Container } from '../state/store.ts';
import { treeSize } from '../state/tree-size.ts';
import { listVolumes, type Volume } from '../state/volumes.ts';
import { listBuildEntries, type BuildEntry } from './build-usage.ts';

export interface DiskUsage {
  readonly images: readonly {
    readonly image: StoredImage;
    /** Bytes of layers that other images have too. */
    readonly shared: number;
    readonly containers: number;
  }[];
  /** Bytes of all images' layers. */
  readonly layers: number;
  readonly containers: readonly { readonly container: Container; readonly size: number }[];
  readonly volumes: readonly { readonly volume: Volume; readonly links: number; readonly size: number }[];
  readonly builds: readonly BuildEntry[];
}

export async function readDiskUsage(engine: Engine): Promise<DiskUsage> {
  const store = await engine.images();
  const images = await store.list();
  const containers = await listContainers(engine.containers);
  const users = new Map<string, number>();
  const sizes = new Map<string, number>();
  for (const { config } of images) {
    for (const layer of new Set(config.rootfs.diff_ids)) {
      users.set(layer, (users.get(layer) ?? 0) + 1);
      if (!sizes.has(layer)) sizes.set(layer, store.layer(layer).report.size);
    }
  }
  const sum = (layers: readonly string[]): number =>
    layers.reduce((total, layer) => total + (sizes.get(layer) ?? 0), 0);
  return {
    images: images.map((image) => ({
      image,
      shared: sum(image.config.rootfs.diff_ids.filter((layer) => (users.get(layer) ?? 0) > 1)),
      containers: containers.filter(({ config }) => imagesOf(config).includes(image.id)).length,
    })),
    layers: sum([...sizes.keys()]),
    containers: containers.map((container) => ({
      container,
      size: treeSize(`${overlayDir(engine.paths, container.config.id)}/upper`),
    })),
    // Docker leaves out those with options of the driver: what they hold is not on this disk, or counted there.
    volumes: listVolumes(engine.paths)
      .filter(({ options }) => options === undefined)
      .map((volume) => ({
        volume,
        links: containers.filter(({ config }) =>
          config.spec.mounts.some((mount) => mount.volume === volume.name),
        ).length,
        size: treeSize(volume.mountpoint),
      })),
    builds: await listBuildEntries(engine),
  };
}

export interface Summary {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

/** Bytes that no image has as well. The same layer may have come of several instructions. */
export const ownSize = (builds: readonly BuildEntry[]): number =>
  [...new Map(builds.map((entry) => [entry.diffId || entry.id, entry])).values()]
    .filter(({ shared }) => !shared)
    .reduce((total, { size }) => total + size, 0);

/** One for each kind, in Docker's order. */
export function summarise({ images, layers, containers, volumes, builds }: DiskUsage): readonly Summary[] {
  const sum = (sizes: readonly { readonly size: number }[]): number =>
    sizes.reduce((total, { size }) => total + size, 0);
  const used = images.filter(({ containers: users }) => users > 0);
  const inactive = containers.filter(({ container }) => !isActive(container.state));
  const unused = volumes.filter(({ links }) => links === 0);
  const kept = used.reduce((total, { image, shared }) => total + image.size - shared, 0);
  return [
    { type: 'Images', total: images.length, active: used.length, size: layers, reclaimable: layers - kept },
    {
      type: 'Containers',
      total: containers.length,
      active: containers.length - inactive.length,
      size: sum(containers),
      reclaimable: sum(inactive),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: volumes.length - unused.length,
      size: sum(volumes),
      reclaimable: sum(unused),
    },
    {
      type: 'Build Cache',
      total: builds.length,
      active: 0,
      size: ownSize(builds),
      reclaimable: ownSize(builds),
    },
  ];
}
