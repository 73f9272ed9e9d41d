/**
 * The types of `minidock why`: who asks whom (a Journey), the state at each point of a packet's way (Findings, in the
 * packet's order), what a real packet met (a Trace), and the conclusion (a Verdict).
 */
import type { PortBinding, Protocol } from '../../../runtime/network/types.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Container } from '../../engine/state/store.ts';
import type { Family } from './family.ts';
import type { Enter, IpRule, RouteTo } from '../host/ip.ts';

/** Points of the way, in the order in which a packet meets them; the first one that stops it is the answer. */
export const STAGES = [
  'target',
  'sender',
  'prerouting',
  'redirection',
  'routing',
  'forward',
  'bridge',
  'cable',
  'interface',
  'socket',
  'way back',
] as const;
export type Stage = (typeof STAGES)[number];

export type Place =
  | { readonly kind: 'outside' }
  | { readonly kind: 'host' }
  | { readonly kind: 'container'; readonly container: Container }
  | ({ readonly kind: 'netns' } & NamedNetns);

/** A network namespace without a container. */
export interface NamedNetns {
  /** 'netns:red' */
  readonly name: string;
  /** For nsenter --net=. */
  readonly path: string;
}

/** One question, with its names resolved. */
export interface Journey {
  readonly from: Place;
  /** Containers are seen by it, see via.ts. */
  readonly family: Family;
  readonly protocol: Protocol;
  /** What the client asks for. The address is '' if the host's address is unknown. */
  readonly asked: { readonly address: string; readonly port: number };
  /** The publication, if the question is about a published port. */
  readonly published?: PortBinding;
  /** The container that should answer; otherwise the host or another machine. */
  readonly to?: Container;
  /** Or the namespace that has that address. */
  readonly toNetns?: NamedNetns;
  /** Namespaces that have the host's address too. */
  readonly twins?: readonly NamedNetns[];
  /** The client's address: --from. */
  readonly source?: string;
  /** minidock itself takes the connection, and makes this one to the container (src/engine/relay). */
  readonly relay?: Journey;
  /** The container that should answer, as the question names it. */
  readonly name?: string;
  /** The answer, if there is no way to check: no such publication, or one for another address or protocol. */
  readonly obstacle?: Finding;
}

export interface Finding {
  readonly stage: Stage;
  /** 'maybe': stops some packets; only a probe shows whether it stops this one. */
  readonly status: 'ok' | 'stop' | 'maybe' | 'note';
  /** Literal and stable: 'listen-loopback', 'forwarding-off'. */
  readonly code: string;
  readonly text: string;
  /** A command that shows it. */
  readonly look?: Argv;
  /** The likely fix: a command or a sentence. */
  readonly fix?: string;
}

/** One line of nftables' trace: a rule that matched, a policy, or the packet entering or leaving a hook. */
export interface TraceEvent {
  readonly kind: 'enter' | 'rule' | 'policy' | 'leave';
  /** Identifies the packet during one passage through the host. */
  readonly id: string;
  readonly family: string;
  /** '' when the packet enters or leaves a hook. */
  readonly table: string;
  readonly chain: string;
  /** The rule as nft writes it; '' without a rule. */
  readonly rule: string;
  /** 'accept', 'drop', 'jump NAME', 'continue', 'return'; '' of a hook. */
  readonly verdict: string;
  /** As the packet was when it entered this chain's hook. */
  readonly packet: TracedPacket;
  readonly hook: string;
  /** The base chain that this one was reached from. */
  readonly base: string;
}

export interface TracedPacket {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly iif: string;
  readonly oif: string;
  /** How many routers it may pass yet. */
  readonly ttl: number;
  /** In bytes, with its headers. */
  readonly length: number;
}

