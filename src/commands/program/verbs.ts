/** The table of verbs and their modules, in the order of --help. */
import { GROUP_VERBS } from './group-verbs.ts';
import type { VerbEntry } from './verb-entry.ts';

/** The first words of verbs of two, in the order of --help. */
export const GROUPS: Readonly<Record<string, string>> = {
  builder: 'Manage builds',
  container: 'Manage containers',
  context: 'Manage contexts',
  image: 'Manage images',
  manifest: 'Manage Docker image manifests and manifest lists',
  network: 'Manage networks',
  system: 'Manage minidock',
  volume: 'Manage volumes',
};

export const VERBS: readonly VerbEntry[] = [
  {
    name: 'run',
    aliases: ['container run'],
    summary: 'Create and run a new container from an image',
    load: async () => (await import('../container/run.ts')).run,
  },
  {
    name: 'create',
    aliases: ['container create'],
    summary: 'Create a new container',
    load: async () => (await import('../container/create.ts')).create,
  },
  {
    name: 'start',
    aliases: ['container start'],
    summary: 'Start one or more stopped containers',
    load: async () => (await import('../container/start.ts')).start,
  },
  {
    name: 'stop',
    aliases: ['container stop'],
    summary: 'Stop one or more running containers',
    load: async () => (await import('../container/stop.ts')).stop,
  },
  {
    name: 'restart',
    aliases: ['container restart'],
    summary: 'Restart one or more containers',
    load: async () => (await import('../container/stop.ts')).restart,
  },
  {
    name: 'kill',
    aliases: ['container kill'],
    summary: 'Kill one or more running containers',
    load: async () => (await import('../container/kill.ts')).kill,
  },
  {
    name: 'pause',
    aliases: ['container pause'],
    summary: 'Pause all processes within one or more containers',
    load: async () => (await import('../container/pause.ts')).pause,
  },
  {
    name: 'unpause',
    aliases: ['container unpause'],
    summary: 'Unpause all processes within one or more containers',
    load: async () => (await import('../container/pause.ts')).unpause,
  },
  {
    name: 'update',
    aliases: ['container update'],
    summary: 'Update configuration of one or more containers',
    load: async () => (await import('../container/update.ts')).update,
  },
  {
    name: 'rm',
    aliases: ['container rm', 'container remove'],
    summary: 'Remove one or more containers',
    load: async () => (await import('../container/rm.ts')).rm,
  },
  {
    name: 'ps',
    aliases: ['container ls', 'container ps', 'container list'],
    summary: 'List containers',
    load: async () => (await import('../container/ps.ts')).ps,
  },
  {
    name: 'inspect',
    summary: 'Return low-level information on containers, images, networks and volumes',
    load: async () => (await import('../system/inspect.ts')).inspect,
  },
  {
    name: 'top',
    aliases: ['container top'],
    summary: 'Display the running processes of a container',
    load: async () => (await import('../look/top.ts')).top,
  },
  {
    name: 'stats',
    aliases: ['container stats'],
    summary: 'Display a live stream of container(s) resource usage statistics',
    load: async () => (await import('../look/stats.ts')).stats,
  },
  {
    name: 'diff',
    aliases: ['container diff'],
    summary: "Inspect changes to files or directories on a container's filesystem",
    load: async () => (await import('../look/diff.ts')).diff,
  },
  {
    name: 'logs',
    aliases: ['container logs'],
    summary: 'Fetch the logs of a container',
    load: async () => (await import('../container/logs.ts')).logs,
  },
  {
    name: 'exec',
    aliases: ['container exec'],
    summary: 'Execute a command in a running container',
    load: async () => (await import('../container/exec.ts')).exec,
  },
  {
    name: 'attach',
    aliases: ['container attach'],
    summary: 'Attach local standard input, output, and error streams to a running container',
    load: async () => (await import('../container/attach.ts')).attach,
  },
  {
    name: 'wait',
    aliases: ['container wait'],
    summary: 'Block until one or more containers stop, then print their exit codes',
    load: async () => (await import('../container/wait.ts')).wait,
  },
  {
    name: 'port',
    aliases: ['container port'],
    summary: 'List port mappings or a specific mapping for the container',
    load: async () => (await import('../container/port.ts')).port,
  },
  {
    name: 'rename',
    aliases: ['container rename'],
    summary: 'Rename a container',
    load: async () => (await import('../container/rename.ts')).rename,
  },
  {
    name: 'cp',
    aliases: ['container cp'],
    summary: 'Copy files/folders between a container and the local filesystem',
    load: async () => (await import('../container/cp.ts')).cp,
  },
  {
    name: 'export',
    aliases: ['container export'],
    summary: "Export a container's filesystem as a tar archive",
    load: async () => (await import('../container/export.ts')).exportContainer,
  },
  {
    name: 'commit',
    aliases: ['container commit'],
    summary: "Create a new image from a container's changes",
    load: async () => (await import('../container/commit.ts')).commit,
  },
  {
    name: 'pull',
    aliases: ['image pull'],
    summary: 'Download an image from a registry',
    load: async () => (await import('../image/pull.ts')).pull,
  },
  {
    name: 'push',
    aliases: ['image push'],
    summary: 'Upload an image to a registry',
    load: async () => (await import('../image/push.ts')).push,
  },
  {
    name: 'manifest inspect',
    summary: 'Display an image manifest, or manifest list',
    load: async () => (await import('../image/manifest.ts')).manifestInspect,
  },
  {
    name: 'search',
    summary: 'Search Docker Hub for images',
    load: async () => (await import('../image/search.ts')).search,
  },
  {
    name: 'images',
    aliases: ['image ls', 'image list'],
    summary: 'List images',
    load: async () => (await import('../image/images.ts')).images,
  },
  {
    name: 'rmi',
    aliases: ['image rm', 'image remove'],
    summary: 'Remove one or more images',
    load: async () => (await import('../image/rmi.ts')).rmi,
  },
  {
    name: 'tag',
    aliases: ['image tag'],
    summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
    load: async () => (await import('../image/tag.ts')).tag,
  },
  {
    name: 'history',
    aliases: ['image history'],
    summary: 'Show the history of an image',
    load: async () => (await import('../image/history.ts')).history,
  },
  {
    name: 'load',
    aliases: ['image load'],
    summary: 'Load an image from a tar archive or STDIN',
    load: async () => (await import('../image/load.ts')).load,
  },
  {
    name: 'save',
    aliases: ['image save'],
    summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
    load: async () => (await import('../image/save.ts')).save,
  },
  {
    name: 'import',
    aliases: ['image import'],
    summary: 'Import the contents from a tarball to create a filesystem image',
    load: async () => (await import('../image/import.ts')).importImage,
  },
  {
    name: 'login',
    summary: 'Authenticate to a registry',
    load: async () => (await import('../image/login.ts')).login,
  },
  {
    name: 'logout',
    summary: 'Log out from a registry',
    load: async () => (await import('../image/login.ts')).logout,
  },
  {
    name: 'doctor',
    summary: 'Check this host: features containers need, firewalls in their way, leftovers',
    load: async () => (await import('../learn/doctor.ts')).doctor,
  },
  {
    name: 'graph',
    summary: 'Draw the network as the kernel has it: namespaces, cables, bridges, ports, rules',
    load: async () => (await import('../learn/graph.ts')).graph,
  },
  {
    name: 'ui',
    summary: 'Open a page that shows containers, networks and lessons as they happen',
    load: async () => (await import('../learn/ui.ts')).ui,
  },
  {
    name: 'lab',
    summary: 'Learn how containers work, hands-on, in a throw-away host',
    load: async () => (await import('../learn/lab.ts')).lab,
  },
  {
    name: 'why',
    summary: 'Check and probe the way to a port, and name the first point where it stops',
    load: async () => (await import('../learn/why.ts')).why,
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell: bash, zsh or fish',
    load: async () => (await import('../completion/completion.ts')).completion,
  },
  {
    name: 'events',
    aliases: ['system events'],
    summary: 'Get real time events from the server',
    load: async () => (await import('../look/events.ts')).events,
  },
  {
    name: 'info',
    aliases: ['system info'],
    summary: 'Display system-wide information',
    load: async () => (await import('../system/info.ts')).info,
  },
  {
    name: 'version',
    summary: 'Show the version',
    load: async () => (await import('../system/version.ts')).version,
  },
  ...GROUP_VERBS,
];
