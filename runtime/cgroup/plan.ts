/**
 * The steps that give a container its control group: a directory in each tree, limits written into its files. The
 * process itself joins later (`cgroupProcsFiles`), when everything is in force.
 *
 * Making the directory creates the group, removing it ends it, which the kernel allows only once no process is left.
 * The directories above the container's own are shared by all containers and stay.
 */
import type { OciResources } from '../bundle.ts';
import { MinidockError } from '../errors.ts';
import type { HostStep, Undo } from '../plan/step.ts';
import type { CgroupLayout, CgroupV1Layout, CgroupV2Layout } from './detect.ts';
import { deviceStepsV1, deviceStepsV2 } from './devices.ts';
import type { Limit } from './limit.ts';
import { limitsV1, limitsV2 } from './limits.ts';

/** @throws CGROUP_CONTROLLER_MISSING when a limit is asked for that this kernel or this place cannot enforce. */
export function planCgroup(cgroupsPath: string, resources: OciResources, layout: CgroupLayout): HostStep[] {
  return layout.version === 2
    ? planV2(cgroupsPath, resources, layout)
    : planV1(cgroupsPath, resources, layout);
}

/** Always enabled where there: they count even where nothing is limited, and OOM kills are reported by memory. */
const ACCOUNTING = ['cpu', 'memory', 'pids'];

function planV2(cgroupsPath: string, resources: OciResources, layout: CgroupV2Layout): HostStep[] {
  const limits = limitsV2(resources, layout.swap);
  const wanted = new Set([...ACCOUNTING, ...limits.map(({ controller }) => controller)]);
  requireControllers(limits, layout.controllers);
  const enabled = [...wanted].filter((controller) => layout.controllers.includes(controller)).sort();
  const directory = layout.mount + cgroupsPath;

  const steps: HostStep[] = [];
  for (const parent of parentsOf(cgroupsPath)) {
    if (parent !== '') steps.push(createParent(layout.mount + parent, parent));
    if (enabled.length > 0) steps.push(enableControllers(layout.mount + parent, parent, enabled));
  }
  return [
    ...steps,
    create('cgroup.create', directory, 'a control group'),
    ...limits.map((limit) => writeLimit(limit, directory, { kind: 'freedBy', step: 'cgroup.create' })),
    ...deviceStepsV2(directory, 'cgroup.create', resources.devices),
  ];
}

function planV1(cgroupsPath: string, resources: OciResources, layout: CgroupV1Layout): HostStep[] {
  const limits = limitsV1(resources, layout.swap);
  const cpus = resources.cpu?.cpus ?? '';
  requireControllers(limits, Object.keys(layout.controllers));
  if (cpus !== '' && layout.controllers['cpuset'] === undefined)
    throw missingController('cpuset', 'cpuset.cpus');

  const steps: HostStep[] = [];
  for (const [mount, controllers] of treesOf(layout)) {
    const name = controllers.join(',');
    const directory = mount + cgroupsPath;
    const createId = `cgroup.create:${name}`;
    for (const parent of parentsOf(cgroupsPath)) {
      if (parent === '') continue;
      steps.push(createParent(mount + parent, parent, name));
      if (controllers.includes('cpuset'))
        steps.push(...fillCpuset(mount + parent, { parent }, layout.cpuset));
    }
    steps.push(create(createId, directory, `a control group for ${controllers.join(' and ')}`));
    if (controllers.includes('cpuset')) {
      const own = {
        cpus: cpus === '' ? layout.cpuset.cpus : cpus,
        mems: resources.cpu?.mems ?? layout.cpuset.mems,
      };
      steps.push(...fillCpuset(directory, { freedBy: createId }, own));
    }
    for (const limit of limits) {
      if (controllers.includes(limit.controller))
        steps.push(writeLimit(limit, directory, { kind: 'freedBy', step: createId }));
    }
    if (controllers.includes('devices')) steps.push(...deviceStepsV1(directory, createId, resources.devices));
  }
  return steps;
}

