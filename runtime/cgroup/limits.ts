/**
 * A container's limits as the kernel's own files and words. The OCI specification speaks version 1's language, so
 * version 2 needs conversions: swap is counted by itself there, shares are called weight and run 1 to 10000.
 *
 * Order matters within a list: each write is valid given those before it. Pure: nothing here touches the kernel.
 * Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, runc's conversions where it had to choose.
 */
import type { OciResources } from '../bundle.ts';
import { ioLimits } from './io-limits.ts';
import type { Limit } from './limit.ts';

const DEFAULT_CPU_PERIOD = 100_000;

/** `swap`: can the kernel limit it? Where it cannot, memory is limited alone, as Docker does. */
export function limitsV2({ memory, cpu, pids, blockIO }: OciResources, swap: boolean): Limit[] {
  const limits: Limit[] = [];
  if (memory?.limit !== undefined && memory.limit !== 0) {
    limits.push({
      controller: 'memory',
      file: 'memory.max',
      text: maxOr(memory.limit),
      ...MEMORY(memory.limit),
    });
  }
  const swapMax = swap ? swapAlone(memory?.swap, memory?.limit) : undefined;
  if (swapMax !== undefined) {
    limits.push({ controller: 'memory', file: 'memory.swap.max', text: maxOr(swapMax), ...SWAP(swapMax) });
  }
  if (memory?.reservation !== undefined && memory.reservation > 0) {
    const text = String(memory.reservation);
    limits.push({ controller: 'memory', file: 'memory.low', text, ...RESERVATION(memory.reservation) });
  }
  if (cpu?.shares !== undefined && cpu.shares !== 0) {
    const text = String(weightFromShares(cpu.shares));
    limits.push({ controller: 'cpu', file: 'cpu.weight', text, ...SHARES(cpu.shares) });
  }
  if (cpu?.quota !== undefined || cpu?.period !== undefined) {
    const { quota = -1, period = DEFAULT_CPU_PERIOD } = cpu;
    const text = `${maxOr(quota > 0 ? quota : -1)} ${period}`;
    limits.push({ controller: 'cpu', file: 'cpu.max', text, ...QUOTA(quota, period) });
  }
  limits.push(...cpusetLimits(cpu));
  if (pids !== undefined && pids.limit !== 0) {
    limits.push({ controller: 'pids', file: 'pids.max', text: maxOr(pids.limit), ...PIDS(pids.limit) });
  }
  return [...limits, ...ioLimits(blockIO, 2)];
}

export function limitsV1({ memory, cpu, pids, blockIO }: OciResources, swap: boolean): Limit[] {
  const limits: Limit[] = [];
  if (memory?.limit !== undefined && memory.limit !== 0) {
    const text = String(memory.limit);
    limits.push({ controller: 'memory', file: 'memory.limit_in_bytes', text, ...MEMORY(memory.limit) });
  }
  // After the memory limit: memory plus swap can never be less than memory, and a new group's is unlimited.
  if (swap && memory?.swap !== undefined && memory.swap !== 0) {
    const alone = swapAlone(memory.swap, memory.limit) ?? -1;
    const text = String(memory.swap);
    limits.push({ controller: 'memory', file: 'memory.memsw.limit_in_bytes', text, ...SWAP(alone) });
  }
  if (memory?.reservation !== undefined && memory.reservation > 0) {
    const text = String(memory.reservation);
    limits.push({
      controller: 'memory',
      file: 'memory.soft_limit_in_bytes',
      text,
      ...RESERVATION(memory.reservation),
    });
  }
  if (memory?.swappiness !== undefined) {
    const text = String(memory.swappiness);
    limits.push({ controller: 'memory', file: 'memory.swappiness', text, ...SWAPPINESS(text) });
  }
  if (memory?.disableOOMKiller === true) {
    limits.push({ controller: 'memory', file: 'memory.oom_control', text: '1', ...OOM_PAUSE });
  }
  if (cpu?.shares !== undefined && cpu.shares !== 0) {
    limits.push({ controller: 'cpu', file: 'cpu.shares', text: String(cpu.shares), ...SHARES(cpu.shares) });
  }
  // The period first: a quota is checked against it.
  if (cpu?.period !== undefined) {
    const words = QUOTA(cpu.quota ?? -1, cpu.period);
    const title = `Count processor time in periods of ${cpu.period / 1000} ms`;
    limits.push({ controller: 'cpu', file: 'cpu.cfs_period_us', text: String(cpu.period), ...words, title });
  }
  if (cpu?.quota !== undefined) {
    const words = QUOTA(cpu.quota, cpu.period ?? DEFAULT_CPU_PERIOD);
    limits.push({ controller: 'cpu', file: 'cpu.cfs_quota_us', text: String(cpu.quota), ...words });
  }
  if (pids !== undefined && pids.limit !== 0) {
    limits.push({ controller: 'pids', file: 'pids.max', text: maxOr(pids.limit), ...PIDS(pids.limit) });
  }
  return [...limits, ...ioLimits(blockIO, 1)];
}

