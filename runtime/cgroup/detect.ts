/**
 * Where the kernel's control groups are mounted, and in which of their two versions. cgroups(7) has both.
 *
 *     version 2   one tree, /sys/fs/cgroup; a directory has the controllers its parent enabled for it
 *     version 1   one tree for each controller, /sys/fs/cgroup/memory …, some mounted together (cpu,cpuacct)
 *     hybrid      version 1 for the controllers, an empty version 2 tree beside it: counts as version 1
 *
 * A container's path is the same below every tree (`/minidock/<id>`), right under the mount, as Docker's cgroupfs
 * driver does it: systemd tolerates directories at the root that it did not make. Where the mount shows only a part
 * of the tree (minidock inside a container) it is the root of that part.
 */
import { existsSync, readFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { parseMountinfo } from '../io/mountinfo.ts';

export type CgroupLayout = CgroupV1Layout | CgroupV2Layout;

export interface CgroupV2Layout {
  readonly version: 2;
  readonly mount: string;
  /** What the root offers (cgroup.controllers), as far as it can be enabled for children: see `readV2`. */
  readonly controllers: readonly string[];
  /** Can memory plus swap be limited? */
  readonly swap: boolean;
}

export interface CgroupV1Layout {
  readonly version: 1;
  /** Controller to mount, `{memory: '/sys/fs/cgroup/memory', cpu: '/sys/fs/cgroup/cpu,cpuacct', …}`; also `name=…`. */
  readonly controllers: Readonly<Record<string, string>>;
  readonly swap: boolean;
  /** The root's own set, which a new cpuset must be given before a process may enter it. */
  readonly cpuset: { readonly cpus: string; readonly mems: string };
}

/** The few files that detection reads; tests bring their own machine. */
export interface HostFiles {
  /** undefined when there is no such file. */
  readonly read: (path: string) => string | undefined;
}

export const realFiles: HostFiles = {
  read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
};

/** @throws CGROUPS_MISSING where none are mounted. */
export function cgroupLayout(files: HostFiles = realFiles): CgroupLayout {
  const mounts = cgroupMounts(files.read('/proc/self/mountinfo') ?? '');
  const v1 = Object.keys(mounts.v1).some((controller) => !controller.startsWith('name='));
  if (v1) return readV1(mounts.v1, files);
  if (mounts.v2 !== undefined) return readV2(mounts.v2, files);
  throw new MinidockError({
    code: 'CGROUPS_MISSING',
    message: 'no control groups are mounted, so no container could be limited or even killed as a whole',
    hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup',
  });
}

/** The first mount of each tree that can be written to; later ones are copies of it somewhere else (proc(5)). */
function cgroupMounts(mountinfo: string): { v1: Record<string, string>; v2: string | undefined } {
  const v1: Record<string, string> = {};
  let v2: string | undefined;
  // Each container has a mount of its network namespace there, and each start and exec comes by here.
  const lines = mountinfo.split('\n').filter((line) => line.includes(' - cgroup'));
  for (const { type, point, options } of parseMountinfo(lines.join('\n'))) {
    if (type === 'cgroup2') v2 ??= point;
    if (type !== 'cgroup') continue;
    for (const option of options) {
      const isController = !['rw', 'ro', 'xattr', 'clone_children', 'noprefix', 'favordynmods'].includes(
        option,
      );
      if (isController && !option.startsWith('release_agent=')) v1[option] ??= point;
    }
  }
  return { v1, v2 };
}

function readV1(controllers: Record<string, string>, files: HostFiles): CgroupV1Layout {
  const read = (controller: string, file: string): string | undefined => {
    const mount = controllers[controller];
    return mount === undefined ? undefined : files.read(`${mount}/${file}`)?.trim();
  };
  return {
    version: 1,
    controllers,
    // The kernel makes these files only when it counts swap (swapaccount=1 on older ones).
    swap: read('memory', 'memory.memsw.limit_in_bytes') !== undefined,
    cpuset: { cpus: read('cpuset', 'cpuset.cpus') ?? '', mems: read('cpuset', 'cpuset.mems') ?? '' },
  };
}

/**
 * The "no internal process" rule: a group other than the real root may either hold processes or enable controllers
 * for its children, never both. So where our mount is not the real root (it has a cgroup.type; minidock runs inside
 * a container) and holds processes, only what is enabled already can be used.
 */
function readV2(mount: string, files: HostFiles): CgroupV2Layout {
  const words = (file: string): string[] =>
    (files.read(`${mount}/${file}`) ?? '').split(/\s+/).filter(Boolean);
  const isRealRoot = files.read(`${mount}/cgroup.type`) === undefined;
  const canEnable = isRealRoot || words('cgroup.procs').length === 0;
  return {
    version: 2,
    mount,
    controllers: words(canEnable ? 'cgroup.controllers' : 'cgroup.subtree_control'),
    // memory.swap.max is there whenever the kernel can swap at all, but not in the root, where one could look.
    swap: files.read('/proc/swaps') !== undefined,
  };
}

/** The container's directory in each tree; one only on version 2, and one for controllers mounted together. */
export function cgroupDirectories(cgroupsPath: string, layout: CgroupLayout): string[] {
  const mounts = layout.version === 2 ? [layout.mount] : [...new Set(Object.values(layout.controllers))];
  return mounts.map((mount) => mount + cgroupsPath);
}
