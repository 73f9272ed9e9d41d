/**
 * From what was asked for (ContainerConfig) to what the runtime takes: the OCI bundle's config.json. Pure: reads
 * nothing but its arguments, so `--dry-run` and `inspect` may call it freely.
 */
import { basename, join } from 'node:path';
import {
  belowWord,
  capabilitySets,
  USER_NAMESPACE,
  type OciConfig,
  type OciMount,
} from '../../../runtime/bundle.ts';
import type { CgroupV1Layout } from '../../../runtime/cgroup/detect.ts';
import {
  availableCapabilities,
  lastCapability,
  resolveCapabilities,
} from '../../../runtime/process/capabilities.ts';
import { mappingTo } from '../../../runtime/process/identity/id-ranges.ts';
import { defaultSeccomp, parseSeccompProfile } from '../../../runtime/process/seccomp/profile.ts';
import { nativeArch } from '../../../runtime/process/seccomp/syscalls.ts';
import {
  defaultMounts,
  devicesOf,
  type CgroupHierarchy,
  maskedPaths,
  readonlyPaths,
} from '../../../runtime/rootfs/defaults.ts';
import { idMappings, namespaces } from './bundle-namespaces.ts';
import { isBridged, type ContainerConfig, type ContainerSpec, type MountSpec } from '../spec/container.ts';
import { endpointSpecs } from '../spec/endpoints.ts';
import { interfaceAt } from '../../../runtime/network/names.ts';
import { routesFixedAt } from '../../../runtime/network/fixed-routes.ts';
import { withAsked } from './mount-order.ts';
import { resources } from './bundle-resources.ts';
import { DEFAULT_SHM_SIZE, withShm } from './shm-plan.ts';
import type { BundleInput } from './bundle-input.ts';
import { cgroupsPath, containerDir, containerRunDir, overlayDir, type Paths } from '../state/paths.ts';
import { showsSystemPaths } from '../spec/security-flags.ts';

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function buildBundle(input: BundleInput): OciConfig {
  const { config, paths } = input;
  const { spec, id } = config;
  const capabilities = resolveCapabilities({
    capAdd: spec.capAdd,
    capDrop: spec.capDrop,
    privileged: spec.privileged,
    lastCap: lastCapability(),
    available: availableCapabilities(),
  });
  const args = [...(spec.init ? ['/sbin/docker-init', '--'] : []), ...spec.entrypoint, ...spec.cmd];
  const seccomp = seccompFor(spec, capabilities);
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: spec.tty,
      ...(input.size === undefined
        ? {}
        : { consoleSize: { height: input.size.rows, width: input.size.columns } }),
      user: {
        uid: 0,
        gid: 0,
        additionalGids: [],
        username: spec.user,
        additionalGroups: spec.groupAdd,
      },
      args: args as [string, ...string[]],
      env: processEnv(spec),
      cwd: spec.workingDir === '' ? '/' : spec.workingDir,
      capabilities: capabilitySets(capabilities),
      rlimits: spec.ulimits.map(({ name, soft, hard }) => ({
        type: `RLIMIT_${name.toUpperCase()}`,
        soft,
        hard,
      })),
      noNewPrivileges: spec.noNewPrivileges,
      ...(spec.oomScoreAdj === 0 ? {} : { oomScoreAdj: spec.oomScoreAdj }),
    },
    root: {
      path: join(containerRunDir(paths, id), 'rootfs'),
      readonly: spec.readOnly,
      lower: [...config.layers].reverse(),
      upper: join(overlayDir(paths, id), 'upper'),
      work: join(overlayDir(paths, id), 'work'),
      ...mountedImages(input),
    },
    hostname: spec.hostname,
    ...(spec.domainname === '' ? {} : { domainname: spec.domainname }),
    mounts: mounts(input),
    linux: {
      namespaces: namespaces(spec, input.joined?.namespaces, input.netnsPath, input.firstId),
      ...idMappings(input.firstId),
      devices: devicesOf(input.devices),
      cgroupsPath: cgroupsPath(config),
      resources: resources(input),
      ...(seccomp === undefined ? {} : { seccomp }),
      sysctl: sysctls(input),
      maskedPaths: showsSystemPaths(spec) ? [] : maskedPaths,
      readonlyPaths: showsSystemPaths(spec) ? [] : readonlyPaths,
    },
    annotations: {
      ...spec.annotations,
      ...(spec.init ? { 'minidock.init': 'true' } : {}),
      ...(input.userNamespace !== undefined ? { [USER_NAMESPACE]: 'true' } : {}),
      ...(input.trace === true ? { 'minidock.trace': 'true' } : {}),
      ...(input.step === true ? { 'minidock.step': 'true' } : {}),
      ...(input.failAt === undefined ? {} : { 'minidock.fail-at': input.failAt }),
    },
  };
}

/** The last layer of each mounted image (runtime/rootfs/overlay.ts). */
export const emptyLayer = (paths: Paths, id: string): string => join(overlayDir(paths, id), 'empty');

function mountedImages({ config, paths }: BundleInput): Pick<OciConfig['root'], 'images'> {
  const images = config.spec.mounts.flatMap(({ source, image }) =>
    image === undefined
      ? []
      : [{ path: source, lower: [...image.layers.toReversed(), emptyLayer(paths, config.id)] }],
  );
  return images.length === 0 ? {} : { images };
}

/** One entry for each mounted hierarchy: its directory's name below /sys/fs/cgroup, and its mount option. */
function hierarchies(layout: CgroupV1Layout): readonly CgroupHierarchy[] {
  const byMount = new Map<string, string[]>();
  for (const [controller, mount] of Object.entries(layout.controllers)) {
    byMount.set(mount, [...(byMount.get(mount) ?? []), controller]);
  }
  return [...byMount].map(([mount, controllers]) => ({
    directory: basename(mount),
    option: controllers.join(','),
  }));
}

