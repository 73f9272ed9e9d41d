import { describe, expect, test } from '@jest/globals';
import type { OciResources } from '../../../../runtime/bundle.ts';
import type { CgroupV1Layout, CgroupV2Layout } from '../../../../runtime/cgroup/detect.ts';
import { planCgroup } from '../../../../runtime/cgroup/plan.ts';
import type { HostStep } from '../../../../runtime/plan/step.ts';

const v2: CgroupV2Layout = {
  version: 2,
  mount: '/sys/fs/cgroup',
  controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
  swap: true,
};
const v1: CgroupV1Layout = {
  version: 1,
  controllers: {
    cpu: '/cg/cpu,cpuacct',
    cpuacct: '/cg/cpu,cpuacct',
    cpuset: '/cg/cpuset',
    memory: '/cg/memory',
    pids: '/cg/pids',
    devices: '/cg/devices',
  },
  swap: true,
  cpuset: { cpus: '0-3', mems: '0-1' },
};
const resources: OciResources = {
  memory: { limit: 67_108_864, swap: 134_217_728 },
  cpu: { quota: 50_000, period: 100_000 },
  pids: { limit: 20 },
  devices: [{ allow: false, access: 'rwm' }],
};

/** One line a step: what it is called, does, and is undone by. */
function lines(steps: readonly HostStep[]): string[] {
  return steps.map(({ id, command, undo }) => {
    const does =
      command.kind === 'write'
        ? `${command.path} <- ${command.text}`
        : `${command.kind} ${'path' in command ? command.path : ''}`;
    const undone =
      undo.kind === 'command'
        ? `${undo.command.kind} ${'path' in undo.command ? undo.command.path : ''}`
        : undo.kind === 'freedBy'
          ? `by ${undo.step}`
          : undo.kind;
    return `${id}: ${does} | ${undone}`;
  });
}

test('version 2: parents, controllers at every level, the group, its limits', () => {
  expect(lines(planCgroup('/minidock/abc', resources, v2))).toEqual([
    'cgroup.enable:/: /sys/fs/cgroup/cgroup.subtree_control <- +cpu +memory +pids | shared',
    'cgroup.create-parent:/minidock: mkdir /sys/fs/cgroup/minidock | shared',
    'cgroup.enable:/minidock: /sys/fs/cgroup/minidock/cgroup.subtree_control <- +cpu +memory +pids | shared',
    'cgroup.create: mkdir /sys/fs/cgroup/minidock/abc | rmdir /sys/fs/cgroup/minidock/abc',
    'cgroup.limit:memory.max: /sys/fs/cgroup/minidock/abc/memory.max <- 67108864 | by cgroup.create',
    'cgroup.limit:memory.swap.max: /sys/fs/cgroup/minidock/abc/memory.swap.max <- 67108864 | by cgroup.create',
    'cgroup.limit:cpu.max: /sys/fs/cgroup/minidock/abc/cpu.max <- 50000 100000 | by cgroup.create',
    'cgroup.limit:pids.max: /sys/fs/cgroup/minidock/abc/pids.max <- 20 | by cgroup.create',
    'cgroup.devices: filter-devices /sys/fs/cgroup/minidock/abc | by cgroup.create',
  ]);
});

