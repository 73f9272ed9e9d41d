/**
 * The control groups of a lab, for version 1 and 2: an outer group holds the limits and is out of the lab's reach;
 * `host` inside it is the root that the lab sees. The keeper removes both.
 */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupDirectories, cgroupLayout } from '../../../runtime/cgroup/detect.ts';

/** A hierarchy's mount and the lab's directory in it. */
export interface LabGroup {
  readonly mount: string;
  readonly directory: string;
  /**
   * The group for processes that enter the lab: `host`, or on version 2 a group below it, since `host` has child
   * groups.
   */
  readonly shells: string;
}

/** Leaves something for the host even on a small machine. */
const MEMORY = Math.min(4 * 2 ** 30, Math.floor(totalmem() / 2));
const PROCESSES = 4000;
const GROUPS = 1000;

/** What root of a lab must own to divide its groups further (cgroups(7), "Delegation"); `tasks` is version 1's. */
const DELEGATED = ['.', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'tasks'];

const below = (id: string): string => join('minidock-lab', id);

/** The paths of the groups. @throws MinidockError 'CGROUPS_MISSING'. */
export function labGroups(id: string): readonly LabGroup[] {
  const layout = cgroupLayout();
  return cgroupDirectories('', layout).map((mount) => {
    const directory = join(mount, below(id));
    return { mount, directory, shells: join(directory, layout.version === 2 ? 'host/shells' : 'host') };
  });
}

/** `host` is given to the user `owner`; the limits above it are not. */
export function createLabGroups(id: string, groups: readonly LabGroup[], owner: number): void {
  for (const { mount, directory, shells } of groups) {
    makeBelow(mount, mount, below(id).split('/'));
    limit(join(directory, 'memory.max'), join(directory, 'memory.limit_in_bytes'), MEMORY);
    // Without this the lab's tmpfs could fill the machine's swap.
    limit(join(directory, 'memory.swap.max'), undefined, 0);
    limit(join(directory, 'memory.memsw.limit_in_bytes'), undefined, MEMORY);
    limit(join(directory, 'pids.max'), undefined, PROCESSES);
    // The kernel has numbers for 65535 groups with memory, on the whole machine.
    limit(join(directory, 'cgroup.max.descendants'), undefined, GROUPS);
    makeBelow(mount, directory, ['host']);
    // The recorder (host-script.ts) counts against the lab's limits.
    makeBelow(mount, directory, ['recorder']);
    const host = join(directory, 'host');
    // The group of the lab's own processes: on version 2 `host` holds either processes or child groups.
    mkdirSync(shells, { recursive: true });
    for (const group of new Set([host, shells])) give(group, owner);
  }
}

/** Version 1: a frozen process dies only after it is thawed. Parents come first. */
export function thaw(groups: readonly string[]): void {
  for (const group of groups) {
    const state = join(group, 'freezer.state');
    if (!existsSync(state)) continue;
    attempt(state, 'THAWED');
    thaw(groupsIn(group));
  }
}

/** Removes the groups of labs whose keeper was killed, and the parent group if it is empty. */
export function removeLabGroups(shells: readonly string[]): void {
  for (const group of shells.map(outermost)) {
    removeGroup(group);
    if (groupsIn(dirname(group)).length === 0) removeGroup(dirname(group));
  }
}

/** Finds a lab's group by its `shells`. */
export const outermost = (shells: string): string => shells.replace(/\/host(\/shells)?$/, '');

function removeGroup(group: string): void {
  for (const child of groupsIn(group)) removeGroup(child);
  try {
    rmdirSync(group);
  } catch {
    return; // It is gone, or a process is still in it.
  }
}

function groupsIn(group: string): readonly string[] {
  try {
    const entries = readdirSync(group, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(group, name));
  } catch {
    return []; // It is gone.
  }
}

function give(group: string, owner: number): void {
  for (const name of DELEGATED) {
    const file = join(group, name);
    if (existsSync(file)) chownSync(file, owner, owner);
  }
}

function makeBelow(mount: string, start: string, parts: readonly string[]): void {
  let made = start;
  for (const part of parts) {
    offerControllers(made);
    made = join(made, part);
    mkdirSync(made, { recursive: true });
    inheritCpus(mount, made);
  }
}

/**
 * Version 2: delegates the controllers of this group to its children. A controller that cannot be delegated is
 * missing there.
 */
function offerControllers(directory: string): void {
  const control = join(directory, 'cgroup.subtree_control');
  if (!existsSync(control)) return;
  for (const controller of readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ')) {
    if (['cpu', 'memory', 'pids', 'io', 'cpuset'].includes(controller)) attempt(control, `+${controller}`);
  }
}

/** Version 1: no process can join a cpuset group without processors. */
function inheritCpus(mount: string, directory: string): void {
  if (existsSync(join(directory, 'cgroup.subtree_control'))) return;
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if (existsSync(join(directory, name))) {
      attempt(join(directory, name), readFileSync(join(mount, name), 'utf8').trim());
    }
  }
}

function limit(version2: string, version1: string | undefined, value: number): void {
  for (const file of [version2, version1]) {
    if (file !== undefined && existsSync(file)) attempt(file, String(value));
  }
}

/** The lab does without a limit that this kernel lacks. */
function attempt(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    return;
  }
}
