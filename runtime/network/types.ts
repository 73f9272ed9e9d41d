/** The network side of a container as data: what the address management decided and what the plan is made from. */

export type Protocol = 'tcp' | 'udp';

/** One bridge network of this host. The subnet is clear of every route the host had when it was chosen. */
export interface BridgeNetwork {
  /** 64 hex digits. */
  readonly id: string;
  /** 'bridge' for the default one. */
  readonly name: string;
  /** The kernel's interface name, at most 15 characters: 'minidock0'. */
  readonly bridge: string;
  /** CIDR, e.g. '172.17.0.0/16'; '' of a network that has IPv6 alone, as is the gateway then. */
  readonly subnet: string;
  readonly gateway: string;
  /** IPv6 is kept off a network without. */
  readonly ipv6?: Ipv6Block;
  /** No way out of it, and none in but from this host. */
  readonly internal?: boolean;
  /** Containers of the network do not reach each other. */
  readonly isolated?: boolean;
  /** What leaves it keeps its own address. */
  readonly unmasked?: boolean;
  /** Where ports are published unless the port says otherwise; every address of the host if absent. */
  readonly publishAt?: string;
  /** Of the bridge and of both ends of each cable; the kernel's 1500 if absent. */
  readonly mtu?: number;
  /** CIDR: the part of the subnet that addresses are taken from. */
  readonly range?: string;
  /** Addresses that no container gets, by what they are for. */
  readonly reserved?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** As they were given, to be shown. */
  readonly options?: Readonly<Record<string, string>>;
  readonly attachable?: boolean;
  /** RFC 3339. */
  readonly created: string;
}

/** The IPv6 half of a network. Addresses are in their one form, see ipv6/address.ts. */
export interface Ipv6Block {
  /** CIDR, e.g. 'fd00:1::/64'. */
  readonly subnet: string;
  readonly gateway: string;
  /** CIDR: the part of the subnet that addresses are taken from. */
  readonly range?: string;
  readonly reserved?: Readonly<Record<string, string>>;
  /**
   * Absent: addresses are masqueraded. 'routed': others have a route to them, and a published port is open at the
   * container's own address. 'open': every port is.
   */
  readonly mode?: 'routed' | 'open';
}

/** A published port after allocation: every number is final. */
export interface PortBinding {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

export type FirewallBackend = 'nftables' | 'iptables';

/** Everything that is needed to wire one container to one bridge network. */
export interface BridgeEndpoint {
  readonly containerId: string;
  /** Name below /run/netns, as `ip -n NAME` takes it: 'md-' and the first 12 digits of the id. */
  readonly netns: string;
  readonly network: BridgeNetwork;
  /** Without prefix length; '' on a network that has IPv6 alone. */
  readonly address: string;
  /** The same of IPv6; absent on a network without. */
  readonly address6?: string;
  readonly macAddress: string;
  /** Host-side interface name, at most 15 characters. */
  readonly hostVeth: string;
  /** What the container calls its end: 'eth0', 'eth1'. */
  readonly interfaceName: string;
  readonly ports: readonly PortBinding[];
  readonly firewall: FirewallBackend;
  /** The host has IPv6, which is kept off the host's end of the cable, and off the bridge of a network without it. */
  readonly ipv6: boolean;
}

/** A binding as asked for. A hostPort of 0 means any free one. */
export interface PortRequest extends PortBinding {
  /** `-p 0.0.0.0:80:80`: every address, whatever the network's own choice is. */
  readonly everyAddress?: boolean;
  /** The same port as the one before it, of the other family: `-p 80:80` is for both. */
  readonly follows?: boolean;
  /** `-p 8080-8090:80`: any free one from hostPort to this, both included. */
  readonly hostPortEnd?: number;
}