/** The fate of an established connection. */
export interface Service {
  /** 'unasked': we sent nothing, and no greeting came. 'end': closed without a byte. */
  readonly answer: 'byte' | 'end' | 'reset' | 'none' | 'unasked';
  /** Stopped programs at that port. */
  readonly stopped: readonly string[];
  /** Connections that wait to be accepted. */
  readonly waiting: number;
  /** A page began to arrive, and the rest did not. */
  readonly stalled: boolean;
  /** This connection at the far end, in bytes: received, not read by its program, not acknowledged. */
  readonly far?: { readonly received: number; readonly unread: number; readonly unacknowledged: number };
}

/** Packets of full size over the connection that was made. */
export interface LargePackets {
  /** Those that did not arrive. */
  readonly lost: readonly ('there' | 'back')[];
  /** As `trace` of a probe, of these packets and of large ones of the answer. */
  readonly trace: readonly TraceEvent[];
  /** A rule in the namespace of one of the two dropped one. */
  readonly inside?: Finding;
  /** No message asked its sender for smaller ones. */
  readonly untold?: true;
}

/** Whom the packet was sent to, as seen after the try. */
export interface Beyond {
  readonly name: string;
  readonly enter: Enter;
  /** Where the host meets its cable. */
  readonly home?: string;
  /** Its route to whom the packet is from. */
  readonly route?: RouteTo;
  /** The commands that give it such a route, where it has none. */
  readonly mend?: string;
  /** The next machine on that way, where ARP was in vain; else ''. */
  readonly deaf: string;
}

export interface Probe {
  readonly from: string;
  readonly to: string;
  /** 'connected', 'answered' (UDP), 'silent', or the errno of connect(2): 'ECONNREFUSED', 'EHOSTUNREACH'. */
  readonly outcome: string;
  readonly milliseconds: number;
  readonly sourcePort: number;
  /** undefined if nft is missing or cannot trace; `untraced` holds the reason. */
  readonly trace?: readonly TraceEvent[];
  readonly untraced?: string;
  /** What this client cannot show, in a sentence. */
  readonly shortfall?: string;
  /** The next hop that did not answer the host's ARP request. */
  readonly deaf?: string;
  /** The router for the answer, if it did not answer ARP. */
  readonly deafRouter?: string;
  /** `ip route get` for the incoming packet, and the kernel's error. */
  readonly unroutable?: {
    readonly iif: string;
    readonly look: Argv;
    readonly says: string;
    /** The rule of ip rule that refuses it: about its mark, or about the packet as it is. */
    readonly rule?: Pick<IpRule, 'fwmark' | 'priority' | 'action'>;
    /** The route of another table than the main one that refuses it, in words, and what takes it away. */
    readonly decided?: { readonly text: string; readonly fix: string };
    /** Where the reverse path filter refuses it: the interface by which the host would answer. */
    readonly reverse?: string;
  };
  /** The interface to which a rule redirects what comes from 127.0.0.1, where route_localnet is off. */
  readonly localnetOff?: string;
  /** The fate of the connection (TCP). */
  readonly service?: Service;
  readonly large?: LargePackets;
  /** As `trace`, of what was sent over the connection, large packets apart. */
  readonly data?: readonly TraceEvent[];
  /** Whom the packet was sent to, where it left the host and that one can be looked at. */
  readonly beyond?: Beyond;
  /** A policy of IPsec that blocks it. */
  readonly policy?: Finding;
  /** A rule in the namespace of one of the two ends dropped it. */
  readonly inside?: Finding;
  /** No router forwards it any more. */
  readonly expired?: Finding;
  /** The host takes what is another machine's for its own. */
  readonly kept?: Finding;
  /** A queue of the uplink that drops what a stand-in's answers do not meet. */
  readonly narrow?: Finding;
  /** What holds packets or drops them in a queue. */
  readonly held?: Finding;
  /** What takes ARP away between two who need it. */
  readonly arp?: Finding;
  /** The packet joined an older ARP lookup that failed, and the neighbour answers a new one. */
  readonly joined?: true;
  /** The neighbour that did not answer the sending container's ARP request. */
  readonly deafToSender?: string;
}

export interface Verdict {
  readonly works: boolean;
  readonly finding: Finding;
}
