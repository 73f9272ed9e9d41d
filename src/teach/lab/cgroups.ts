/**
 * The control groups of a lab, on either version: an outer directory with what the lab may take, which it cannot
 * reach, and `host` in it, which is the root of what it sees. The keeper removes both.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachDeviceFilter } from '../../../runtime/cgroup/attach-device-filter.ts';
import { cgroupLayout, type CgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { deviceRuleText, type DeviceRules } from '../../../runtime/cgroup/devices.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

export interface LabGroups {
  /** Each hierarchy's mount and the lab's directory in it. */
  readonly groups: readonly { readonly mount: string; readonly directory: string }[];
  /** Whether the lab can open no device but harmless ones. */
  readonly guarded: boolean;
}

const MEMORY = 4 * 2 ** 30;
const PROCESSES = 4000;

/** What minidock's own containers may open, and /dev/net/tun; nodes of any kind may be made, since they make some. */
const DEVICES: DeviceRules = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
    [10, 200],
  ].map(([major = 0, minor = 0]) => ({ allow: true, type: 'c' as const, major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

export function createLabGroups(id: string): LabGroups {
  const layout = cgroupLayout();
  const below = join('minidock-lab', id);
  const mounts = layout.version === 2 ? [layout.mount] : [...new Set(Object.values(layout.controllers))];
  const groups = mounts.map((mount) => ({ mount, directory: join(mount, below) }));
  for (const { mount } of groups) makeBelow(mount, mount, below.split('/'));
  for (const { directory } of groups) {
    limit(join(directory, 'memory.max'), join(directory, 'memory.limit_in_bytes'), MEMORY);
    limit(join(directory, 'pids.max'), undefined, PROCESSES);
  }
  // Before there is a group below: a version 1 group that has any cannot be denied everything any more.
  const guarded = guardDevices(layout, below);
  for (const { mount, directory } of groups) makeBelow(mount, directory, ['host']);
  return { groups, guarded };
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

/** Version 2: what this group has it gives to those below. Some may not be given here, and is then not there. */
function offerControllers(directory: string): void {
  const control = join(directory, 'cgroup.subtree_control');
  if (!existsSync(control)) return;
  for (const controller of readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ')) {
    if (['cpu', 'memory', 'pids', 'io', 'cpuset'].includes(controller)) attempt(control, `+${controller}`);
  }
}

/** Version 1: nobody may enter a group of cpuset that was given no processors. */
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

function guardDevices(layout: CgroupLayout, below: string): boolean {
  try {
    if (layout.version === 2) {
      attachDeviceFilter(join(layout.mount, below), DEVICES, kernel);
      return true;
    }
    const mount = layout.controllers['devices'];
    if (mount === undefined) return false;
    for (const rule of DEVICES) {
      const file = join(mount, below, `devices.${rule.allow ? 'allow' : 'deny'}`);
      writeFileSync(file, deviceRuleText(rule));
    }
    return true;
  } catch {
    return false; // The lab then gives up CAP_MKNOD instead.
  }
}

/** A limit that this machine cannot give is one that the lab does without. */
function attempt(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    return;
  }
}
