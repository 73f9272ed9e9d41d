/** The request of `create`: flags as text, not yet checked against each other, the image or the host. */
import type { StoredImage } from '../../../images/types.ts';

/** Named as commander names the long flags of `run` and `create`. */
export interface ContainerFlags {
  readonly name?: string;
  readonly entrypoint?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly groupAdd?: readonly string[];
  readonly volume?: readonly string[];
  /** 'CONTAINER[:ro]' */
  readonly volumesFrom?: readonly string[];
  readonly mount?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly readOnly?: boolean;
  readonly label?: readonly string[];
  readonly labelFile?: readonly string[];
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly privileged?: boolean;
  readonly userns?: string;
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly cgroupns?: string;
  readonly cgroupParent?: string;
  readonly annotation?: readonly string[];
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpusetMems?: string;
  readonly memorySwappiness?: string;
  readonly blkioWeight?: string;
  readonly isolation?: string;
  readonly runtime?: string;
  readonly kernelMemory?: string;
  readonly cpuRtPeriod?: string;
  readonly cpuRtRuntime?: string;
  readonly cpuCount?: string;
  readonly cpuPercent?: string;
  readonly ioMaxbandwidth?: string;
  readonly ioMaxiops?: string;
  readonly volumeDriver?: string;
  readonly gpus?: string;
  readonly blkioWeightDevice?: readonly string[];
  readonly deviceReadBps?: readonly string[];
  readonly deviceWriteBps?: readonly string[];
  readonly deviceReadIops?: readonly string[];
  readonly deviceWriteIops?: readonly string[];
  readonly deviceCgroupRule?: readonly string[];
  readonly storageOpt?: readonly string[];
  readonly linkLocalIp?: readonly string[];
  readonly oomKillDisable?: boolean;
  readonly disableContentTrust?: boolean;
  readonly securityOpt?: readonly string[];
  readonly init?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly attach?: readonly string[];
  readonly rm?: boolean;
  readonly restart?: string;
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthRetries?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  /** false: --no-healthcheck. */
  readonly healthcheck?: boolean;
  readonly publish?: readonly string[];
  readonly publishAll?: boolean;
  readonly expose?: readonly string[];
  readonly network?: readonly string[];
  /** The older spelling of --network. */
  readonly net?: readonly string[];
  readonly networkAlias?: readonly string[];
  readonly link?: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOption?: readonly string[];
  /** The older spelling of --dns-option. */
  readonly dnsOpt?: readonly string[];
  readonly addHost?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly memoryReservation?: string;
  readonly cpus?: string;
  readonly cpuShares?: string;
  readonly cpusetCpus?: string;
  readonly pidsLimit?: string;
  readonly shmSize?: string;
  readonly ulimit?: readonly string[];
  readonly sysctl?: readonly string[];
  readonly device?: readonly string[];
  readonly oomScoreAdj?: string;
  readonly logDriver?: string;
  readonly logOpt?: readonly string[];
  readonly stopSignal?: string;
  readonly stopTimeout?: string;
  readonly platform?: string;
  readonly pull?: string;
  readonly quiet?: boolean;
  readonly cidfile?: string;
  readonly firewall?: string;
}

/** A network as it is asked for by flags. */
export interface AttachmentRequest {
  /** A mode, or a network's name or id. */
  readonly target: string;
  readonly aliases: readonly string[];
  /** 'CONTAINER:ALIAS' */
  readonly links: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly priority: number;
}

export interface CreateRequest extends Omit<ContainerFlags, 'network' | 'net'> {
  /** By the names that `--mount type=image` has (engine/images/mounted-images.ts). */
  readonly mountedImages?: ReadonlyMap<string, StoredImage>;
  /** As ContainerConfig.builder. */
  readonly builder?: string;
  /** The first network, or a mode that is none. The default network without it. */
  readonly network?: string;
  /** The networks with all that was said of each; the first one alone where this is absent. */
  readonly attachments?: readonly AttachmentRequest[];
  readonly image: string;
  readonly args: readonly string[];
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
}
