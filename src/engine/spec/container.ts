/**
 * What minidock remembers of a container. create (and rename) writes `ContainerConfig`, the request; the container's
 * current owner (its shim while it runs) writes `ContainerState`. `inspect` renders both in Docker's shape
 * (src/docker/inspect/container.ts).
 */
import type { DeviceRequest, DeviceSpec } from './devices.ts';
import type { Healthcheck } from '../../../images/types.ts';
import type { RequestedResources } from '../../../runtime/cgroup/validate.ts';
import type { PortRequest } from '../../../runtime/network/types.ts';
import type { BridgeNetwork, FirewallBackend, PortBinding } from '../../../runtime/network/types.ts';

/** 'paused' is in no record: it is what the kernel says of one that runs (reconcile.ts). */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead';

/** Its program is there: it runs, or stands still. */
export const hasProgram = ({ status }: { readonly status: ContainerStatus }): boolean =>
  status === 'running' || status === 'paused';

/** What Docker counts as running: a shim looks after it, also between two runs. */
export const isActive = (state: { readonly status: ContainerStatus }): boolean =>
  hasProgram(state) || state.status === 'restarting';

/** Swap is twice the memory where nothing was said of it, as with Docker. */
export const memoryAndSwap = ({ memory, memorySwap }: ResourceSpec): number =>
  memory > 0 && memorySwap === 0 ? memory * 2 : memorySwap;

export interface ContainerConfig {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string;
  /** As given: 'nginx', 'demo/web'. */
  readonly imageRef: string;
  /** 'sha256:…', the digest of the image's config. */
  readonly imageId: string;
  readonly platform: string;
  /** Diff directories of the image, base first. */
  readonly layers: readonly string[];
  readonly spec: ContainerSpec;
  /** The process whose `build` this is a RUN of (owner.ts). Not listed, not found by name or id, without events. */
  readonly builder?: string;
}

/** Flags and image configuration, merged and validated: having one is the proof that they made sense. */
export interface ContainerSpec {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  /** 'name', 'uid', 'user:group'; '' is root. */
  readonly user: string;
  readonly groupAdd: readonly string[];
  readonly hostname: string;
  readonly domainname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  readonly stopSignal: string;
  /** The image's health check, with the flags in place of its parts. Absent if there is none. */
  readonly healthcheck?: Healthcheck;
  /** Seconds. */
  readonly stopTimeout: number;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly autoRemove: boolean;
  /** Absent: it is not started again. */
  readonly restart?: RestartPolicy;
  readonly readOnly: boolean;
  readonly init: boolean;
  readonly privileged: boolean;
  /** 'auto': users of its own on the machine; 'host' and '' are none. Absent in containers of older versions. */
  readonly usernsMode?: UsernsMode;
  /** What is shared of its namespaces. Absent where none is, and in containers of older versions. */
  readonly namespaces?: NamespaceSpec;
  /** '/a/b': the control group above its own. '/minidock' if absent. */
  readonly cgroupParent?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
  /** Read at create, so that a profile file may go: JSON of the profile, 'unconfined', or '' for the default. */
  readonly seccompProfile: string;
  readonly noNewPrivileges: boolean;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly devices: readonly DeviceSpec[];
  /** `deviceRequests`: CDI, read anew at each start (src/engine/cdi). `deviceRules`: 'c 1:3 rwm'. Absent if there are none. */
  readonly deviceRequests?: readonly DeviceRequest[];
  readonly deviceRules?: readonly string[];
  /** Bytes; 0 is Docker's default of 64 MiB. */
  readonly shmSize: number;
  readonly oomScoreAdj: number;
  readonly mounts: readonly MountSpec[];
  /** As given; `mounts` has what they brought. */
  readonly volumesFrom?: readonly string[];
  readonly network: NetworkSpec;
  readonly resources: ResourceSpec;
  /** Absent in containers of older versions. */
  readonly log?: LogSpec;
}

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Of on-failure: how often at most; 0 is without end. */
  readonly maximumRetryCount: number;
}

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

export interface ProbeResult {
  /** RFC 3339 with nanoseconds. */
  readonly start: string;
  readonly end: string;
  /** Of the program; -1 where it did not begin, or did not end in time. */
  readonly exitCode: number;
  readonly output: string;
}

export interface Health {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** The last five. */
  readonly log: readonly ProbeResult[];
}

/** What is absent is the container's own. */
export interface NamespaceSpec {
  /** 'host' or 'container:<id>'. */
  readonly pid?: string;
  /** 'shareable' and 'none' are its own too, with a /dev/shm that others may join, or without one. */
  readonly ipc?: string;
  readonly uts?: 'host';
  readonly cgroup?: 'host';
}

export interface LogSpec {
  readonly driver: 'json-file' | 'local' | 'none';
  /** Bytes of a file before the next one is begun. */
  readonly maxSize: number;
  readonly maxFiles: number;
  /** Every --log-opt, as it was given. */
  readonly options?: Readonly<Record<string, string>>;
}

/** As Docker's driver `local` has them: endless output must not fill the disk. */
export const DEFAULT_LOG: LogSpec = { driver: 'local', maxSize: 20_000_000, maxFiles: 5 };

