/** `system df` as rows: the summary, and with -v the tables of images, containers, volumes and builds. */
import { ownSize, type DiskUsage, type Summary } from '../engine/look/disk-usage.ts';
import type { ContainerConfig } from '../engine/spec/container.ts';
import { humanAgo, humanSize } from '../ui/human.ts';
import { containerRow } from './container-row.ts';
import { imageEntries, imageRow } from './image-row.ts';
import type { ListStyle, Row } from './rows.ts';

export const SUMMARY_STYLE: ListStyle = {
  columns: { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' },
  defaultColumns: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
  quietColumn: 'Type',
};

export function summaryRow({ type, total, active, size, reclaimable }: Summary): Row {
  const share = size > 0 ? ` (${String(Math.trunc((reclaimable * 100) / size))}%)` : '';
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable, 4)}${share}`,
    Size: humanSize(size, 4),
    TotalCount: String(total),
    Type: type,
  };
}

export interface DetailTable {
  readonly title: string;
  /** In the template's data. */
  readonly name: string;
  readonly style: ListStyle;
  readonly rows: readonly Row[];
}

/** `imageName`: what `ps` calls a container's image now. */
export function detailTables(
  usage: DiskUsage,
  now: Date,
  imageName: (config: ContainerConfig) => string,
): readonly DetailTable[] {
  const byId = new Map(usage.images.map((one) => [one.image.id, one]));
  const options = { noTrunc: false, now };
  return [
    {
      title: 'Images space usage:',
      name: 'Images',
      style: IMAGES,
      rows: imageEntries(usage.images.map(({ image }) => image)).map((entry) => {
        const { shared = 0, containers = 0 } = byId.get(entry.image.id) ?? {};
        return {
          ...imageRow(entry, options),
          SharedSize: humanSize(shared, 4),
          UniqueSize: humanSize(entry.image.size - shared, 4),
          Containers: String(containers),
        };
      }),
    },
    {
      title: 'Containers space usage:',
      name: 'Containers',
      style: CONTAINERS,
      rows: usage.containers.map(({ container, size }) => ({
        ...containerRow(container, { ...options, imageName }),
        Size: humanSize(size),
      })),
    },
    {
      title: 'Local Volumes space usage:',
      name: 'Volumes',
      style: VOLUMES,
      rows: usage.volumes.map(({ volume, links, size }) => ({
        Driver: 'local',
        Links: String(links),
        Mountpoint: volume.mountpoint,
        Name: volume.name,
        Scope: 'local',
        Size: humanSize(size),
      })),
    },
    {
      title: `Build cache usage: ${humanSize(ownSize(usage.builds), 4)}`,
      name: 'BuildCache',
      style: CACHE,
      rows: usage.builds.map(({ id, type, size, created, lastUsed, shared }) => ({
        ID: id.slice(0, 12),
        CacheType: type,
        Size: humanSize(size, 4),
        CreatedSince: humanAgo(created, now),
        LastUsedSince: humanAgo(new Date(lastUsed).toISOString(), now),
        // Nobody counts.
        UsageCount: '',
        Shared: String(shared),
      })),
    },
  ];
}

const IMAGES: ListStyle = {
  columns: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    Size: 'SIZE',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    Containers: 'CONTAINERS',
  },
  defaultColumns: [
    ...['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers'],
  ],
  quietColumn: 'ID',
};

const CONTAINERS: ListStyle = {
  columns: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    LocalVolumes: 'LOCAL VOLUMES',
    Size: 'SIZE',
    RunningFor: 'CREATED',
    Status: 'STATUS',
    Names: 'NAMES',
  },
  defaultColumns: ['ID', 'Image', 'Command', 'LocalVolumes', 'Size', 'RunningFor', 'Status', 'Names'],
  quietColumn: 'ID',
};

const VOLUMES: ListStyle = {
  columns: { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' },
  defaultColumns: ['Name', 'Links', 'Size'],
  quietColumn: 'Name',
};

const CACHE: ListStyle = {
  columns: {
    ID: 'CACHE ID',
    CacheType: 'CACHE TYPE',
    Size: 'SIZE',
    CreatedSince: 'CREATED',
    LastUsedSince: 'LAST USED',
    UsageCount: 'USAGE',
    Shared: 'SHARED',
  },
  defaultColumns: ['ID', 'CacheType', 'Size', 'CreatedSince', 'LastUsedSince', 'UsageCount', 'Shared'],
  quietColumn: 'ID',
};
