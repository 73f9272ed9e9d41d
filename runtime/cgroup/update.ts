/**
 * The steps that change the limits of a control group that is there, with processes in it. The files and their words
 * are those a new group gets (limits.ts); the undo of each is what the file says now.
 *
 * Version 1 checks memory and memory plus swap against each other at each write, so a memory limit above the present
 * sum is written after the new sum, and any other before it.
 */
import type { OciResources } from '../bundle.ts';
import type { HostStep } from '../plan/step.ts';
import { cgroupLayout, realFiles, type CgroupLayout, type HostFiles } from './detect.ts';
import type { Limit } from './limit.ts';
import { cpusetLimits, limitsV1, limitsV2 } from './limits.ts';
import { enableControllers, parentsOf, requireControllers, writeLimit } from './plan.ts';

const MEMORY = 'memory.limit_in_bytes';
const SUM = 'memory.memsw.limit_in_bytes';
const PEAK = { 1: 'memory.max_usage_in_bytes', 2: 'memory.peak' };
const USAGE = { 1: 'memory.usage_in_bytes', 2: 'memory.current' };

/** Nothing is touched. @throws MinidockError 'CGROUP_CONTROLLER_MISSING'. */
export function planLimitChange(
  cgroupsPath: string,
  changed: OciResources,
  layout: CgroupLayout = cgroupLayout(),
  files: HostFiles = realFiles,
): HostStep[] {
  const limits = layout.version === 2 ? limitsV2(changed, layout.swap) : changesV1(changed, layout.swap);
  requireControllers(limits, layout.version === 2 ? layout.controllers : Object.keys(layout.controllers));
  const dir = ({ controller }: Limit): string => directoryOf(cgroupsPath, controller, layout);
  const now = (limit: Limit): string | undefined => files.read(`${dir(limit)}/${limit.file}`)?.trim();
  const steps = inOrder(limits, now).map((limit) =>
    writeLimit(limit, dir(limit), {
      kind: 'command',
      // An empty list of processors means those of the parent; nothing at all would be no write.
      command: { kind: 'write', path: `${dir(limit)}/${limit.file}`, text: now(limit) || '\n' },
    }),
  );
  if (layout.version === 1) return steps;
  // A controller that no container has needed yet: its files are not there.
  const missing = new Set(
    limits.filter((limit) => now(limit) === undefined).map((limit) => limit.controller),
  );
  if (missing.size === 0) return steps;
  const enable = parentsOf(cgroupsPath).map((parent) =>
    enableControllers(layout.mount + parent, parent, [...missing].sort()),
  );
  return [...enable, ...steps];
}

export interface MemoryUse {
  readonly usage: string;
  readonly peak: string;
}

/** Bytes, as the kernel writes them. */
export function memoryUse(
  cgroupsPath: string,
  layout: CgroupLayout = cgroupLayout(),
  files: HostFiles = realFiles,
): MemoryUse {
  const dir = directoryOf(cgroupsPath, 'memory', layout);
  const read = (file: string): string => files.read(`${dir}/${file}`)?.trim() ?? '0';
  return { usage: read(USAGE[layout.version]), peak: read(PEAK[layout.version]) };
}

/** The step that sets the memory limit itself, in either version. */
export const MEMORY_STEPS = [`cgroup.limit:${MEMORY}`, 'cgroup.limit:memory.max'];

const changesV1 = (changed: OciResources, swap: boolean): Limit[] => [
  ...limitsV1(changed, swap),
  ...cpusetLimits(changed.cpu),
];

function directoryOf(cgroupsPath: string, controller: string, layout: CgroupLayout): string {
  return (layout.version === 2 ? layout.mount : (layout.controllers[controller] ?? '')) + cgroupsPath;
}

function inOrder(limits: readonly Limit[], now: (limit: Limit) => string | undefined): readonly Limit[] {
  const memory = limits.find(({ file }) => file === MEMORY);
  const sum = limits.find(({ file }) => file === SUM);
  if (memory === undefined || sum === undefined) return limits;
  if (Number(memory.text) <= Number(now(sum))) return limits;
  return [sum, memory, ...limits.filter((limit) => limit !== memory && limit !== sum)];
}
