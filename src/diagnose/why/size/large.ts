/**
 * Whether large packets pass as small ones do: a handshake and a small page show nothing about them. Over the connection
 * that was made goes one packet of full size in each direction, a duplicate of bytes that were received, which no program
 * sees. The trace names a rule that drops it.
 */
import { errnoOf } from '../../../../runtime/syscall/error.ts';
import {
  headersOf,
  positionOf,
  segmentsIn,
  sendDuplicate,
  type Duplicate,
} from '../../../../runtime/syscall/tcp-segments.ts';
import { look } from '../../host/look.ts';
import { bad } from '../findings.ts';
import type { Finding, LargePackets, TraceEvent } from '../model.ts';
import { inNamespace } from '../namespaces.ts';
import type { Scene } from '../observe.ts';
import { addressesOf, inStack, type Stack } from '../stack.ts';
import { within } from '../programs.ts';
import { homeOfLink } from '../physical.ts';
import { isAnswer, isIp } from '../trace.ts';
import { LARGE } from '../tracing.ts';
import { lookInside } from './inside.ts';

const ARRIVAL_MS = 200;

export interface Try {
  readonly fd: number;
  readonly port: number;
  /** The client's; undefined for the host's. */
  readonly netns: string | undefined;
  /** As the client asks for it. */
  readonly address: string;
}

export type Found = Omit<LargePackets, 'trace'>;

/**
 * Which of the two got lost. A program may have asked for connections with their first bytes only (TCP_DEFER_ACCEPT);
 * until those come, the kernel has no connection there, and this returns undefined.
 *
 * @param isExplained whether a rule of this host has dropped one of them
 */
export async function tryLarge(
  scene: Scene,
  tried: Try,
  isExplained: () => Promise<boolean>,
): Promise<Found | undefined> {
  const far = farEnd(scene);
  const view = far === undefined ? undefined : await seenFrom(far, scene, tried.port);
  if (far === undefined || view === undefined) return undefined;
  const home = far.netns === '' ? undefined : far.netns;
  const there = (): Promise<boolean> => passes(tried, tried.netns, forward(scene, tried));
  const back = (): Promise<boolean> => {
    const { sent, received } = positionOf(tried.fd);
    return passes(tried, home, { ...view, end: received, acknowledged: sent });
  };
  return untilItEnds(async () => {
    const ways = [
      { way: 'there', go: there, from: scene.sender },
      { way: 'back', go: back, from: far },
    ] as const;
    const lost: (typeof ways)[number][] = [];
    for (const one of ways) if (!(await one.go())) lost.push(one);
    const [first] = lost;
    if (first === undefined || (await isExplained())) return { lost: lost.map(({ way }) => way) };
    const seen = { clientPort: view.destinationPort, ports: [view.sourcePort] };
    const own = { clientPort: tried.port, ports: [scene.journey.asked.port] };
    const places = [
      ...(scene.sender === undefined ? [] : [{ stack: scene.sender, ...own }]),
      ...(far === scene.host ? [] : [{ stack: far, ...seen }]),
    ];
    const { inside, wasTold } = await lookInside(scene, { ...first, places });
    return {
      lost: lost.map(({ way }) => way),
      ...(inside === undefined ? {} : { inside }),
      ...(wasTold ? {} : { untold: true as const }),
    };
  });
}

/** The same on the way there alone, of a connection whose other end has answered. */
export const tryLargeThere = async (scene: Scene, tried: Try): Promise<Found | undefined> =>
  untilItEnds(async () => ({
    lost: (await passes(tried, tried.netns, forward(scene, tried))) ? [] : ['there'],
  }));

function forward({ journey }: Scene, { fd, port, address }: Try): Duplicate {
  const { address: source, sent, received, largest } = positionOf(fd);
  return {
    ...{ source, sourcePort: port, destination: address, destinationPort: journey.asked.port },
    ...{ end: sent, acknowledged: received, size: largest + headersOf(journey.family) },
  };
}

/** The connection may end, its MTU may become smaller, routing may refuse the copy: then there is nothing to show. */
async function untilItEnds(send: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await send();
  } catch (error) {
    if (ENDED.includes(errnoOf(error))) return undefined;
    throw error;
  }
}

const ENDED: readonly string[] = [
  ...['ENOTCONN', 'EPERM', 'EMSGSIZE', 'EINVAL', 'ECONNRESET', 'EPIPE'],
  ...['EACCES', 'ENETUNREACH', 'EHOSTUNREACH'],
];

/** Both directions end in a segment for the client: the duplicate itself, or its acknowledgement. */
async function passes({ fd }: Try, netns: string | undefined, segment: Duplicate): Promise<boolean> {
  if (segment.size < LARGE) return true;
  const before = segmentsIn(fd);
  try {
    inNamespace(netns, () => sendDuplicate(segment));
  } catch (error) {
    // A rule drops what is sent there.
    if (errnoOf(error) === 'EPERM') return false;
    throw error;
  }
  return within(ARRIVAL_MS, () => segmentsIn(fd) > before);
}

