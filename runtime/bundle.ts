/**
 * The OCI runtime specification's config.json, in the spec's own shape and words, as far as minidock uses it.
 * Source: opencontainers/runtime-spec, config.md and config-linux.md, version 1.2.
 *
 * A bundle is a directory with this file as `config.json`. It is all that runtime/ knows of a container:
 * no image, no flag. The root filesystem is given as overlay layers (an annotation-free extension of `root`),
 * because the overlay is mounted in the container's own mount namespace, where nothing has to be undone.
 */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: OciRoot;
  readonly hostname: string;
  readonly domainname?: string;
  readonly mounts: readonly OciMount[];
  readonly linux: OciLinux;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface OciProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: OciUser;
  readonly args: readonly [string, ...string[]];
  /** `KEY=value`; the program is looked up in this PATH. */
  readonly env: readonly string[];
  /** Absolute; made (root, 0755) if it is missing, as Docker does. */
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly rlimits: readonly OciRlimit[];
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj?: number;
}

export interface OciUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** `-u` as given, resolved by PID 1 against the root filesystem's own passwd and group files; wins over uid/gid. */
  readonly username?: string;
  /** `--group-add` as given (names or numbers), resolved likewise. */
  readonly additionalGroups?: readonly string[];
}

/** Capability names with the CAP_ prefix. */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** The annotation of a bundle whose runtime is root of a user namespace only, and is refused device nodes and `trusted.*`. */
export const USER_NAMESPACE = 'minidock.user-namespace';

/** A program that may use what it is given, and hands nothing on to an unprivileged one (Docker's choice of sets). */
export const capabilitySets = (names: readonly string[]): OciCapabilities => ({
  bounding: names,
  effective: names,
  permitted: names,
  inheritable: [],
  ambient: [],
});

export interface OciRlimit {
  /** `RLIMIT_NOFILE` and so on. */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface OciRoot {
  /** An empty directory the overlay (or bind mount) is mounted on, in the container's own mount namespace. */
  readonly path: string;
  readonly readonly: boolean;
  /** Top layer first, as overlayfs's lowerdir; every path absolute and free of ':' and ','. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** Other images, shown by bind mounts of `path`: overlays without an upper directory, `lower` as above. */
  readonly images?: readonly { readonly path: string; readonly lower: readonly string[] }[];
}

export interface OciMount {
  readonly destination: string;
  /** 'bind' mounts have options with 'bind' or 'rbind'. */
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciDevice {
  readonly type: 'c' | 'b' | 'p';
  readonly path: string;
  /** Where the host has it, if under another name. */
  readonly hostPath?: string;
  readonly major: number;
  readonly minor: number;
  /** Permission bits, e.g. 0o666. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** `size` ids from `containerID` on are those of the machine from `hostID` on. */
export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface OciLinux {
  readonly namespaces: readonly { readonly type: OciNamespace; readonly path?: string }[];
  /** With a user namespace of its own: one entry each, the same for users and groups. */
  readonly uidMappings?: readonly [OciIdMapping];
  readonly gidMappings?: readonly [OciIdMapping];
  readonly devices: readonly OciDevice[];
  /** `/minidock/<id>`: the container's path below each hierarchy. */
  readonly cgroupsPath: string;
  readonly resources: OciResources;
  readonly seccomp?: OciSeccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

export type OciNamespace = 'mount' | 'uts' | 'ipc' | 'pid' | 'network' | 'cgroup' | 'user';

/** The ids of a container with a user namespace of its own. */
export const idMapping = ({ linux }: OciConfig): OciIdMapping | undefined => linux.uidMappings?.[0];

export interface OciResources {
  /** Bytes; -1 is unlimited. `swap` is memory plus swap, as in the spec. */
  readonly memory?: {
    readonly limit?: number;
    readonly swap?: number;
    readonly reservation?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
  };
  readonly cpu?: {
    /** cgroup v1 weight, 2 to 262144. */
    readonly shares?: number;
    /** Microseconds per period. */
    readonly quota?: number;
    readonly period?: number;
    /** `0-1,3` */
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly blockIO?: {
    readonly weight?: number;
    readonly weightDevice?: readonly {
      readonly major: number;
      readonly minor: number;
      readonly weight: number;
    }[];
    readonly throttleReadBpsDevice?: readonly OciRate[];
    readonly throttleWriteBpsDevice?: readonly OciRate[];
    readonly throttleReadIOPSDevice?: readonly OciRate[];
    readonly throttleWriteIOPSDevice?: readonly OciRate[];
  };
  readonly pids?: { readonly limit: number };
  readonly devices: readonly {
    readonly allow: boolean;
    readonly type?: 'a' | 'c' | 'b';
    readonly major?: number;
    readonly minor?: number;
    readonly access?: string;
  }[];
}

export interface OciRate {
  readonly major: number;
  readonly minor: number;
  /** Bytes or operations in a second. */
  readonly rate: number;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciSeccompRule[];
}

export interface OciSeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    /** A 64-bit number; one beyond 2^53 is kept as a decimal string, since JSON's numbers would round it. */
    readonly value: number | string;
    readonly valueTwo?: number | string;
    readonly op: string;
  }[];
}

export const BELOW = 'x-minidock.below=';

/**
 * The word of a mount whose source is to be looked for in this directory, as volume-subpath is (rootfs/bind-source.ts);
 * mount(8) takes it for a comment.
 */
export const belowWord = (directory: string): string => `${BELOW}${directory}`;
