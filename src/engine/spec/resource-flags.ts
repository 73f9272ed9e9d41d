/**
 * The limits of a container out of their flags, in Docker's words where they make no sense. What this kernel cannot
 * limit is refused here too, before anything is made.
 */
import { existsSync } from 'node:fs';
import { cgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { validateResources, type DeviceRate } from '../../../runtime/cgroup/validate.ts';
import type { ResourceSpec } from './container.ts';
import type { ContainerFlags } from './create-request.ts';
import { invalidArgument, invalidSpec, parseInteger } from './flag-errors.ts';
import { parseBytes, parseCpus } from './units.ts';

export type ResourceFlags = Pick<
  ContainerFlags,
  | 'memory'
  | 'memorySwap'
  | 'memoryReservation'
  | 'memorySwappiness'
  | 'oomKillDisable'
  | 'cpus'
  | 'cpuShares'
  | 'cpuPeriod'
  | 'cpuQuota'
  | 'cpusetCpus'
  | 'cpusetMems'
  | 'pidsLimit'
  | 'blkioWeight'
  | 'blkioWeightDevice'
  | 'deviceReadBps'
  | 'deviceWriteBps'
  | 'deviceReadIops'
  | 'deviceWriteIops'
>;

export function resourceSpec(request: ResourceFlags): ResourceSpec {
  const resources = parseResources(request);
  validateResources(resources);
  refuseImpossible(resources);
  return resources;
}

/** What was not said is 0, '' or absent. @throws MinidockError 'INVALID_FLAG' in Docker's words. */
export function parseResources(request: ResourceFlags): ResourceSpec {
  const bytes = (text: string | undefined, flag: string): number =>
    text === undefined ? 0 : parseBytes(text, flag);
  const swap = request.memorySwap;
  return {
    memory: bytes(request.memory, '-m, --memory'),
    memorySwap: swap === '-1' ? -1 : bytes(swap, '--memory-swap'),
    memoryReservation: bytes(request.memoryReservation, '--memory-reservation'),
    nanoCpus: request.cpus === undefined ? 0 : parseCpus(request.cpus),
    cpuShares: parseInteger(request.cpuShares, '-c, --cpu-shares') ?? 0,
    cpusetCpus: request.cpusetCpus ?? '',
    pidsLimit: parseInteger(request.pidsLimit, '--pids-limit') ?? 0,
    ...rareLimits(request),
  };
}

/** Only what was given, so that most records hold none of it. */
function rareLimits(request: ResourceFlags): Partial<ResourceSpec> {
  const swappiness = parseInteger(request.memorySwappiness, '--memory-swappiness');
  const given: Readonly<Record<string, unknown>> = {
    cpuPeriod: parseInteger(request.cpuPeriod, '--cpu-period'),
    cpuQuota: parseInteger(request.cpuQuota, '--cpu-quota'),
    cpusetMems: request.cpusetMems,
    memorySwappiness: swappiness === -1 ? undefined : swappiness,
    oomKillDisable: request.oomKillDisable,
    blkioWeight: parseInteger(request.blkioWeight, '--blkio-weight'),
    blkioWeightDevice: weights(request.blkioWeightDevice),
    readBps: rates(request.deviceReadBps, '--device-read-bps', true),
    writeBps: rates(request.deviceWriteBps, '--device-write-bps', true),
    readIops: rates(request.deviceReadIops, '--device-read-iops', false),
    writeIops: rates(request.deviceWriteIops, '--device-write-iops', false),
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => ![undefined, '', 0, false].includes(value as undefined)),
  );
}

function weights(entries: readonly string[] | undefined): readonly DeviceRate[] | undefined {
  return entries?.map((entry) => {
    const { path, text } = splitRate(entry, '--blkio-weight-device');
    const value = Number(text);
    if (!/^\d+$/.test(text) || (value > 0 && (value < 10 || value > 1000))) {
      throw invalidArgument(entry, '--blkio-weight-device', `invalid weight for device: ${entry}`);
    }
    return { path, value };
  });
}

function rates(
  entries: readonly string[] | undefined,
  flag: string,
  isBytes: boolean,
): readonly DeviceRate[] | undefined {
  return entries?.map((entry) => {
    const { path, text } = splitRate(entry, flag);
    if (!(isBytes ? /^\d+(?:\.\d+)* ?([kmgtp]?)i?b?$/i : /^\d+$/).test(text)) {
      const form = isBytes
        ? '<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb'
        : '<device-path>:<number>. Number must be a positive integer';
      throw invalidArgument(entry, flag, `invalid rate for device: ${entry}. The correct format is ${form}`);
    }
    return { path, value: isBytes ? parseBytes(text, flag) : Number(text) };
  });
}

function splitRate(entry: string, flag: string): { readonly path: string; readonly text: string } {
  const at = entry.indexOf(':');
  if (at <= 0) throw invalidArgument(entry, flag, `bad format: ${entry}`);
  const path = entry.slice(0, at);
  if (!path.startsWith('/dev/')) throw invalidArgument(entry, flag, `bad format for device path: ${entry}`);
  return { path, text: entry.slice(at + 1) };
}

/** Docker discards these with a warning; an accepted flag does what it says here. */
export function refuseImpossible({
  memorySwappiness,
  oomKillDisable = false,
  blkioWeight,
  blkioWeightDevice,
}: ResourceSpec): void {
  const weighs = blkioWeight !== undefined || blkioWeightDevice !== undefined;
  if (memorySwappiness === undefined && !oomKillDisable && !weighs) return;
  const layout = cgroupLayout();
  if (layout.version === 2) {
    if (memorySwappiness !== undefined)
      throw lacking('memory swappiness', 'Control groups of version 2 have none.');
    if (oomKillDisable) throw lacking('OomKillDisable', 'Control groups of version 2 have no such switch.');
    return;
  }
  const file = blkioWeight === undefined ? 'blkio.weight_device' : 'blkio.weight';
  if (weighs && !existsSync(`${layout.controllers['blkio'] ?? ''}/${file}`)) {
    throw lacking('Block I/O weight', `There is no ${file}: the kernel's I/O scheduler has no weights.`);
  }
}

const lacking = (what: string, why: string): Error =>
  invalidSpec(`Your kernel does not support ${what} or the cgroup is not mounted`, why);
