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
  type Shape,
} from '../../../images/foreign/shape.ts';
import type { Healthcheck } from '../../../images/types.ts';
import type { DeviceRate } from '../../../runtime/cgroup/validate.ts';
import type { DeviceRequest, DeviceSpec } from '../spec/devices.ts';
import type { LogLoss } from '../spec/container.ts';
import { id, lines, networkSpec, networkState, oneOf, whole } from './network-records.ts';
import type {
  ContainerConfig,
  ContainerSpec,
  ContainerState,
  FileSystemSpec,
  LogSpec,
  MountedImage,
  MountSpec,
  NamespaceSpec,
  RestartPolicy,
} from '../spec/container.ts';

/** Below the root of each hierarchy; no name in it leads up. */
export const isGroupPath = (path: string): boolean =>
  /^(\/[A-Za-z0-9_:@%+-][A-Za-z0-9_.:@%+-]*)+$/.test(path);

const mount = record<MountSpec>({
  type: oneOf('bind', 'volume', 'tmpfs', 'image'),
  source: line,
  volume: optional(line),
  anonymous: optional(flag),
  target: line,
  subpath: optional(text),
  fileSystem: optional(record<FileSystemSpec>({ type: line, device: line, options: line })),
  by: optional(oneOf('mount', 'volumes-from')),
  image: optional(record<MountedImage>({ name: line, id: line, layers: lines })),
  readOnly: flag,
  options: lines,
});

const device = record<DeviceSpec>({
  host: line,
  container: line,
  access: line,
  fileMode: optional(size),
  uid: optional(size),
  gid: optional(size),
});

const deviceRequest = record<DeviceRequest>({
  driver: line,
  count: whole,
  ids: optional(lines),
  capabilities: optional(lines),
  options: optional(mapOf(text)),
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
  devices: listOf(device),
  deviceRequests: optional(listOf(deviceRequest)),
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
  builder: optional(line),
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
