/**
 * Whether large packets pass as small ones do: a handshake and a small page show nothing about them. Over the connection
 * that was made goes one packet of full size in each direction, a duplicate of bytes that were received, which no program
 * sees. The trace names a rule that drops it.
 */
import { errnoOf } from '../../../../runtime/syscall/error.ts';
import {
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
import { isAnswer } from '../trace.ts';

/** Packets from this size on are traced as large; those of a handshake are not. */
export const LARGE = 600;
const HEADERS = 40;
const ARRIVAL_MS = 200;

export interface Try {
  readonly fd: number;
  readonly port: number;
  /** The client's; undefined for the host's. */
  readonly netns: string | undefined;
  /** As the client asks for it. */
  readonly address: string;
}

type Lost = LargePackets['lost'];

/**
 * Which of the two got lost. A program may have asked for connections with their first bytes only (TCP_DEFER_ACCEPT);
 * until those come, the kernel has no connection there, and this returns undefined.
 */
export async function tryLarge(scene: Scene, tried: Try): Promise<Lost | undefined> {
  const far = isIpv4(scene) ? farEnd(scene) : undefined;
  const view = far === undefined ? undefined : await seenFrom(far, scene, tried.port);
  if (far === undefined || view === undefined) return undefined;
  return untilItEnds(async () => {
    const there = await passes(tried, tried.netns, forward(scene, tried));
    const { sent, received } = positionOf(tried.fd);
    const home = far.netns === '' ? undefined : far.netns;
    const back = await passes(tried, home, { ...view, end: received, acknowledged: sent });
    return [...(there ? [] : ['there' as const]), ...(back ? [] : ['back' as const])];
  });
}

/** The same on the way there alone, of a connection whose other end has answered. */
export const tryLargeThere = async (scene: Scene, tried: Try): Promise<Lost | undefined> =>
  !isIpv4(scene)
    ? undefined
    : untilItEnds(async () => ((await passes(tried, tried.netns, forward(scene, tried))) ? [] : ['there']));

/** Duplicates are written as packets of IPv4 (tcp-segments.ts); large packets of IPv6 are not tried. */
const isIpv4 = ({ journey }: Scene): boolean => journey.family !== 6;

function forward({ journey }: Scene, { fd, port, address }: Try): Duplicate {
  const { address: source, sent, received, largest } = positionOf(fd);
  return {
    ...{ source, sourcePort: port, destination: address, destinationPort: journey.asked.port },
    ...{ end: sent, acknowledged: received, size: largest + HEADERS },
  };
}

/** The connection may end meanwhile, or its MTU may become smaller: then there is nothing to show. */
async function untilItEnds(send: () => Promise<Lost>): Promise<Lost | undefined> {
  try {
    return await send();
  } catch (error) {
    if (ENDED.includes(errnoOf(error))) return undefined;
    throw error;
  }
}

const ENDED: readonly string[] = [
  ...['ENOTCONN', 'EPERM', 'EMSGSIZE', 'EINVAL', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNRESET', 'EPIPE'],
];

/** Both directions end in a segment for the client: the duplicate itself, or its acknowledgement. */
async function passes({ fd }: Try, netns: string | undefined, segment: Duplicate): Promise<boolean> {
  if (segment.size < LARGE) return true;
  const before = segmentsIn(fd);
  inNamespace(netns, () => sendDuplicate(segment));
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
      : [{ source, sourcePort, destination, destinationPort, size: mss + HEADERS }];
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

/** A large packet that the host sent on, and that did not come; a rule of the host would have its line in the trace. */
export function lostLarge(
  scene: Scene,
  { lost, trace }: LargePackets,
  sourcePort: number,
): Finding | undefined {
  const [way] = lost;
  if (way === undefined) return undefined;
  const last = trace.findLast((event) => isAnswer(event, sourcePort) === (way === 'back'));
  if (last === undefined || last.hook !== 'postrouting' || last.kind !== 'leave') return undefined;
  const stack = way === 'there' ? farEnd(scene) : (scene.sender ?? undefined);
  // A router further on may ask for smaller ones.
  if (stack === undefined) return undefined;
  const text = `packets of ${size(last)} bytes leave the host for ${stack.name} and do not arrive; small ones do`;
  const show = inStack(stack, ['nft', 'list', 'ruleset']);
  const fix = `Look for a rule about the length of packets in ${stack.name}, and for filters of tc on its cable.`;
  return { ...bad(way === 'there' ? 'interface' : 'way back', 'large-lost', text, show), fix };
}

const size = ({ packet }: TraceEvent): number => packet.length;