/** `/minidock/<id>` -> ['', '/minidock']: the root and every directory on the way, the container's own left out. */
export function parentsOf(cgroupsPath: string): string[] {
  const names = cgroupsPath.split('/').filter(Boolean).slice(0, -1);
  return ['', ...names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`)];
}

/** Controllers by the directory they are mounted on: cpu and cpuacct often share one. */
function treesOf(layout: CgroupV1Layout): Map<string, string[]> {
  const trees = new Map<string, string[]>();
  for (const [controller, mount] of Object.entries(layout.controllers)) {
    trees.set(mount, [...(trees.get(mount) ?? []), controller]);
  }
  return trees;
}

function createParent(directory: string, path: string, tree?: string): HostStep {
  return {
    id: `cgroup.create-parent:${tree === undefined ? '' : `${tree}:`}${path}`,
    section: 'cgroup',
    title: `Create the control group ${path} that all containers are below`,
    why: "It keeps minidock's groups together; it never holds a process itself.",
    without: "The container's group would have no parent.",
    command: { kind: 'mkdir', path: directory, mode: 0o755 },
    undo: { kind: 'shared', why: 'other containers have their groups below it' },
    check: { kind: 'path-exists', path: directory },
    observe: ['ls', directory],
  };
}

export function enableControllers(directory: string, path: string, controllers: readonly string[]): HostStep {
  const file = `${directory}/cgroup.subtree_control`;
  return {
    id: `cgroup.enable:${path === '' ? '/' : path}`,
    section: 'cgroup',
    title: `Let groups below ${path === '' ? 'the root' : path} be limited`,
    why:
      'A group has the files of a controller (memory.max, pids.max …) only if its parent enables the controller ' +
      'for its children, at every level. Enabling what is enabled changes nothing.',
    without: "The files of the limits do not exist in the container's group: No such file or directory.",
    command: { kind: 'write', path: file, text: controllers.map((name) => `+${name}`).join(' ') },
    undo: { kind: 'shared', why: 'other groups rely on the controllers' },
    observe: ['cat', file],
  };
}

function create(id: string, directory: string, what: string): HostStep {
  return {
    id,
    section: 'cgroup',
    title: `Create ${what}`,
    why:
      'A control group is a set of processes that the kernel counts and limits together; children are born into ' +
      "their parent's. Making this directory creates one, empty so far.",
    without: "The kernel could not limit, count or kill the container's processes together.",
    command: { kind: 'mkdir', path: directory, mode: 0o755 },
    undo: { kind: 'command', command: { kind: 'rmdir', path: directory } },
    observe: ['ls', directory],
  };
}

export function writeLimit(
  { file, key, text, title, why, without }: Limit,
  directory: string,
  undo: Undo,
): HostStep {
  return {
    id: `cgroup.limit:${file}${key === undefined ? '' : `:${key}`}`,
    section: 'cgroup',
    title,
    why,
    without,
    command: { kind: 'write', path: `${directory}/${file}`, text },
    undo,
    observe: ['cat', `${directory}/${file}`],
  };
}

/**
 * A new cpuset of version 1 is empty, and the kernel refuses every process that tries to enter (ENOSPC) until it has
 * both processors and memory nodes; nor may it have more than its parent, so parents are filled first.
 */
function fillCpuset(
  directory: string,
  owner: { readonly parent: string } | { readonly freedBy: string },
  set: CgroupV1Layout['cpuset'],
): HostStep[] {
  const shared = 'parent' in owner;
  const whose = shared ? owner.parent : 'the container';
  const write = (file: string, text: string): HostStep => ({
    id: shared ? `cgroup.fill:${owner.parent}:${file}` : `cgroup.limit:${file}`,
    section: 'cgroup',
    title: `${file === 'cpuset.cpus' ? 'Processors' : 'Memory nodes'} for ${whose}: ${text}`,
    why: 'A new cpuset is empty, and no process may join an empty one; it may have at most what its parent has.',
    without: 'The kernel refuses to move a process into the group: No space left on device (ENOSPC).',
    command: { kind: 'write', path: `${directory}/${file}`, text },
    undo: shared
      ? { kind: 'shared', why: 'the groups below it are limited to what it has' }
      : { kind: 'freedBy', step: owner.freedBy },
    observe: ['cat', `${directory}/${file}`],
  });
  return [write('cpuset.cpus', set.cpus), write('cpuset.mems', set.mems)];
}

export function requireControllers(limits: readonly Limit[], available: readonly string[]): void {
  for (const { controller, file } of limits) {
    if (!available.includes(controller)) throw missingController(controller, file);
  }
}

function missingController(controller: string, file: string): MinidockError {
  return new MinidockError({
    code: 'CGROUP_CONTROLLER_MISSING',
    message: `the limit ${file} cannot be set: the "${controller}" cgroup controller is not available here`,
    hint:
      'look at /sys/fs/cgroup/cgroup.controllers and /proc/cgroups; it may be off in the kernel (boot with ' +
      `cgroup_enable=${controller}), or not delegated to the container minidock runs in`,
  });
}
