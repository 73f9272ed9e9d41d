/**
 * Refuses limits that make no sense before anything is made, in Docker's words. What remains is valid for the
 * kernel, apart from what only it can know (memory already in use, a cpuset a parent has narrowed).
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MinidockError } from '../errors.ts';

/** The units and the meaning of 0 and -1 are those of a container's specification. */
export interface RequestedResources {
  /** Bytes; 0 is unlimited. */
  readonly memory: number;
  /** Bytes of memory plus swap; 0 means twice the memory, -1 unlimited. */
  readonly memorySwap: number;
  readonly memoryReservation: number;
  /** Billionths of a CPU; 0 is unlimited. */
  readonly nanoCpus: number;
  readonly cpuShares: number;
  readonly cpusetCpus: string;
  readonly pidsLimit: number;
  /** Microseconds. */
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetMems?: string;
  /** 0 to 100. */
  readonly memorySwappiness?: number;
  readonly oomKillDisable?: boolean;
  readonly blkioWeight?: number;
  readonly blkioWeightDevice?: readonly DeviceRate[];
  /** Bytes, or operations, in a second. */
  readonly readBps?: readonly DeviceRate[];
  readonly writeBps?: readonly DeviceRate[];
  readonly readIops?: readonly DeviceRate[];
  readonly writeIops?: readonly DeviceRate[];
}

export interface DeviceRate {
  /** A block device of the host: /dev/sda. */
  readonly path: string;
  readonly value: number;
}

export interface HostProcessors {
  readonly count: number;
  /** The processors there are, as the kernel lists them: '0-3,5'. */
  readonly online: string;
}

/** Below this a container cannot even start its program (Docker's floor). */
const LEAST_MEMORY = 6 * 1024 * 1024;

/** @throws INVALID_RESOURCES. */
export function validateResources(resources: RequestedResources, host: HostProcessors = readHost()): void {
  const { memory, memorySwap, memoryReservation, nanoCpus, cpuShares, cpusetCpus } = resources;
  if (memory !== 0 && memory < LEAST_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && memorySwap > 0 && memorySwap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && memorySwap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (memoryReservation > 0 && memoryReservation < LEAST_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (memory > 0 && memoryReservation > memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  // The kernel's shortest quota is 1 ms in the period of 100 ms: a hundredth of a processor.
  if (nanoCpus < 0 || nanoCpus > host.count * 1e9 || (nanoCpus > 0 && nanoCpus < 1e7)) {
    const { count } = host;
    throw invalid(`Range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`);
  }
  if (cpuShares < 0) throw invalid(`invalid CPU shares (${cpuShares}): value must be a positive integer`);
  if (cpusetCpus !== '') checkCpuset(cpusetCpus, host.online);
  checkRare(resources);
}

function checkRare(resources: RequestedResources): void {
  const { nanoCpus, cpuPeriod = 0, cpuQuota = 0, blkioWeight = 0, memorySwappiness = 0 } = resources;
  const { cpusetMems = '' } = resources;
  if (nanoCpus > 0 && cpuPeriod > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set.');
  }
  if (nanoCpus > 0 && cpuQuota > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set.');
  }
  if (cpuPeriod !== 0 && (cpuPeriod < 1000 || cpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (cpuQuota > 0 && cpuQuota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if (blkioWeight !== 0 && (blkioWeight < 10 || blkioWeight > 1000)) {
    throw invalid('Range of blkio weight is from 10 to 1000');
  }
  if (memorySwappiness < 0 || memorySwappiness > 100) {
    throw invalid(`invalid value: ${memorySwappiness}. Valid memory swappiness range is 0-100`);
  }
  if (cpusetMems !== '') checkMems(cpusetMems);
}

function checkMems(requested: string): void {
  const file = '/sys/devices/system/node/online';
  const online = existsSync(file) ? readFileSync(file, 'utf8').trim() : '0';
  const wanted = parseCpuList(requested);
  if (wanted === undefined) {
    throw invalid(`Invalid value ${requested} for cpuset mems: invalid format: ${requested}`);
  }
  if ([...wanted].some((node) => parseCpuList(online)?.has(node) === false)) {
    throw invalid(`Requested memory nodes are not available - requested ${requested}, available: ${online}`);
  }
}

function checkCpuset(requested: string, online: string): void {
  const wanted = parseCpuList(requested);
  if (wanted === undefined) {
    throw invalid(`Invalid value ${requested} for cpuset cpus: invalid format: ${requested}`);
  }
  const available = parseCpuList(online);
  if (available !== undefined && [...wanted].some((cpu) => !available.has(cpu))) {
    throw invalid(`Requested CPUs are not available - requested ${requested}, available: ${online}`);
  }
}

/** `0-2,7` (cpuset(7), list format); undefined if it is none. The kernel has at most 8192 processors. */
export function parseCpuList(text: string): ReadonlySet<number> | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

function readHost(): HostProcessors {
  const file = '/sys/devices/system/cpu/online';
  const count = availableParallelism();
  return { count, online: existsSync(file) ? readFileSync(file, 'utf8').trim() : `0-${count - 1}` };
}

function invalid(message: string): MinidockError {
  return new MinidockError({ code: 'INVALID_RESOURCES', message, exitCode: 125 });
}
