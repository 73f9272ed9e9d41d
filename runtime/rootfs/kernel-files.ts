/** What of /proc and /sys the container may read, write or not see at all. */
import type { OciConfig } from '../bundle.ts';
import { containerStep, type ContainerStep } from './step.ts';

/** In this order: sysctls must be written before /proc/sys turns read-only. */
export function kernelFileSteps(config: OciConfig): readonly ContainerStep[] {
  return [...sysctlSteps(config), ...readonlySteps(config), ...maskSteps(config)];
}

function sysctlSteps({ linux }: OciConfig): readonly ContainerStep[] {
  return Object.entries(linux.sysctl ?? {}).map(([key, value]) =>
    containerStep(
      `isolation.sysctl:${key}`,
      'rootfs',
      { kind: 'set-sysctl', key, value },
      {
        title: `Set ${key} to ${value}`,
        why: 'Kernel settings that belong to a namespace hold for this container only; the host keeps its own.',
        without: 'The setting has the kernel’s default in a new namespace.',
        observe: ['cat', `/proc/sys/${key.replaceAll('.', '/')}`],
      },
    ),
  );
}

function readonlySteps({ linux }: OciConfig): readonly ContainerStep[] {
  return linux.readonlyPaths.map((path) =>
    containerStep(
      `rootfs.readonly:${path}`,
      'rootfs',
      { kind: 'make-readonly', path },
      {
        title: `Make ${path} read-only`,
        why:
          READONLY_WHY[path] ??
          'Programs may look here, but a write would change the kernel for the whole machine.',
        without: 'Root in the container could write here, and change the whole machine.',
        observe: ['grep', ` ${path} `, '/proc/mounts'],
      },
    ),
  );
}

const READONLY_WHY: Readonly<Record<string, string>> = {
  '/proc/sys':
    'Kernel settings. Most are not per namespace: one write to kernel.core_pattern runs a program on the host.',
  '/proc/sysrq-trigger': 'One letter written here reboots the machine.',
  '/proc/irq': 'Decides which processor serves which interrupt, for the whole machine.',
  '/proc/bus': 'Configuration registers of the machine’s PCI and USB devices.',
};

function maskSteps({ linux }: OciConfig): readonly ContainerStep[] {
  return linux.maskedPaths.map((path) =>
    containerStep(
      `rootfs.mask:${path}`,
      'rootfs',
      { kind: 'mask', path },
      {
        title: `Hide ${path}`,
        why: MASK_WHY[path] ?? 'Exposes the host’s hardware or kernel, which a container does not need.',
        without: 'A program in the container could read it, or use it, as root of the host can.',
        observe: ['ls', '-l', path],
      },
    ),
  );
}

const MASK_WHY: Readonly<Record<string, string>> = {
  '/proc/kcore': 'The machine’s whole memory as a file.',
  '/proc/keys':
    'Names of the kernel’s keys, those of other containers included: key rings have no namespace.',
  '/proc/timer_list': 'Timers of every process on the machine, by name and number.',
  '/proc/interrupts': 'Timing of interrupts can give away what is typed on the host (a side channel).',
  '/proc/scsi': 'Once allowed a container to remove the host’s disks (CVE-2017-16539).',
  '/proc/acpi':
    'Lets a container change the host’s hardware, switching Bluetooth off for instance (CVE-2018-10892).',
  '/sys/firmware': 'Firmware tables and, on some machines, settings that are kept across reboots.',
  '/sys/devices/virtual/powercap':
    'Fine power readings reveal what others compute (the Platypus side channel).',
};
