/** The HostConfig object of `inspect`: what was asked of the host, in the key order of Docker 26. */
import {
  DEFAULT_LOG,
  type ContainerConfig,
  type LogSpec,
  type MountSpec,
} from '../../engine/spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs } from '../../engine/spec/endpoints.ts';
import { showsSystemPaths } from '../../engine/spec/security-flags.ts';
import { maskedPaths, readonlyPaths } from '../../../runtime/rootfs/defaults.ts';
import { goStruct, nilSlice } from '../go-template/value.ts';
import { inspectMount } from './mount.ts';
import { portMap, slice, sortedStrings } from './values.ts';

/** Only what was given, as in Docker. */
const logConfig = ({ driver, options = {} }: LogSpec): Readonly<Record<string, unknown>> => ({
  Type: driver,
  Config: Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))),
});

const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

export function hostConfig(config: ContainerConfig): object {
  const { spec } = config;
  const { network, resources } = spec;
  const tmpfs = spec.mounts.filter(({ type, by }) => type === 'tmpfs' && by === undefined);
  const byMount = spec.mounts.filter(({ by }) => by === 'mount');
  return goStruct({
    Binds: slice(spec.mounts.filter(isBind).map(bindText)),
    ContainerIDFile: '',
    LogConfig: goStruct(logConfig(spec.log ?? DEFAULT_LOG)),
    NetworkMode: network.mode,
    PortBindings: portMap(
      network.ports.map((port) => ({
        key: `${port.containerPort}/${port.protocol}`,
        ip: port.hostIp === '0.0.0.0' ? '' : port.hostIp,
        // 0 means any port; Docker writes no port.
        port: port.hostPort === 0 ? '' : String(port.hostPort),
      })),
    ),
    RestartPolicy: goStruct({
      Name: spec.restart?.name ?? 'no',
      MaximumRetryCount: spec.restart?.maximumRetryCount ?? 0,
    }),
    AutoRemove: spec.autoRemove,
    VolumeDriver: '',
    VolumesFrom: spec.volumesFrom === undefined ? nilSlice() : slice(spec.volumesFrom),
    ConsoleSize: [0, 0],
    ...(spec.annotations === undefined ? {} : { Annotations: sortedStrings(spec.annotations) }),
    CapAdd: slice(spec.capAdd),
    CapDrop: slice(spec.capDrop),
    CgroupnsMode: spec.namespaces?.cgroup ?? 'private',
    Dns: network.dns,
    DnsOptions: network.dnsOptions,
    DnsSearch: network.dnsSearch,
    ExtraHosts: slice(network.extraHosts),
    GroupAdd: slice(spec.groupAdd),
    IpcMode: spec.namespaces?.ipc ?? 'private',
    Cgroup: '',
    Links: slice(defaultLinks(config)),
    OomScoreAdj: spec.oomScoreAdj,
    PidMode: spec.namespaces?.pid ?? '',
    Privileged: spec.privileged,
    PublishAllPorts: network.publishAll,
    ReadonlyRootfs: spec.readOnly,
    SecurityOpt: slice(spec.securityOpt),
    ...(byMount.length === 0 ? {} : { Mounts: byMount.map(inspectMount) }),
    ...(tmpfs.length === 0
      ? {}
      : { Tmpfs: sortedStrings(Object.fromEntries(tmpfs.map((mount) => [mount.target, tmpfsText(mount)]))) }),
    ...(Object.keys(spec.sysctls).length === 0 ? {} : { Sysctls: sortedStrings(spec.sysctls) }),
    UTSMode: spec.namespaces?.uts ?? '',
    UsernsMode: spec.usernsMode ?? '',
    ShmSize: spec.shmSize === 0 ? DEFAULT_SHM_SIZE : spec.shmSize,
    Runtime: 'minidock',
    ...(spec.init ? { Init: true } : {}),
    Isolation: '',
    CpuShares: resources.cpuShares,
    Memory: resources.memory,
    NanoCpus: resources.nanoCpus,
    CgroupParent: spec.cgroupParent ?? '',
    BlkioWeight: resources.blkioWeight ?? 0,
    BlkioWeightDevice: rates(resources.blkioWeightDevice, 'Weight'),
    BlkioDeviceReadBps: rates(resources.readBps),
    BlkioDeviceWriteBps: rates(resources.writeBps),
    BlkioDeviceReadIOps: rates(resources.readIops),
    BlkioDeviceWriteIOps: rates(resources.writeIops),
    CpuPeriod: resources.cpuPeriod ?? 0,
    CpuQuota: resources.cpuQuota ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: resources.cpusetCpus,
    CpusetMems: resources.cpusetMems ?? '',
    Devices: spec.devices.map((device) =>
      goStruct({
        PathOnHost: device.host,
        PathInContainer: device.container,
        CgroupPermissions: device.access,
      }),
    ),
    DeviceCgroupRules: slice(spec.deviceRules ?? []),
    DeviceRequests: deviceRequests(spec),
    MemoryReservation: resources.memoryReservation,
    // Like Docker's daemon, stores twice the memory if no swap limit was given.
    MemorySwap:
      resources.memory > 0 && resources.memorySwap === 0 ? resources.memory * 2 : resources.memorySwap,
    MemorySwappiness: resources.memorySwappiness ?? null,
    OomKillDisable: resources.oomKillDisable ?? false,
    PidsLimit: resources.pidsLimit === 0 ? null : resources.pidsLimit,
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => goStruct({ Name: name, Hard: hard, Soft: soft })),
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    MaskedPaths: showsSystemPaths(spec) ? nilSlice() : maskedPaths,
    ReadonlyPaths: showsSystemPaths(spec) ? nilSlice() : readonlyPaths,
  });
}

/** '/db:/web/database'; links in other networks are in NetworkSettings. */
const defaultLinks = ({ name, spec }: ContainerConfig): readonly string[] =>
  endpointSpecs(spec.network)
    .filter(({ network }) => network === DEFAULT_NETWORK)
    .flatMap(({ links = [] }) => links)
    .map((link) => {
      const [container = '', alias = ''] = link.split(':');
      return `/${container}:/${name}/${alias}`;
    });

const rates = (
  list: ContainerConfig['spec']['resources']['readBps'] = [],
  what: 'Rate' | 'Weight' = 'Rate',
): readonly object[] => list.map(({ path, value }) => goStruct({ Path: path, [what]: value }));

/** `-v` as it was given; an anonymous volume is not among the binds. */
const isBind = ({ type, anonymous, by }: MountSpec): boolean =>
  type !== 'tmpfs' && type !== 'image' && anonymous !== true && by === undefined;

function bindText(mount: MountSpec): string {
  const options = [...(mount.readOnly ? ['ro'] : []), ...mount.options].join(',');
  const source = mount.type === 'volume' ? (mount.volume ?? mount.source) : mount.source;
  return `${source}:${mount.target}${options === '' ? '' : `:${options}`}`;
}

const tmpfsText = (mount: MountSpec): string =>
  [...(mount.readOnly ? ['ro'] : []), ...mount.options].join(',');

function deviceRequests({ deviceRequests: requests = [] }: ContainerConfig['spec']): unknown {
  if (requests.length === 0) return nilSlice();
  return requests.map(({ driver, count, ids, capabilities, options }) =>
    goStruct({
      Driver: driver,
      Count: count,
      DeviceIDs: ids === undefined ? nilSlice() : [...ids],
      Capabilities: capabilities === undefined ? nilSlice() : [[...capabilities]],
      Options: options ?? null,
    }),
  );
}
