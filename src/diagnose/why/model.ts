/**
 * The words of `minidock why`: who asks whom (a Journey), what was seen at each point of a packet's way (Findings,
 * in the packet's own order), what a real packet met (a Trace), and what follows (a Verdict).
 */
import type { PortBinding, Protocol } from '../../../runtime/network/types.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Container } from '../../engine/state/store.ts';

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

/** A network namespace that is no container's. */
export interface NamedNetns {
  /** 'netns:red' */
  readonly name: string;
  /** For nsenter --net=. */
  readonly path: string;
}

/** One question, every name in it looked up. */
export interface Journey {
  readonly from: Place;
  readonly protocol: Protocol;
  /** What the client asks for. The address is '' where nothing says which one of the host's it would be. */
  readonly asked: { readonly address: string; readonly port: number };
  /** Where the port is published, if that is what is asked for. */
  readonly published?: PortBinding;
  /** The container that is to answer; without one, the host or another machine is. */
  readonly to?: Container;
  /** Or the namespace that has that address. */
  readonly toNetns?: NamedNetns;
  /** The address that the client has: --from. */
  readonly source?: string;
  /** Told at once where nothing can be walked: no such publication, or one for another address or protocol. */
  readonly obstacle?: Finding;
}

export interface Finding {
  readonly stage: Stage;
  /** 'maybe': stops some packets, and only a probe can tell whether this one. */
  readonly status: 'ok' | 'stop' | 'maybe' | 'note';
  /** Literal and stable: 'listen-loopback', 'forwarding-off'. */
  readonly code: string;
  readonly text: string;
  /** Shows it. */
  readonly look?: Argv;
  /** What most likely mends it: a command, or a sentence. */
  readonly fix?: string;
}

/** One line of nftables' trace: a rule that matched, a policy, or that the packet came to a hook or left it. */
export interface TraceEvent {
  readonly kind: 'enter' | 'rule' | 'policy' | 'leave';
  /** Of the packet: all lines of one passage through the host have the same. */
  readonly id: string;
  readonly family: string;
  /** '' of a hook that was come to or left. */
  readonly table: string;
  readonly chain: string;
  /** The rule as nft writes it; '' for whatever is none. */
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
}

/** What became of a connection once it was made. */
export interface Service {
  /** 'unasked': nothing was sent, and no greeting came. 'end': closed without a byte. */
  readonly answer: 'byte' | 'end' | 'reset' | 'none' | 'unasked';
  /** Programs at that port that are stopped, and could not answer. */
  readonly stopped: readonly string[];
  /** Connections that wait to be accepted. */
  readonly waiting: number;
  /** Where a page began to come, and the rest did not. */
  readonly stalled: boolean;
  /** This connection at the far end, in bytes: come, not read by its program, not acknowledged by anybody. */
  readonly far?: { readonly received: number; readonly unread: number; readonly unacknowledged: number };
}

export interface Probe {
  readonly from: string;
  readonly to: string;
  /** 'connected', 'answered' (UDP), 'silent', or the errno of connect(2): 'ECONNREFUSED', 'EHOSTUNREACH'. */
  readonly outcome: string;
  readonly milliseconds: number;
  readonly sourcePort: number;
  /** undefined where nft is missing or could not trace: the reason is in `untraced`. */
  readonly trace?: readonly TraceEvent[];
  readonly untraced?: string;
  /** What this client cannot show, in a sentence. */
  readonly shortfall?: string;
  /** Whoever the host was to hand the packet to on a network of its own, and did not answer to ARP. */
  readonly deaf?: string;
  /** The router that was to take the answer, likewise. */
  readonly deafRouter?: string;
  /** `ip route get` for the packet as it came in, and what the kernel says to it, where it got no further. */
  readonly unroutable?: { readonly iif: string; readonly look: Argv; readonly says: string };
  /** What became of the connection once it was made (TCP). */
  readonly service?: Service;
  /** Whom a container that sends asked for with ARP, on its own network and in vain. */
  readonly deafToSender?: string;
}

export interface Verdict {
  readonly works: boolean;
  readonly finding: Finding;
}
