/**
 * What a container uses now, for `stats`: files of its control group and its network namespace, and no process. A group
 * that is not there any more has nothing.
 *
 * Docker works out CPU % from two clocks of the kernel, (cpu - cpu before) / (system - system before) * processors,
 * where `system` is all processors' time together in ticks of 10 ms. That is processor time by elapsed time, and so it
 * is worked out here, from clocks that are finer.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { cgroupLayout, type CgroupLayout } from '../../../runtime/cgroup/detect.ts';
import type { ContainerConfig, ContainerState } from '../spec/container.ts';
import { cgroupsPath } from '../state/paths.ts';

export interface Usage {
  /** Nanoseconds of processor time since it began. */
  readonly cpu: number;
  /** When that was, on a clock that only goes forward: nanoseconds. */
  readonly at: number;
  /** Bytes, without what the kernel would give up at once. */
  readonly memory: number;
  /** The machine's memory where there is no limit. */
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly pids: number;
}

export interface UsageSource {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
}

let known: CgroupLayout | undefined;

export function readUsage({ config, state }: UsageSource): Usage {
  const at = Number(process.hrtime.bigint());
  const used = readGroup((known ??= cgroupLayout()), cgroupsPath(config));
  const isShared = config.spec.network.mode === 'host' || state.pid === 0;
  return {
    ...used,
    at,
    memoryLimit: Math.min(used.memoryLimit, totalmem()),
    ...parseInterfaces(isShared ? '' : read(`/proc/${String(state.pid)}/net/dev`)),
  };
}

export type GroupUsage = Omit<Usage, 'at' | 'received' | 'sent'>;

export const readGroup = (layout: CgroupLayout, group: string): GroupUsage =>
  layout.version === 2 ? readV2(layout.mount + group) : readV1(layout.controllers, group);

function readV2(dir: string): GroupUsage {
  const current = Number(read(`${dir}/memory.current`));
  const inactive = numberIn(read(`${dir}/memory.stat`), 'inactive_file');
  const io = read(`${dir}/io.stat`);
  return {
    cpu: numberIn(read(`${dir}/cpu.stat`), 'usage_usec') * 1000,
    memory: inactive < current ? current - inactive : current,
    memoryLimit: limitOf(read(`${dir}/memory.max`)),
    read: sum(io, /\brbytes=(\d+)/g),
    written: sum(io, /\bwbytes=(\d+)/g),
    pids: Number(read(`${dir}/pids.current`)),
  };
}

function readV1(controllers: Readonly<Record<string, string>>, group: string): GroupUsage {
  const file = (controller: string, name: string): string => {
    const mount = controllers[controller];
    return mount === undefined ? '' : read(`${mount}${group}/${name}`);
  };
  const current = Number(file('memory', 'memory.usage_in_bytes'));
  const inactive = numberIn(file('memory', 'memory.stat'), 'total_inactive_file');
  // The throttle's counters are kept for every scheduler of disks; those without it for one that is gone.
  const io = file('blkio', 'blkio.throttle.io_service_bytes_recursive');
  return {
    cpu: Number(file('cpuacct', 'cpuacct.usage')),
    memory: inactive < current ? current - inactive : current,
    memoryLimit: limitOf(file('memory', 'memory.limit_in_bytes')),
    read: sum(io, /^\d+:\d+ Read (\d+)$/gm),
    written: sum(io, /^\d+:\d+ Write (\d+)$/gm),
    pids: Number(file('pids', 'pids.current')),
  };
}

/** `lo` is nobody else's. Columns as in proc(5): bytes received are the first, bytes sent the ninth. */
export function parseInterfaces(text: string): { readonly received: number; readonly sent: number } {
  let [received, sent] = [0, 0];
  for (const line of text.split('\n').slice(2)) {
    const [name = '', counters = ''] = line.split(/:(.*)/s);
    if (name.trim() === 'lo' || counters === '') continue;
    const numbers = counters.trim().split(/\s+/).map(Number);
    received += numbers[0] ?? 0;
    sent += numbers[8] ?? 0;
  }
  return { received, sent };
}

/** In per cent of one processor. */
export function cpuPercent(before: Usage, now: Usage): number {
  const elapsed = now.at - before.at;
  return elapsed <= 0 || now.cpu < before.cpu ? 0 : ((now.cpu - before.cpu) / elapsed) * 100;
}

const limitOf = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Infinity);

const numberIn = (text: string, key: string): number =>
  Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);

const sum = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    // It ended meanwhile, or this kernel does not count that.
    if (['ENOENT', 'ENODEV', 'ESRCH', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return '';
    throw error;
  }
}
