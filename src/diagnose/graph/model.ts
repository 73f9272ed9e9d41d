/**
 * What `minidock graph` draws, as the kernel has it at one moment: network namespaces with their interfaces, the
 * cables between them, the firewall as a packet meets it. Whether Docker, minidock or a hand made a thing makes no
 * difference here; only the labels of containers come from notes, and `disagreements` says where those are wrong.
 *
 * An interface is known by its namespace's inode and its index there (`EndRef`): names repeat, that pair does not.
 */
export interface Model {
  /** Inode of the namespace that looks at the others: where the command runs. */
  readonly here: number;
  /** `here` first, then the others as its interfaces lead to them, then those that no cable leads to. */
  readonly namespaces: readonly Namespace[];
  readonly cables: readonly Cable[];
  readonly published: readonly Published[];
  /** The like in a map that no rule asks, so that nothing is redirected. */
  readonly idle: readonly Published[];
  readonly chains: readonly Chain[];
  /** net.ipv4.ip_forward of `here`. */
  readonly forwarding: boolean;
  /** Where minidock's notes and the kernel are at odds, each a sentence. */
  readonly disagreements: readonly string[];
  /** Other namespaces of this machine that hold processes but no cable to these. */
  readonly unconnected: number;
}

export interface Namespace {
  readonly inode: number;
  readonly kind: 'host' | 'container' | 'namespace';
  /** 'this host', the containers' names, the name below /run/netns, or the program in it. */
  readonly label: string;
  /** Of this minidock, in it: whose namespace it is first, then those that joined it. */
  readonly containers: readonly ContainerLabel[];
  /** What opens it: /run/netns/NAME or /proc/PID/ns/net. */
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
  /** 'loopback', 'bridge', 'veth', 'vlan' …, 'device' for what has hardware behind it. */
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  /** Of a bridge: the network of minidock's that it is, where a container tells. */
  readonly network?: string;
  /** IFF_UP: somebody has switched it on. */
  readonly up: boolean;
  /** LOWER_UP: the other end is on as well. */
  readonly carrier: boolean;
  /** With prefix length: '172.17.0.2/16'. */
  readonly addresses: readonly string[];
  /** Index of the bridge it is a port of. */
  readonly master?: number;
  /** A veth's other end, as the kernel gives it: an index, in the namespace that this one knows by this number. */
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

/** A veth pair; `b` is undefined where its namespace cannot be found (another mount namespace keeps it). */
export interface Cable {
  readonly a: EndRef;
  readonly b: EndRef | undefined;
}

/** Redirection of a port of this host, by whichever rule or map element. */
export interface Published {
  readonly protocol: string;
  /** '' is every address of this host. */
  readonly address: string;
  /** '8080' or '8000-8009'. */
  readonly port: string;
  readonly toAddress: string;
  readonly toPort: string;
  /** 'ip minidock published', 'iptables nat DOCKER': where it stands. */
  readonly where: string;
}

/** A chain, its rules as the tool that made it prints them. */
export interface Chain {
  readonly tool: 'nft' | 'iptables';
  /** 'ip minidock', 'nat'. */
  readonly table: string;
  readonly name: string;
  /** Of a base chain. */
  readonly hook?: string;
  readonly priority?: number;
  readonly policy?: string;
  readonly rules: readonly string[];
}

export const refKey = ({ inode, index }: EndRef): string => `${inode}/${index}`;

export function findEnd(model: Model, ref: EndRef): { namespace: Namespace; link: Interface } | undefined {
  const namespace = model.namespaces.find(({ inode }) => inode === ref.inode);
  const link = namespace?.interfaces.find(({ index }) => index === ref.index);
  return namespace === undefined || link === undefined ? undefined : { namespace, link };
}

/** The cable at one end, told from there. */
export function cableAt(model: Model, ref: EndRef): { cable: Cable; other: EndRef | undefined } | undefined {
  const key = refKey(ref);
  for (const cable of model.cables) {
    if (refKey(cable.a) === key) return { cable, other: cable.b };
    if (cable.b !== undefined && refKey(cable.b) === key) return { cable, other: cable.a };
  }
  return undefined;
}

/** Addresses worth a place in a picture: link-local ones of IPv6 are on every interface. */
export const shownAddresses = (link: Interface): readonly string[] =>
  link.addresses.filter((address) => !/^fe80:/i.test(address) && address !== '::1/128');
