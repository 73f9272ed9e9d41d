/**
 * Every container's defaults: Docker's lists, which are also those of the OCI runtime specification (config-linux.md,
 * "Default Filesystems" and "Default Devices") plus Docker's own masks. Source: moby, oci/defaults.go.
 */
import type { OciDevice, OciMount, OciResources } from '../bundle.ts';

/** One hierarchy of cgroup v1: the name of its directory below /sys/fs/cgroup, and its mount option. */
export interface CgroupHierarchy {
  /** 'memory', 'cpu,cpuacct', 'systemd'. */
  readonly directory: string;
  /** 'memory', 'cpu,cpuacct', 'name=systemd'. */
  readonly option: string;
}

export interface DefaultMountOptions {
  /** Bytes. */
  readonly shmSize: number;
  readonly privileged: boolean;
  readonly cgroupVersion: 1 | 2;
  /** Version 1 only: what the host has mounted. */
  readonly cgroupHierarchies?: readonly CgroupHierarchy[];
}

/** In the order they are mounted in: a mount point below another comes after it. */
export function defaultMounts(options: DefaultMountOptions): readonly OciMount[] {
  const access = options.privileged ? 'rw' : 'ro';
  return [
    mount('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', 'devpts', [
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      'gid=5',
    ]),
    mount('/sys', 'sysfs', 'sysfs', ['nosuid', 'noexec', 'nodev', access]),
    ...cgroupMounts(options, access),
    mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    mount('/dev/shm', 'tmpfs', 'shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${options.shmSize}`]),
  ];
}

function cgroupMounts(options: DefaultMountOptions, access: string): readonly OciMount[] {
  const flags = ['nosuid', 'noexec', 'nodev'];
  if (options.cgroupVersion === 2) {
    return [mount('/sys/fs/cgroup', 'cgroup2', 'cgroup', [...flags, access])];
  }
  return [
    mount('/sys/fs/cgroup', 'tmpfs', 'tmpfs', [...flags, 'mode=755']),
    ...(options.cgroupHierarchies ?? []).map(({ directory, option }) =>
      mount(`/sys/fs/cgroup/${directory}`, 'cgroup', 'cgroup', [...flags, access, option]),
    ),
    ...(options.privileged ? [] : [mount('/sys/fs/cgroup', 'tmpfs', 'tmpfs', ['remount', 'bind', 'ro'])]),
  ];
}

const mount = (destination: string, type: string, source: string, options: readonly string[]): OciMount => ({
  destination,
  type,
  source,
  options,
});

/** Masked: they expose the host or its hardware. */
export const maskedPaths: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

/** Readable, since programs look there, but not writable: each of them steers the whole host. */
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

const character = (path: string, major: number, minor: number): OciDevice => ({
  type: 'c',
  path,
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
});

/** The nodes every program may count on. /dev/console and /dev/ptmx come with the terminal and devpts. */
export const standardDevices: readonly OciDevice[] = [
  character('/dev/null', 1, 3),
  character('/dev/zero', 1, 5),
  character('/dev/full', 1, 7),
  character('/dev/random', 1, 8),
  character('/dev/urandom', 1, 9),
  character('/dev/tty', 5, 0),
];

/** The standard nodes and what is given beside them: all of the host's to a privileged container, the same again among them. */
export function devicesOf(given: readonly OciDevice[]): readonly OciDevice[] {
  const paths = new Set(given.map(({ path }) => path));
  return [...standardDevices.filter(({ path }) => !paths.has(path)), ...given];
}

type DeviceRules = OciResources['devices'];

/** The device cgroup's list: nothing but making nodes, and using those above, terminals and ptys. */
export const defaultDeviceRules: DeviceRules = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...standardDevices.map(({ major, minor }) => ({
    allow: true,
    type: 'c' as const,
    major,
    minor,
    access: 'rwm',
  })),
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];
