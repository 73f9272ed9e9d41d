import { describe, expect, test } from '@jest/globals';
import type { OciResources } from '../../../../runtime/bundle.ts';
import type { CgroupV1Layout, CgroupV2Layout } from '../../../../runtime/cgroup/detect.ts';
import { memoryUse, planLimitChange } from '../../../../runtime/cgroup/update.ts';

const v2: CgroupV2Layout = {
  version: 2,
  mount: '/cg',
  controllers: ['cpuset', 'cpu', 'memory', 'pids'],
  swap: true,
};
const v1: CgroupV1Layout = {
  version: 1,
  controllers: { cpu: '/cg/cpu', cpuset: '/cg/cpuset', memory: '/cg/memory', pids: '/cg/pids' },
  swap: true,
  cpuset: { cpus: '0-3', mems: '0' },
};

/** One line a write, with what it is taken back by. */
const plan = (
  layout: CgroupV1Layout | CgroupV2Layout,
  changed: Partial<OciResources>,
  now: Readonly<Record<string, string>>,
): string[] =>
  planLimitChange('/minidock/x', { devices: [], ...changed }, layout, {
    read: (path) => now[path.slice(path.lastIndexOf('/') + 1)],
  }).map(({ command, undo }) => {
    const back =
      undo.kind === 'command' && undo.command.kind === 'write'
        ? JSON.stringify(undo.command.text)
        : undo.kind;
    return command.kind === 'write' ? `${command.path} <- ${command.text} (${back})` : command.kind;
  });

describe('version 1', () => {
  const now = { 'memory.limit_in_bytes': '100\n', 'memory.memsw.limit_in_bytes': '200\n' };
  const memory = '/cg/memory/minidock/x/memory.limit_in_bytes';
  const sum = '/cg/memory/minidock/x/memory.memsw.limit_in_bytes';

  test.each([
    ['above the present sum: the sum first', 300, 400, [`${sum} <- 400 ("200")`, `${memory} <- 300 ("100")`]],
    ['at the present sum: the limit first', 200, 400, [`${memory} <- 200 ("100")`, `${sum} <- 400 ("200")`]],
    ['below it: the limit first', 50, 60, [`${memory} <- 50 ("100")`, `${sum} <- 60 ("200")`]],
    ['no limit of the sum', 300, -1, [`${sum} <- -1 ("200")`, `${memory} <- 300 ("100")`]],
  ])('memory %s', (_, limit, swap, expected) => {
    expect(plan(v1, { memory: { limit, swap } }, now)).toEqual(expected);
  });

  test('where swap is not counted, memory alone', () => {
    expect(plan({ ...v1, swap: false }, { memory: { limit: 300, swap: 400 } }, now)).toEqual([
      `${memory} <- 300 ("100")`,
    ]);
  });

  test('processors', () => {
    const cpu = { shares: 512, quota: 50_000, period: 100_000, cpus: '0-1' };
    const files = {
      'cpu.shares': '1024',
      'cpu.cfs_quota_us': '-1',
      'cpu.cfs_period_us': '100000',
      'cpuset.cpus': '0-3',
    };
    expect(plan(v1, { cpu }, files)).toEqual([
      '/cg/cpu/minidock/x/cpu.shares <- 512 ("1024")',
      '/cg/cpu/minidock/x/cpu.cfs_period_us <- 100000 ("100000")',
      '/cg/cpu/minidock/x/cpu.cfs_quota_us <- 50000 ("-1")',
      '/cg/cpuset/minidock/x/cpuset.cpus <- 0-1 ("0-3")',
    ]);
  });

  test('without the controller it is refused', () => {
    const { pids, ...rest } = v1.controllers;
    expect(pids).toBeDefined();
    expect(() => plan({ ...v1, controllers: rest }, { pids: { limit: 5 } }, {})).toThrow('pids.max');
  });
});

describe('version 2', () => {
  test('memory and swap alone, processes without a limit', () => {
    const now = { 'memory.max': 'max', 'memory.swap.max': '7', 'pids.max': '9' };
    expect(plan(v2, { memory: { limit: 300, swap: 400 }, pids: { limit: -1 } }, now)).toEqual([
      '/cg/minidock/x/memory.max <- 300 ("max")',
      '/cg/minidock/x/memory.swap.max <- 100 ("7")',
      '/cg/minidock/x/pids.max <- max ("9")',
    ]);
  });

  test('a controller that the group does not have yet is enabled above it', () => {
    const wanted = ['/cg/cgroup.subtree_control', '/cg/minidock/cgroup.subtree_control'];
    expect(plan(v2, { cpu: { cpus: '0' }, pids: { limit: 5 } }, { 'pids.max': 'max' })).toEqual([
      ...wanted.map((path) => `${path} <- +cpuset (shared)`),
      '/cg/minidock/x/cpuset.cpus <- 0 ("\\n")',
      '/cg/minidock/x/pids.max <- 5 ("max")',
    ]);
    expect(plan(v2, { cpu: { cpus: '0' } }, { 'cpuset.cpus': '\n' })).toEqual([
      '/cg/minidock/x/cpuset.cpus <- 0 ("\\n")',
    ]);
  });
});

test('what the group uses', () => {
  const read = (path: string): string => `${String(path.length)}\n`;
  expect(memoryUse('/x', v1, { read })).toEqual({
    usage: String('/cg/memory/x/memory.usage_in_bytes'.length),
    peak: String('/cg/memory/x/memory.max_usage_in_bytes'.length),
  });
  expect(memoryUse('/x', v2, { read: () => undefined })).toEqual({ usage: '0', peak: '0' });
});