/** Who answers, where that one can be entered. */
function farEnd({ journey, receiver, host }: Scene): Stack | undefined {
  if (receiver !== undefined) return receiver;
  const { address } = journey.asked;
  const own = address === '' || address.startsWith('127.') || addressesOf(host).includes(address);
  return journey.to === undefined && journey.toNetns === undefined && own ? host : undefined;
}

/** The addresses of the connection there: rules may have changed what the client knows. */
async function seenFrom(
  far: Stack,
  { final, journey }: Scene,
  clientPort: number,
): Promise<Omit<Duplicate, 'end' | 'acknowledged'> | undefined> {
  const port = final?.port ?? journey.asked.port;
  const text = await look(inStack(far, ['ss', '-HtniO', 'state', 'established', 'sport', '=', `:${port}`]));
  const rows = text.split('\n').flatMap((line) => {
    const [, , local = '', peer = ''] = line.trim().split(/\s+/);
    const mss = Number(/\bmss:(\d+)/.exec(line)?.[1] ?? 0);
    const [source = '', sourcePort] = partsOf(local);
    const [destination = '', destinationPort] = partsOf(peer);
    return mss === 0 || sourcePort !== port
      ? []
      : [{ source, sourcePort, destination, destinationPort, size: mss + headersOf(far.family) }];
  });
  return (
    rows.find(({ destinationPort }) => destinationPort === clientPort) ??
    (rows.length === 1 ? rows[0] : undefined)
  );
}

/** '172.17.0.2%eth0:80' or '[::ffff:172.17.0.2]:80'. */
function partsOf(text: string): readonly [string, number] {
  const colon = text.lastIndexOf(':');
  const address = text
    .slice(0, colon)
    .replace(/%.*$/, '')
    .replace(/^\[(?:::ffff:)?|\]$/g, '');
  return [address, Number(text.slice(colon + 1))];
}

/** A large packet that did not come; a rule of the host would have its line in the trace. */
export function lostLarge(
  scene: Scene,
  { lost, trace, inside, untold }: LargePackets,
  sourcePort: number,
): Finding | undefined {
  const [way] = lost;
  if (way === undefined) return undefined;
  if (inside !== undefined) return inside;
  const last = trace.findLast((event) => isAnswer(event, sourcePort) === (way === 'back'));
  if (last?.kind !== 'leave') return undefined;
  // Where br_netfilter has called the hooks of ip already, the bridge hands the packet up.
  const isRouted = isIp(last)
    ? last.hook === 'prerouting'
    : last.family === 'bridge' && last.hook === 'input';
  if (isRouted) return untold === true ? tooLarge(scene, way, last) : undefined;
  if (last.hook !== 'postrouting') return undefined;
  const stack = way === 'there' ? farEnd(scene) : (scene.sender ?? undefined);
  // A router further on may ask for smaller ones.
  if (stack === undefined) return undefined;
  const text = `packets of ${size(last)} bytes leave the host for ${stack.name} and do not arrive; small ones do`;
  const show = inStack(stack, ['nft', 'list', 'ruleset']);
  const fix = `Look for a rule about the length of packets in ${stack.name}, and for filters of tc on its cable.`;
  return { ...bad(way === 'there' ? 'interface' : 'way back', 'large-lost', text, show), fix };
}

/** The host routes no packet that is larger than the next link takes; it asks for smaller ones by ICMP. */
function tooLarge(scene: Scene, way: 'there' | 'back', event: TraceEvent): Finding | undefined {
  const { host, hostRoute, clientRoute, sender, senderRoute, journey, receiver } = scene;
  const dev =
    way === 'there'
      ? hostRoute?.dev
      : sender === undefined
        ? clientRoute?.dev
        : homeOfLink(host, sender, senderRoute?.dev ?? '');
  const link = host.interfaces.find(({ ifname }) => ifname === dev);
  if (link === undefined || link.mtu >= size(event)) return undefined;
  const who = (way === 'there' ? sender : receiver)?.name ?? 'the sender';
  const kind = journey.family === 6 ? 'ICMPv6 type packet-too-big' : 'ICMP type destination-unreachable';
  const text =
    `packets of ${size(event)} bytes do not fit through ${link.ifname} (MTU ${link.mtu}), and no ICMP message asks ` +
    `${who} for smaller ones: a rule drops ICMP; small ones pass`;
  const show = ['ip', 'link', 'show', link.ifname];
  const fix = `Let ${kind} pass, or clamp the MSS.`;
  return { ...bad(way === 'there' ? 'routing' : 'way back', 'mtu', text, show), fix };
}

const size = ({ packet }: TraceEvent): number => packet.length;