/** Of version 2; of version 1 for a group that is there, since a new one is filled from its parent first. */
export const cpusetLimits = (cpu: OciResources['cpu']): readonly Limit[] => [
  ...(isSet(cpu?.cpus)
    ? [{ controller: 'cpuset', file: 'cpuset.cpus', text: cpu.cpus, ...CPUS(cpu.cpus) }]
    : []),
  ...(isSet(cpu?.mems)
    ? [{ controller: 'cpuset', file: 'cpuset.mems', text: cpu.mems, ...MEMS(cpu.mems) }]
    : []),
];

/**
 * Docker and OCI give memory plus swap, version 2 wants swap alone. -1 is unlimited; undefined leaves the kernel's
 * default (unlimited). Unlimited memory with no word about swap means unlimited swap too.
 */
function swapAlone(swap: number | undefined, memory: number | undefined): number | undefined {
  if (swap === undefined || swap === 0) return memory === -1 ? -1 : undefined;
  if (swap === -1 || memory === undefined || memory <= 0) return -1;
  return Math.max(0, swap - memory);
}

/**
 * Shares (2 … 1024 … 262144) to weight (1 … 100 … 10000). A straight line through the ends would give the default of
 * 1024 shares a weight of 39, so a container with "default" shares would get less than everything outside; the curve
 * that runc 1.3 and crun use runs through all three points.
 */
export function weightFromShares(shares: number): number {
  const clamped = Math.min(262_144, Math.max(2, shares));
  const log = Math.log2(clamped);
  const exponent = (log * log + 125 * log) / 612 - 7 / 34;
  return Math.min(10_000, Math.max(1, Math.ceil(10 ** exponent)));
}

const maxOr = (value: number): string => (value < 0 ? 'max' : String(value));
const isSet = (text: string | undefined): text is string => text !== undefined && text !== '';

function size(bytes: number): string {
  if (bytes < 0) return 'unlimited';
  for (const [unit, factor] of [
    ['GiB', 2 ** 30] as const,
    ['MiB', 2 ** 20] as const,
    ['KiB', 1024] as const,
  ]) {
    if (bytes >= factor) return `${Number((bytes / factor).toFixed(1))} ${unit}`;
  }
  return `${bytes} bytes`;
}

type Words = Pick<Limit, 'title' | 'why' | 'without'>;

const MEMORY = (bytes: number): Words => ({
  title: bytes < 0 ? 'Lift the memory limit' : `Limit memory to ${size(bytes)}`,
  why: 'When the group uses more, the kernel first frees its caches, then kills a process in the group.',
  without:
    'One container can take all the memory of the host, and the kernel then kills any process it picks.',
});
const SWAP = (bytes: number): Words => ({
  title: bytes < 0 ? 'Lift the swap limit' : `Limit swap to ${size(bytes)}`,
  why: 'Swap is memory on a disk; this says how much of it the group may take.',
  without: 'The memory limit would only push the group out to swap, where it slows down the whole host.',
});
const RESERVATION = (bytes: number): Words => ({
  title: `Reserve ${size(bytes)} of memory`,
  why: 'Under memory pressure the kernel takes from groups above their reservation first.',
  without: 'A greedy neighbour takes this container’s memory too.',
});
const SHARES = (shares: number): Words => ({
  title: `Weigh the processor share at ${shares} (1024 is the default)`,
  why:
    'When processors are contended, groups get time in proportion to their weights; on an idle host there is no ' +
    'limit.',
  without: 'Every container gets the same share.',
});
const QUOTA = (quota: number, period: number): Words => ({
  title:
    quota > 0 ? `Limit processor time to ${Number((quota / period).toFixed(3))} CPUs` : 'Lift the CPU limit',
  why:
    'In every period the group may run for this many microseconds on all processors together; then it waits for ' +
    'the next period, even if the processors are idle.',
  without: 'A busy loop takes every idle processor.',
});
const CPUS = (cpus: string): Words => ({
  title: `Run on processors ${cpus} only`,
  why: 'The scheduler never places a process of the group on any other processor.',
  without: 'It may run on all of them.',
});
const MEMS = (mems: string): Words => ({
  title: `Use memory of the nodes ${mems} only`,
  why: 'On a machine with several banks of memory, the kernel takes pages for the group from these.',
  without: 'It may use all of them.',
});
const SWAPPINESS = (value: string): Words => ({
  title: `Set the group's swappiness to ${value}`,
  why: 'From 0, keep its memory as long as there are caches to free, to 100, swap as readily as free caches.',
  without: 'The value of the machine (vm.swappiness) holds.',
});
const OOM_PAUSE: Words = {
  title: 'Pause instead of kill when the memory limit is reached',
  why: 'A process that asks for more waits until another one of the group frees some, or the limit is raised.',
  without: 'The kernel kills a process of the group.',
};
const PIDS = (limit: number): Words => ({
  title: limit < 0 ? 'Lift the limit on processes' : `Allow at most ${limit} processes and threads`,
  why: 'Beyond it fork(2) fails with EAGAIN.',
  without: 'A fork bomb in the container uses up the process numbers of the host.',
});
