/** The verbs of two words that are not other names of one: `network create`, `system df`. */
import type { VerbEntry } from './verb-entry.ts';

export const GROUP_VERBS: readonly VerbEntry[] = [
  {
    name: 'container inspect',
    summary: 'Display detailed information on one or more containers',
    load: async () => (await import('../system/inspect.ts')).containerInspect,
  },
  {
    name: 'image inspect',
    summary: 'Display detailed information on one or more images',
    load: async () => (await import('../system/inspect.ts')).imageInspect,
  },
  {
    name: 'volume create',
    summary: 'Create a volume',
    load: async () => (await import('../system/volume-create.ts')).volumeCreate,
  },
  {
    name: 'volume ls',
    aliases: ['volume list'],
    summary: 'List volumes',
    load: async () => (await import('../system/volume.ts')).volumeList,
  },
  {
    name: 'volume inspect',
    summary: 'Display detailed information on one or more volumes',
    load: async () => (await import('../system/inspect.ts')).volumeInspect,
  },
  {
    name: 'volume rm',
    aliases: ['volume remove'],
    summary: 'Remove one or more volumes',
    load: async () => (await import('../system/volume.ts')).volumeRemove,
  },
  {
    name: 'network create',
    summary: 'Create a network',
    load: async () => (await import('../system/network-create.ts')).networkCreate,
  },
  {
    name: 'network ls',
    aliases: ['network list'],
    summary: 'List networks',
    load: async () => (await import('../system/network-list.ts')).networkList,
  },
  {
    name: 'network inspect',
    summary: 'Display detailed information on one or more networks',
    load: async () => (await import('../system/network.ts')).networkInspect,
  },
  {
    name: 'network connect',
    summary: 'Connect a container to a network',
    load: async () => (await import('../system/network-connect.ts')).networkConnect,
  },
  {
    name: 'network disconnect',
    summary: 'Disconnect a container from a network',
    load: async () => (await import('../system/network-connect.ts')).networkDisconnect,
  },
  {
    name: 'network rm',
    aliases: ['network remove'],
    summary: 'Remove one or more networks',
    load: async () => (await import('../system/network.ts')).networkRemove,
  },
  {
    name: 'system boot',
    summary: 'Start the containers whose restart policy says so, after the host has started',
    load: async () => (await import('../system/boot.ts')).boot,
  },
  {
    name: 'system halt',
    summary: 'Stop all containers before the host goes down; `system boot` brings them back',
    load: async () => (await import('../system/boot.ts')).halt,
  },
  {
    name: 'container prune',
    summary: 'Remove all stopped containers',
    load: async () => (await import('../prune/prune.ts')).containerPrune,
  },
  {
    name: 'image prune',
    summary: 'Remove unused images',
    load: async () => (await import('../prune/prune.ts')).imagePrune,
  },
  {
    name: 'volume prune',
    summary: 'Remove unused local volumes',
    load: async () => (await import('../prune/prune.ts')).volumePrune,
  },
  {
    name: 'network prune',
    summary: 'Remove all unused networks',
    load: async () => (await import('../prune/prune.ts')).networkPrune,
  },
  {
    name: 'builder du',
    aliases: ['buildx du'],
    summary: 'Show what builds have kept',
    load: async () => (await import('../build/builder-du.ts')).builderDu,
  },
  {
    name: 'builder prune',
    aliases: ['buildx prune'],
    summary: 'Remove build cache',
    load: async () => (await import('../prune/prune.ts')).builderPrune,
  },
  {
    name: 'system prune',
    summary: 'Remove unused data',
    load: async () => (await import('../prune/prune.ts')).systemPrune,
  },
  {
    name: 'system df',
    summary: 'Show disk usage',
    load: async () => (await import('../look/df.ts')).df,
  },
  {
    name: 'context ls',
    aliases: ['context list'],
    summary: 'List contexts',
    load: async () => (await import('../look/context.ts')).contextList,
  },
  {
    name: 'context show',
    summary: 'Print the name of the current context',
    load: async () => (await import('../look/context.ts')).contextShow,
  },
  {
    name: 'context use',
    summary: 'Set the current context',
    load: async () => (await import('../look/context.ts')).contextUse,
  },
];
