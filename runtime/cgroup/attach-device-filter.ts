/** Puts a device filter in force on a cgroup (version 2): bpf(2) to load it, bpf(2) to attach it. */
import { closeSync, openSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { Kernel } from '../syscall/kernel.ts';
import { compileDeviceFilter } from './device-filter.ts';
import type { DeviceRules } from './devices.ts';

/** The group holds the program from then on; it goes with the directory. @throws DEVICE_FILTER_FAILED. */
export function attachDeviceFilter(directory: string, rules: DeviceRules, kernel: Kernel): void {
  const opened: number[] = [];
  try {
    const cgroup = openSync(directory, 'r');
    opened.push(cgroup);
    const program = kernel.bpfLoadDeviceFilter(compileDeviceFilter(rules));
    opened.push(program);
    kernel.bpfAttachDeviceFilter(cgroup, program);
  } catch (cause) {
    throw new MinidockError({
      code: 'DEVICE_FILTER_FAILED',
      message: `cannot restrict the devices of ${directory}: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