test('version 1: a group in each tree, cpusets filled from the top down before anyone may enter', () => {
  expect(lines(planCgroup('/minidock/abc', resources, v1))).toEqual([
    'cgroup.create-parent:cpu,cpuacct:/minidock: mkdir /cg/cpu,cpuacct/minidock | shared',
    'cgroup.create:cpu,cpuacct: mkdir /cg/cpu,cpuacct/minidock/abc | rmdir /cg/cpu,cpuacct/minidock/abc',
    'cgroup.limit:cpu.cfs_period_us: /cg/cpu,cpuacct/minidock/abc/cpu.cfs_period_us <- 100000 | by cgroup.create:cpu,cpuacct',
    'cgroup.limit:cpu.cfs_quota_us: /cg/cpu,cpuacct/minidock/abc/cpu.cfs_quota_us <- 50000 | by cgroup.create:cpu,cpuacct',
    'cgroup.create-parent:cpuset:/minidock: mkdir /cg/cpuset/minidock | shared',
    'cgroup.fill:/minidock:cpuset.cpus: /cg/cpuset/minidock/cpuset.cpus <- 0-3 | shared',
    'cgroup.fill:/minidock:cpuset.mems: /cg/cpuset/minidock/cpuset.mems <- 0-1 | shared',
    'cgroup.create:cpuset: mkdir /cg/cpuset/minidock/abc | rmdir /cg/cpuset/minidock/abc',
    'cgroup.limit:cpuset.cpus: /cg/cpuset/minidock/abc/cpuset.cpus <- 0-3 | by cgroup.create:cpuset',
    'cgroup.limit:cpuset.mems: /cg/cpuset/minidock/abc/cpuset.mems <- 0-1 | by cgroup.create:cpuset',
    'cgroup.create-parent:memory:/minidock: mkdir /cg/memory/minidock | shared',
    'cgroup.create:memory: mkdir /cg/memory/minidock/abc | rmdir /cg/memory/minidock/abc',
    'cgroup.limit:memory.limit_in_bytes: /cg/memory/minidock/abc/memory.limit_in_bytes <- 67108864 | by cgroup.create:memory',
    'cgroup.limit:memory.memsw.limit_in_bytes: /cg/memory/minidock/abc/memory.memsw.limit_in_bytes <- 134217728 | by cgroup.create:memory',
    'cgroup.create-parent:pids:/minidock: mkdir /cg/pids/minidock | shared',
    'cgroup.create:pids: mkdir /cg/pids/minidock/abc | rmdir /cg/pids/minidock/abc',
    'cgroup.limit:pids.max: /cg/pids/minidock/abc/pids.max <- 20 | by cgroup.create:pids',
    'cgroup.create-parent:devices:/minidock: mkdir /cg/devices/minidock | shared',
    'cgroup.create:devices: mkdir /cg/devices/minidock/abc | rmdir /cg/devices/minidock/abc',
    'cgroup.devices:deny:a *:* rwm: /cg/devices/minidock/abc/devices.deny <- a *:* rwm | by cgroup.create:devices',
  ]);
});

test('a cpuset of one’s own is within the parent’s', () => {
  const asked: OciResources = { cpu: { cpus: '1' }, devices: [] };
  expect(lines(planCgroup('/minidock/abc', asked, v1))).toContain(
    'cgroup.limit:cpuset.cpus: /cg/cpuset/minidock/abc/cpuset.cpus <- 1 | by cgroup.create:cpuset',
  );
  expect(lines(planCgroup('/minidock/abc', asked, v2)).slice(0, 3)).toEqual([
    'cgroup.enable:/: /sys/fs/cgroup/cgroup.subtree_control <- +cpu +cpuset +memory +pids | shared',
    'cgroup.create-parent:/minidock: mkdir /sys/fs/cgroup/minidock | shared',
    'cgroup.enable:/minidock: /sys/fs/cgroup/minidock/cgroup.subtree_control <- +cpu +cpuset +memory +pids | shared',
  ]);
});

describe.each([v1, v2])('version $version', (layout) => {
  const steps = planCgroup('/minidock/abc', { ...resources, cpu: { ...resources.cpu, cpus: '0' } }, layout);

  test('ids are unique, and every step that is freed names one that is there before it', () => {
    const ids = steps.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    steps.forEach(({ undo }, i) => {
      if (undo.kind === 'freedBy') expect(ids.slice(0, i)).toContain(undo.step);
    });
  });

  test('every step says what it does, why, and how to look', () => {
    for (const { section, title, why, observe } of steps) {
      expect(section).toBe('cgroup');
      expect(title).toMatch(/^[A-Z].*[^.]$/);
      expect(why).toMatch(/^[A-Z].*\.$/);
      expect(observe).toBeDefined();
    }
  });
});

test('controllers that are not there: fine while nothing needs them, refused by name otherwise', () => {
  const bare: CgroupV2Layout = { ...v2, controllers: ['pids'] };
  expect(lines(planCgroup('/minidock/abc', { devices: [] }, bare))[0]).toContain('<- +pids |');
  expect(
    planCgroup('/minidock/abc', { devices: [] }, { ...v2, controllers: [] }).map(({ id }) => id),
  ).toEqual(['cgroup.create-parent:/minidock', 'cgroup.create']);
  expect(() => planCgroup('/minidock/abc', resources, bare)).toThrow(
    'the limit memory.max cannot be set: the "memory" cgroup controller is not available here',
  );
  const noCpuset = { ...v1, controllers: { memory: '/cg/memory' } };
  expect(() => planCgroup('/minidock/abc', { cpu: { cpus: '0' }, devices: [] }, noCpuset)).toThrow(
    '"cpuset"',
  );
});
