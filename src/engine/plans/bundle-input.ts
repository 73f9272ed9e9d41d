/** What a bundle is made from. */
import type { OciConfig, OciDevice } from '../../../runtime/bundle.ts';
import type { CgroupLayout } from '../../../runtime/cgroup/detect.ts';
import type { UserNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import type { ContainerConfig } from '../spec/container.ts';
import type { Paths } from '../state/paths.ts';
import type { Container } from '../state/store.ts';

/** The containers whose namespaces a container joins (engine/joined.ts). */
export interface Joined {
  readonly namespaces: OciConfig['linux']['namespaces'];
  /** Where the shared /dev/shm is on the host; absent unless another container's is joined. */
  readonly shm?: string;
  /** Whose namespaces these are. */
  readonly owners: readonly Pick<Container, 'config' | 'state'>[];
}

export interface BundleInput {
  readonly config: ContainerConfig;
  readonly paths: Paths;
  readonly cgroup: CgroupLayout;
  /** /run/netns/…, or undefined for the host's own network. */
  readonly netnsPath: string | undefined;
  /** Host devices named by --device, looked up already (major, minor and type). */
  readonly devices: readonly OciDevice[];
  readonly size?: { readonly rows: number; readonly columns: number };
  /** The host's kernel has IPv6. */
  readonly ipv6?: boolean;
  /** Those of its interfaces on which IPv6 is on. */
  readonly interfacesWithIpv6?: readonly string[];
  /** minidock runs in a user namespace: devices are lent instead of made, and nothing need guard them. */
  readonly userNamespace?: UserNamespace | undefined;
  /** With --userns=auto: the machine's id of its root. */
  readonly firstId?: number | undefined;
  /** Of other containers. */
  readonly joined?: Pick<Joined, 'namespaces' | 'shm'> | undefined;
  /** PID 1 sends its spans. */
  readonly trace?: boolean;
  /** PID 1 asks before each step. */
  readonly step?: boolean;
  /** Fault injection for tests. */
  readonly failAt?: string;
}
