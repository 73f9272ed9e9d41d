/**
 * What `minidock graph` draws, from the kernel: network namespaces with their interfaces, the cables between them,
 * the firewall as a packet meets it. It treats things of Docker, of minidock and of a user alike; only the labels of
 * containers come from minidock's records, and `disagreements` lists wrong records.
 *
 * The namespace's inode and the index there identify an interface (`EndRef`): names repeat, that pair does not.
 */
import { addressText } from '../../../runtime/network/host-address.ts';

export interface Model {
  /** Inode of the namespace in which the command runs. */
  readonly here: number;
  /** `here` first, then the namespaces at the other end of its interfaces, then the unconnected ones. */
  readonly namespaces: readonly Namespace[];
  readonly cables: readonly Cable[];
  readonly published: readonly Published[];
  /** Redirections in a map that no rule uses. */
  readonly idle: readonly Published[];
  readonly chains: readonly Chain[];
  /** net.ipv4.ip_forward of `here`. */
  readonly forwarding: boolean;
  /** Where minidock's records and the kernel disagree, a sentence each. */
  readonly disagreements: readonly string[];
  /** The number of other namespaces with processes but without a cable to these. */
  readonly unconnected: number;
}

export interface Namespace {
  readonly inode: number;
  readonly kind: 'host' | 'container' | 'namespace';
  /** 'this host', the containers' names, the name below /run/netns, or the program in it. */
  readonly label: string;
  /** This minidock's containers in it: the owner first, then those that joined. */
  readonly containers: readonly ContainerLabel[];
  /** Its file: /run/netns/NAME or /proc/PID/ns/net. */
  readonly path: string;
  readonly processes: readonly ProcessLabel[];
  /** In the order of their indexes, loopback first. */
  readonly interfaces: readonly Interface[];
  readonly routes: readonly Route[];
}

export interface ContainerLabel {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly pid: number;
}

export interface ProcessLabel {
  readonly pid: number;
  readonly command: string;
}

export interface Interface {
  readonly index: number;
  readonly name: string;
  /** 'loopback', 'bridge', 'veth', 'vlan' …, 'device' for hardware. */
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  /** Of a bridge: minidock's network, if a container of it is known. */
  readonly network?: string;
  /** IFF_UP: it is switched on. */
  readonly up: boolean;
  /** LOWER_UP: the other end is on as well. */
  readonly carrier: boolean;
  /** With prefix length: '172.17.0.2/16'. */
  readonly addresses: readonly string[];
  /** Index of the bridge it is a port of. */
  readonly master?: number;
  /** A veth's peer, as the kernel names it: an index, in the namespace with this local number. */
  readonly peerIndex?: number;
  readonly peerNetnsId?: number;
}

export interface Route {
  readonly destination: string;
  readonly via?: string;
  readonly device: string;
}

export interface EndRef {
  readonly inode: number;
  readonly index: number;
}

/** A veth pair; `b` is undefined if its namespace cannot be found (another mount namespace keeps it). */
export interface Cable {
  readonly a: EndRef;
  readonly b: EndRef | undefined;
}

/** Redirection of a port of this host, by a rule or a map element. */
export interface Published {
  readonly protocol: string;
  /** '' means every address of this host. */
  readonly address: string;
  /** '8080' or '8000-8009'. */
  readonly port: string;
  readonly toAddress: string;
  readonly toPort: string;
  /** 'ip minidock published', 'iptables nat DOCKER': where it stands. */
  readonly where: string;
}

export type IptablesTool = 'iptables' | 'ip6tables';

/** A chain, its rules as the tool that made it prints them. */
export interface Chain {
  readonly tool: 'nft' | IptablesTool;
  /** 'ip minidock', 'nat'. */
  readonly table: string;
  readonly name: string;
  /** Of a base chain. */
  readonly hook?: string;
  readonly priority?: number;
  readonly policy?: string;
  readonly rules: readonly string[];
}

/** '8080', '127.0.0.1:8080', '[::1]:8000-8009': what a client asks for. */
export const askedPlace = ({ address, port }: Published): string =>
  address === '' ? port : `${addressText(address)}:${port}`;

export const targetPlace = ({ toAddress, toPort }: Published): string =>
  `${addressText(toAddress)}:${toPort}`;

export const refKey = ({ inode, index }: EndRef): string => `${inode}/${index}`;

export function findEnd(model: Model, ref: EndRef): { namespace: Namespace; link: Interface } | undefined {
  const namespace = model.namespaces.find(({ inode }) => inode === ref.inode);
  const link = namespace?.interfaces.find(({ index }) => index === ref.index);
  return namespace === undefined || link === undefined ? undefined : { namespace, link };
}

/** The cable, as seen from one end. */
export function cableAt(model: Model, ref: EndRef): { cable: Cable; other: EndRef | undefined } | undefined {
  const key = refKey(ref);
  for (const cable of model.cables) {
    if (refKey(cable.a) === key) return { cable, other: cable.b };
    if (cable.b !== undefined && refKey(cable.b) === key) return { cable, other: cable.a };
  }
  return undefined;
}

/** The addresses to draw, without IPv6's link-local ones, which every interface has. */
export const shownAddresses = (link: Interface): readonly string[] =>
  link.addresses.filter((address) => !/^fe80:/i.test(address) && address !== '::1/128');
