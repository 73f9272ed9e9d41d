import { describe, expect, test } from '@jest/globals';
import type { Limit } from '../../../../runtime/cgroup/limit.ts';
import { limitsV1, limitsV2, weightFromShares } from '../../../../runtime/cgroup/limits.ts';
import type { OciResources } from '../../../../runtime/bundle.ts';

const written = (limits: readonly Limit[]): string[] => limits.map(({ file, text }) => `${file}=${text}`);
const v2 = (resources: Partial<OciResources>, swap = true): string[] =>
  written(limitsV2({ devices: [], ...resources }, swap));
const v1 = (resources: Partial<OciResources>, swap = true): string[] =>
  written(limitsV1({ devices: [], ...resources }, swap));

const all: Partial<OciResources> = {
  memory: { limit: 64_000_000, swap: 96_000_000, reservation: 32_000_000 },
  cpu: { shares: 512, quota: 150_000, period: 100_000, cpus: '0-1' },
  pids: { limit: 20 },
};

test('version 2', () => {
  expect(v2(all)).toEqual([
    'memory.max=64000000',
    'memory.swap.max=32000000',
    'memory.low=32000000',
    'cpu.weight=59',
    'cpu.max=150000 100000',
    'cpuset.cpus=0-1',
    'pids.max=20',
  ]);
  expect(v2({})).toEqual([]);
});

test('version 1', () => {
  expect(v1(all)).toEqual([
    'memory.limit_in_bytes=64000000',
    'memory.memsw.limit_in_bytes=96000000',
    'memory.soft_limit_in_bytes=32000000',
    'cpu.shares=512',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_quota_us=150000',
    'pids.max=20',
  ]);
  expect(v1({})).toEqual([]);
});

describe('memory plus swap becomes swap', () => {
  test.each([
    [{ limit: 100, swap: 200 }, ['memory.max=100', 'memory.swap.max=100']],
    [{ limit: 100, swap: 100 }, ['memory.max=100', 'memory.swap.max=0']],
    [{ limit: 100, swap: -1 }, ['memory.max=100', 'memory.swap.max=max']],
    [{ limit: 100 }, ['memory.max=100']],
    [{ limit: 100, swap: 0 }, ['memory.max=100']],
    [{ limit: -1 }, ['memory.max=max', 'memory.swap.max=max']],
    [{ limit: -1, swap: -1 }, ['memory.max=max', 'memory.swap.max=max']],
    [{ reservation: 50 }, ['memory.low=50']],
  ])('%j', (memory, expected) => {
    expect(v2({ memory })).toEqual(expected);
  });

  test('where the kernel does not count swap, memory is limited alone', () => {
    expect(v2({ memory: { limit: 100, swap: 200 } }, false)).toEqual(['memory.max=100']);
    expect(v1({ memory: { limit: 100, swap: 200 } }, false)).toEqual(['memory.limit_in_bytes=100']);
  });
});

test('processor time', () => {
  expect(v2({ cpu: { quota: 50_000 } })).toEqual(['cpu.max=50000 100000']);
  expect(v2({ cpu: { quota: -1, period: 50_000 } })).toEqual(['cpu.max=max 50000']);
  expect(v1({ cpu: { quota: -1 } })).toEqual(['cpu.cfs_quota_us=-1']);
});

test('processes: -1 is unlimited', () => {
  expect([v1({ pids: { limit: -1 } }), v2({ pids: { limit: -1 } })]).toEqual([
    ['pids.max=max'],
    ['pids.max=max'],
  ]);
});

// runc's own table for the conversion.
test.each([
  [1, 1],
  [2, 1],
  [512, 59],
  [1024, 100],
  [2000, 170],
  [262_144, 10_000],
  [1_000_000, 10_000],
])('%d shares weigh %d', (shares, weight) => {
  expect(weightFromShares(shares)).toBe(weight);
});

test('titles say the limit in words', () => {
  const titles = limitsV2({ devices: [], ...all, memory: { limit: 512 * 1024 * 1024, swap: -1 } }, true);
  expect(titles.map(({ title }) => title)).toEqual([
    'Limit memory to 512 MiB',
    'Lift the swap limit',
    'Weigh the processor share at 512 (1024 is the default)',
    'Limit processor time to 1.5 CPUs',
    'Run on processors 0-1 only',
    'Allow at most 20 processes and threads',
  ]);
});