/** Docker's order: PATH, HOSTNAME, TERM, then the image's and the flags', a later value replacing an earlier one. */
function processEnv(spec: ContainerSpec): readonly string[] {
  const variables = new Map<string, string>();
  const base = [DEFAULT_PATH, `HOSTNAME=${spec.hostname}`, ...(spec.tty ? ['TERM=xterm'] : [])];
  for (const entry of [...base, ...spec.env]) variables.set(entry.split('=', 1)[0] ?? '', entry);
  return [...variables.values()];
}

function seccompFor(spec: ContainerSpec, capabilities: readonly string[]): OciConfig['linux']['seccomp'] {
  if (spec.privileged || spec.seccompProfile === 'unconfined') return undefined;
  const arch = nativeArch();
  if (arch === undefined) return undefined; // No table of system calls for this processor: scripts/build makes none.
  return spec.seccompProfile === ''
    ? defaultSeccomp(capabilities, arch)
    : parseSeccompProfile(spec.seccompProfile, capabilities, arch);
}

/**
 * Docker's own two: any program in a network namespace of its own may listen on ports below 1024 and send pings, so
 * that neither needs root or a capability.
 */
function sysctls({
  config,
  netnsPath,
  ipv6,
  interfacesWithIpv6,
  userNamespace,
  firstId,
}: BundleInput): Readonly<Record<string, string>> {
  const own = netnsPath !== undefined && !config.spec.network.mode.startsWith('container:');
  return {
    ...(own
      ? {
          'net.ipv4.ip_unprivileged_port_start': '0',
          // The kernel takes no group that is not there.
          'net.ipv4.ping_group_range': `0 ${String(firstId === undefined ? (userNamespace?.lastGid ?? 2147483647) : mappingTo(firstId).size - 1)}`,
        }
      : {}),
    ...(isBridged(config.spec.network.mode)
      ? fixedRoutes(interfaces(config), ipv6 === true, interfacesWithIpv6 ?? [])
      : {}),
    ...config.spec.sysctls,
  };
}

/**
 * A container has one gateway, and no neighbour may name another: by a redirect in the gateway's name, or by a router
 * advertisement. IPv6 is off where the network is IPv4; who turns it on (--sysctl net.ipv6.conf.all.disable_ipv6=0)
 * still believes no router.
 */
function fixedRoutes(
  interfaces: readonly string[],
  ipv6: boolean,
  withIpv6: readonly string[],
): Readonly<Record<string, string>> {
  // Either of the two is enough to let them in.
  const all = { 'net.ipv4.conf.all.accept_redirects': '0' };
  return interfaces.reduce(
    (settings, name) => ({ ...settings, ...routesFixedAt(name, ipv6, withIpv6.includes(name)) }),
    all,
  );
}

/** A container that is on no network by now may be connected to one later, see live-plan.ts. */
const interfaces = ({ spec }: ContainerConfig): readonly string[] =>
  endpointSpecs(spec.network).map((_, index) => interfaceAt(index));

function mounts(input: BundleInput): readonly OciMount[] {
  const { spec, id } = input.config;
  const dir = containerDir(input.paths, id);
  const defaults = defaultMounts({
    shmSize: spec.shmSize === 0 ? DEFAULT_SHM_SIZE : spec.shmSize,
    privileged: spec.privileged,
    cgroupVersion: input.cgroup.version,
    ...(input.cgroup.version === 1 ? { cgroupHierarchies: hierarchies(input.cgroup) } : {}),
  });
  // A RUN finds none of its own in /etc, as in BuildKit: what lists /etc makes the same layer everywhere.
  const names = ['resolv.conf', ...(input.config.builder === undefined ? ['hostname'] : []), 'hosts'];
  const files = names.map((name): OciMount => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(dir, name),
    // A read-only container has them read-only too: a writer of /etc/hosts decides where names lead.
    options: ['rbind', 'rprivate', ...(spec.readOnly ? ['ro'] : [])],
  }));
  // Docker sorts by destination depth, so that a volume on /a does not hide one on /a/b.
  const asked = spec.mounts.map(toOciMount).sort((a, b) => depth(a.destination) - depth(b.destination));
  return withAsked([...withShm(defaults, input), ...files], asked);
}

const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;

function toOciMount(mount: MountSpec): OciMount {
  if (mount.type === 'tmpfs') {
    const options = ['nosuid', 'nodev', 'noexec', ...mount.options];
    return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options: dropOpposites(options) };
  }
  const propagation = mount.options.some((word) => /^r?(private|shared|slave)$/.test(word))
    ? []
    : ['rprivate'];
  return {
    destination: mount.target,
    type: 'bind',
    source: mount.subpath === undefined ? mount.source : join(mount.source, mount.subpath),
    options: [
      mount.options.includes('bind') ? 'bind' : 'rbind',
      ...propagation,
      ...(mount.readOnly ? ['ro'] : []),
      ...mount.options.filter((word) => word !== 'bind'),
      ...(mount.subpath === undefined ? [] : [belowWord(mount.source)]),
    ],
  };
}

/** `--tmpfs /x:exec` means exec although Docker's default says noexec: the last word of a pair wins. */
function dropOpposites(options: readonly string[]): readonly string[] {
  const key = (word: string): string =>
    word.replace(/^no(?=(suid|dev|exec|atime)$)/, '').replace(/^(ro|rw)$/, 'rw');
  return options.filter((word, index) => !options.slice(index + 1).some((later) => key(later) === key(word)));
}