export type UsernsMode = '' | 'host' | 'auto';

export interface MountSpec {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** A host path; for a volume its data directory; for an image where PID 1 merges it; '' for tmpfs. */
  readonly source: string;
  /** Volume name, 64 hex digits when anonymous. */
  readonly volume?: string;
  /** Removed by `rm -v` and `--rm`. */
  readonly anonymous?: boolean;
  readonly target: string;
  /** Of a volume or an image: the directory or file in it that is mounted, instead of all of it. */
  readonly subpath?: string;
  /** Of a volume with a file system of its own, which is mounted on `source` while containers use it. */
  readonly fileSystem?: FileSystemSpec;
  readonly image?: MountedImage;
  /** Absent: by -v, --tmpfs or the image, and in containers of older versions. */
  readonly by?: 'mount' | 'volumes-from';
  readonly readOnly: boolean;
  /** mount(8) words beyond ro/rw: 'rslave', 'size=64m', 'noexec'. */
  readonly options: readonly string[];
}

export interface MountedImage {
  /** As given. */
  readonly name: string;
  /** 'sha256:…' */
  readonly id: string;
  /** Diff directories, base first. */
  readonly layers: readonly string[];
}

/** The options type, device and o of `volume create`. */
export interface FileSystemSpec {
  readonly type: string;
  readonly device: string;
  readonly options: string;
}

/** Whether a container of this network mode hangs on a bridge. */
export const isBridged = (mode: string): boolean =>
  mode !== 'none' && mode !== 'host' && !mode.startsWith('container:');

export interface NetworkSpec {
  /** 'bridge', 'none', 'host', 'container:<id>', or a network of the user's, as given: the first one of `run`. */
  readonly mode: string;
  /** The networks to be attached to, see endpoints.ts. Absent in containers of older versions, which had one. */
  readonly endpoints?: readonly EndpointSpec[];
  /** Of containers of older versions: the address asked for in their only network, or ''. */
  readonly ip?: string;
  /** The same of its MAC address. */
  readonly macAddress?: string;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** 'name:ip'. */
  readonly extraHosts: readonly string[];
  /** As asked for: a host port of 0 means any free one, chosen at each start. */
  readonly ports: readonly PortRequest[];
  /** -P: publish every exposed port on a free one. */
  readonly publishAll: boolean;
  readonly firewall: FirewallBackend;
}

/** Checked by runtime/cgroup, which says what the numbers mean. */
export type ResourceSpec = RequestedResources;

export interface ContainerState {
  readonly status: ContainerStatus;
  /** As the host sees it; 0 when not running. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: detects a reused pid. */
  readonly pidStartTime: string;
  /** The same for the shim; 0 when not running. */
  readonly shimPid: number;
  readonly shimStartTime: string;
  readonly exitCode: number;
  /** Why a start failed, else ''. */
  readonly error: string;
  readonly oomKilled: boolean;
  /** RFC 3339 with nanoseconds; '0001-01-01T00:00:00Z' for never, as Docker prints it. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** /proc/sys/kernel/random/boot_id at start: another boot means the process is gone. */
  readonly bootId: string;
  readonly network: NetworkState | undefined;
  /** With --userns=auto, while it runs: the machine's id of its root. */
  readonly firstId?: number | undefined;
  /** In no record: from a file of its own (state/health.ts), where it has a health check. */
  readonly health?: Health | undefined;
  /** How often its restart policy has started it since somebody did. */
  readonly restartCount?: number | undefined;
  /** Output of this run, or of the last one, that is not in its log. */
  readonly logLoss?: LogLoss | undefined;
}

/** What was asked for of one network. What is absent is left to minidock. */
export interface EndpointSpec {
  /** Its name. */
  readonly network: string;
  /** Further names of the container in this network. */
  readonly aliases?: readonly string[];
  /** 'CONTAINER:ALIAS': names by which this container finds another one. */
  readonly links?: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  readonly driverOpts?: Readonly<Record<string, string>>;
  /** Of the default route: the network with the highest one has it. 0 if absent. */
  readonly priority?: number;
}

/** One cable of a container that runs. */
export interface EndpointState {
  readonly network: BridgeNetwork;
  /** '' on a network that has IPv6 alone. */
  readonly address: string;
  /** On a network with IPv6. */
  readonly address6?: string;
  readonly macAddress: string;
  readonly hostVeth: string;
  /** What the container calls its end; 'eth0' where it is absent. */
  readonly interfaceName?: string;
}

/**
 * The network of a container while it runs. With several networks these fields are of the one that has the default
 * route, on which ports are published; `endpointStates` (endpoints.ts) gives all of them.
 */
export interface NetworkState {
  readonly network: BridgeNetwork | undefined;
  readonly netns: string;
  readonly address: string;
  readonly address6?: string;
  readonly macAddress: string;
  readonly hostVeth: string;
  readonly interfaceName?: string;
  readonly ports: readonly PortBinding[];
  /** The other networks. */
  readonly more?: readonly EndpointState[];
}

/** Output that is in no log: the disk was full, say. */
export interface LogLoss {
  readonly bytes: number;
  /** RFC 3339: of the first of them. */
  readonly since: string;
  /** In the kernel's words. */
  readonly reason: string;
}
