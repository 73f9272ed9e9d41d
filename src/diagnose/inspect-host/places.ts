/** Where a running process's namespaces, control groups and root filesystem are, read from its /proc directory. */
import { join } from 'node:path';
import { parseMountinfo } from '../../../runtime/io/mountinfo.ts';
import { namespaceAt } from '../host/netns.ts';
import { readProcess } from '../host/processes.ts';

export interface HostNamespace {
  readonly Type: string;
  readonly Inode: number;
  readonly Path: string;
  /** Whether this host's own processes are in it too. */
  readonly Shared: boolean;
  /** Names of the other containers that are in it, unless it is this host's. */
  readonly With: readonly string[];
  /** A command that runs a shell in it and nowhere else. */
  readonly Enter: string;
}

/** nsenter(1)'s word for each file of /proc/PID/ns. */
const TYPES: Readonly<Record<string, string>> = {
  net: '--net',
  mnt: '--mount',
  pid: '--pid',
  uts: '--uts',
  ipc: '--ipc',
  cgroup: '--cgroup',
  user: '--user',
  time: '--time',
};

/** `others`: the containers that run. */
export function namespacesOf(
  pid: number,
  others: readonly { readonly name: string; readonly pid: number }[] = [],
): readonly HostNamespace[] {
  return Object.entries(TYPES).flatMap(([type, flag]): readonly HostNamespace[] => {
    const path = `/proc/${pid}/ns/${type}`;
    const inode = namespaceAt(path);
    if (inode === undefined) return [];
    const own = namespaceAt(`/proc/self/ns/${type}`);
    return [
      {
        Type: type,
        Inode: inode,
        Path: path,
        Shared: inode === own,
        With:
          inode === own
            ? []
            : others
                .filter(
                  (other) => other.pid !== pid && namespaceAt(`/proc/${other.pid}/ns/${type}`) === inode,
                )
                .map(({ name }) => name),
        Enter: `nsenter --target ${pid} ${flag}`,
      },
    ];
  });
}

export interface HostUsers {
  /** The first of them in the container, and on the host. */
  readonly Inside: number;
  readonly OnHost: number;
  readonly Count: number;
}

/** As /proc/PID/uid_map says, if the process has a user namespace of its own (user_namespaces(7)). */
export function usersOf(pid: number): readonly HostUsers[] {
  if (namespaceAt(`/proc/${pid}/ns/user`) === namespaceAt('/proc/self/ns/user')) return [];
  return readProcess(pid, 'uid_map')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [Inside = 0, OnHost = 0, Count = 0] = line.trim().split(/\s+/).map(Number);
      return { Inside, OnHost, Count };
    });
}

export interface HostCgroup {
  /** 'cgroup2', or the controllers of a version 1 tree. */
  readonly Tree: string;
  /** Below the tree's root, as /proc/PID/cgroup has it. */
  readonly Path: string;
  /** '' where the tree is not mounted here. */
  readonly Directory: string;
}

export function cgroupsOf(pid: number): readonly HostCgroup[] {
  const mounts = cgroupMounts();
  return readProcess(pid, 'cgroup')
    .split('\n')
    .flatMap((line): readonly HostCgroup[] => {
      const [number, controllers = '', ...rest] = line.split(':');
      if (number === undefined || number === '') return [];
      const path = rest.join(':');
      const tree = controllers === '' ? 'cgroup2' : controllers;
      const mount = mounts.find((one) => one.tree === tree);
      const below =
        mount === undefined ? undefined : path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
      return [
        {
          Tree: tree,
          Path: path,
          Directory: mount === undefined || below === undefined ? '' : join(mount.point, below),
        },
      ];
    });
}

/** The latest mount of each tree; `root` is the part of it that is mounted, '' for all. */
function cgroupMounts(): readonly { readonly tree: string; readonly point: string; readonly root: string }[] {
  return [...parseMountinfo(readProcess('self', 'mountinfo'))]
    .reverse()
    .flatMap(({ root, point, type, options }) => {
      const part = { point, root: root === '/' ? '' : root };
      if (type === 'cgroup2') return [{ tree: 'cgroup2', ...part }];
      if (type !== 'cgroup') return [];
      // A tree without controllers has a name instead, which both files write alike.
      const words = options.filter((word) => !['rw', 'ro', 'xattr', 'clone_children'].includes(word));
      return [{ tree: words.join(','), ...part }];
    });
}

export interface HostOverlay {
  /** Topmost first, as overlayfs is given them. */
  readonly LowerDirs: readonly string[];
  readonly UpperDir: string;
  readonly WorkDir: string;
  /** Where the container's own mount namespace had it mounted before it became `/`. */
  readonly MergedDir: string;
  /** Its files as the host sees them now; '' while it does not run. */
  readonly SeenFromHost: string;
}

/** The overlay that is the root of a process; undefined for another kind of root, or none. */
export function overlayOf(pid: number): Pick<HostOverlay, 'LowerDirs' | 'UpperDir' | 'WorkDir'> | undefined {
  const mount = parseMountinfo(readProcess(pid, 'mountinfo')).find(
    ({ point, type }) => point === '/' && type === 'overlay',
  );
  if (mount === undefined) return undefined;
  const { options } = mount;
  const values = (name: string): readonly string[] =>
    options.filter((option) => option.startsWith(name)).map((option) => option.slice(name.length));
  return {
    // Newer kernels list each layer separately, with a plus sign.
    LowerDirs: [...values('lowerdir=').flatMap((list) => list.split(':')), ...values('lowerdir+=')],
    UpperDir: values('upperdir=')[0] ?? '',
    WorkDir: values('workdir=')[0] ?? '',
  };
}
