/**
 * The shapes of minidock's own files. Every read checks them: a disk, a full file system or a user may have changed a
 * file, and half a record must not become half an action.
 */
import {
  flag,
  form,
  int64,
  line,
  listOf,
  mapOf,
  optional,
  record,
  size,
  text,
  value,
  type Shape,
} from '../../../images/foreign/shape.ts';
import type { Healthcheck } from '../../../images/types.ts';
import type { DeviceRate } from '../../../runtime/cgroup/validate.ts';
import type { PortRequest } from '../../../runtime/network/types.ts';
import type { BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import type { LogLoss } from '../spec/container.ts';
import { parseCidr, parseIpv4 } from '../../../runtime/network/ipv4.ts';
import type {
  ContainerConfig,
  ContainerSpec,
  ContainerState,
  EndpointSpec,
  EndpointState,
  FileSystemSpec,
  LogSpec,
  MountedImage,
  MountSpec,
  NamespaceSpec,
  NetworkSpec,
  NetworkState,
  RestartPolicy,
} from '../spec/container.ts';

/** Below the root of each hierarchy; no name in it leads up. */
export const isGroupPath = (path: string): boolean =>
  /^(\/[A-Za-z0-9_:@%+-][A-Za-z0-9_.:@%+-]*)+$/.test(path);

export const isId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

const id = form('64 hex digits', 'ids', isId);
const whole = value<number>('a whole number', 'whole numbers', Number.isSafeInteger);
const port = value<number>(
  'a port',
  'ports',
  (found) => Number.isInteger(found) && Number(found) >= 0 && Number(found) <= 0xffff,
);
const lines = listOf(line);
const oneOf = <T extends string>(...words: readonly T[]): Shape<T> =>
  value(`one of ${words.join(', ')}`, 'words', (found) => words.includes(found as T));
const interfaceName = form('the name of an interface', 'names of interfaces', (name) =>
  /^[a-zA-Z0-9_.-]{1,15}$/.test(name),
);
const address = form('an IPv4 address', 'IPv4 addresses', (name) => parseIpv4(name) !== undefined);

const subnet = form('a subnet', 'subnets', (found) => parseCidr(found) !== undefined);

export const bridgeNetwork: Shape<BridgeNetwork> = record<BridgeNetwork>({
  id,
  name: line,
  bridge: interfaceName,
  subnet,
  gateway: address,
  internal: optional(flag),
  isolated: optional(flag),
  unmasked: optional(flag),
  publishAt: optional(address),
  mtu: optional(size),
  range: optional(subnet),
  reserved: optional(mapOf(address)),
  labels: optional(mapOf(text)),
  options: optional(mapOf(text)),
  attachable: optional(flag),
  created: text,
});

const binding = {
  hostIp: line,
  hostPort: port,
  containerPort: port,
  protocol: oneOf('tcp', 'udp'),
};

const endpointSpec = record<EndpointSpec>({
  network: line,
  aliases: optional(lines),
  links: optional(lines),
  ip: optional(line),
  macAddress: optional(line),
  driverOpts: optional(mapOf(line)),
  priority: optional(whole),
});

const networkSpec = record<NetworkSpec>({
  mode: line,
  endpoints: optional(listOf(endpointSpec)),
  ip: optional(line),
  macAddress: optional(line),
  dns: lines,
  dnsSearch: lines,
  dnsOptions: lines,
  extraHosts: lines,
  ports: listOf(
    record<PortRequest>({ ...binding, hostPortEnd: optional(port), everyAddress: optional(flag) }),
  ),
  publishAll: flag,
  firewall: oneOf('nftables', 'iptables'),
});

const mount = record<MountSpec>({
  type: oneOf('bind', 'volume', 'tmpfs', 'image'),
  source: line,
  volume: optional(line),
  anonymous: optional(flag),
  target: line,
  subpath: optional(text),
  fileSystem: optional(record<FileSystemSpec>({ type: line, device: line, options: line })),
  image: optional(record<MountedImage>({ name: line, id: line, layers: lines })),
  readOnly: flag,
  options: lines,
});

const rates = listOf(record<DeviceRate>({ path: line, value: whole }));

const spec: Shape<ContainerSpec> = record<ContainerSpec>({
  entrypoint: lines,
  cmd: lines,
  env: lines,
  workingDir: line,
  user: line,
  groupAdd: lines,
  healthcheck: optional(
    record<Healthcheck>({
      Test: optional(lines),
      Interval: optional(int64),
      Timeout: optional(int64),
      StartPeriod: optional(int64),
      StartInterval: optional(int64),
      Retries: optional(int64),
    }),
  ),
  hostname: line,
  domainname: line,
  labels: mapOf(text),
  exposedPorts: lines,
  stopSignal: line,
  stopTimeout: whole,
  tty: flag,
  openStdin: flag,
  attachStdin: flag,
  attachStdout: flag,
  attachStderr: flag,
  autoRemove: flag,
  restart: optional(
    record<RestartPolicy>({
      name: oneOf('no', 'always', 'unless-stopped', 'on-failure'),
      maximumRetryCount: size,
    }),
  ),
  readOnly: flag,
  init: flag,
  privileged: flag,
  usernsMode: optional(oneOf('', 'host', 'auto')),
  namespaces: optional(
    record<NamespaceSpec>({
      pid: optional(
        form('host or a container', 'modes', (mode) => /^(host|container:[0-9a-f]{64})$/.test(mode)),
      ),
      ipc: optional(
        form('an IPC mode', 'modes', (mode) => /^(host|none|shareable|container:[0-9a-f]{64})$/.test(mode)),
      ),
      uts: optional(oneOf('host')),
      cgroup: optional(oneOf('host')),
    }),
  ),
  cgroupParent: optional(form('the path of a control group', 'paths', isGroupPath)),
  annotations: optional(mapOf(text)),
  capAdd: lines,
  capDrop: lines,
  securityOpt: lines,
  seccompProfile: text,
  noNewPrivileges: flag,
  ulimits: listOf(record<ContainerSpec['ulimits'][number]>({ name: line, soft: whole, hard: whole })),
  sysctls: mapOf(line),
  devices: listOf(record<ContainerSpec['devices'][number]>({ host: line, container: line, access: line })),
  deviceRules: optional(lines),
  shmSize: size,
  oomScoreAdj: whole,
  mounts: listOf(mount),
  volumesFrom: optional(listOf(line)),
  network: networkSpec,
  resources: record<ContainerSpec['resources']>({
    memory: whole,
    memorySwap: whole,
    memoryReservation: whole,
    nanoCpus: whole,
    cpuShares: whole,
    cpusetCpus: line,
    pidsLimit: whole,
    cpuPeriod: optional(whole),
    cpuQuota: optional(whole),
    cpusetMems: optional(line),
    memorySwappiness: optional(whole),
    oomKillDisable: optional(flag),
    blkioWeight: optional(whole),
    blkioWeightDevice: optional(rates),
    readBps: optional(rates),
    writeBps: optional(rates),
    readIops: optional(rates),
    writeIops: optional(rates),
  }),
  log: optional(
    record<LogSpec>({
      driver: oneOf('json-file', 'local', 'none'),
      maxSize: size,
      maxFiles: size,
      options: optional(mapOf(text)),
    }),
  ),
});

export const containerConfig: Shape<ContainerConfig> = record<ContainerConfig>({
  id,
  name: line,
  created: text,
  imageRef: text,
  imageId: text,
  platform: text,
  layers: lines,
  spec,
});

const endpointState = record<EndpointState>({
  network: bridgeNetwork,
  address,
  macAddress: line,
  hostVeth: line,
  interfaceName: optional(interfaceName),
});

const networkState = record<NetworkState>({
  network: optional(bridgeNetwork),
  netns: line,
  address: line,
  macAddress: line,
  hostVeth: line,
  interfaceName: optional(interfaceName),
  ports: listOf(record<PortBinding>(binding)),
  more: optional(listOf(endpointState)),
});

/** Health has a file of its own (health.ts). */
type StateRecord = Omit<ContainerState, 'health'>;

export const containerState: Shape<StateRecord> = record<StateRecord>({
  status: oneOf('created', 'running', 'restarting', 'exited', 'dead'),
  pid: size,
  pidStartTime: text,
  shimPid: size,
  shimStartTime: text,
  exitCode: whole,
  error: text,
  oomKilled: flag,
  startedAt: text,
  finishedAt: text,
  bootId: text,
  network: optional(networkState),
  firstId: optional(size),
  restartCount: optional(size),
  logLoss: optional(record<LogLoss>({ bytes: size, since: text, reason: text })),
});

export interface VolumeRecord {
  readonly created: string;
  readonly anonymous: boolean;
  /** Of one that `volume create` made. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the driver `local`: type, o, device. */
  readonly options?: Readonly<Record<string, string>>;
}

export const volumeRecord: Shape<VolumeRecord> = record<VolumeRecord>({
  created: text,
  anonymous: flag,
  labels: optional(mapOf(text)),
  options: optional(mapOf(text)),
});
