/**
 * Sends a real packet from the sender: one connect(2) of a socket opened in the sender's network namespace, followed
 * by nftables' trace for exactly its addresses and ports.
 *
 * client.ts creates the client for "from outside", tracing.ts the trace.
 */
import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { clientSocket, socketError, startConnecting } from '../../../runtime/syscall/sockets.ts';
import { addressText } from '../../../runtime/network/host-address.ts';
import { firstArpLoss } from './arp/arp.ts';
import { strandedOnLoopback } from './loopback.ts';
import { deafNeighbour, lookBeyond } from './beyond.ts';
import type { Probe, TracedPacket, TraceEvent } from './model.ts';
import { inNamespace } from './namespaces.ts';
import { startClient, type Client } from './client/client.ts';
import type { Scene } from './observe.ts';
import { addressesOf } from './stack.ts';
import { heldBy, narrowAt } from './queue.ts';
import { homeOfLink, hostEnd } from './physical.ts';
import { within } from './programs.ts';
import { blockingPolicy } from './rules/xfrm.ts';
import { dropInside } from './rules/inside.ts';
import { askRoutes, keptBy, REFUSED } from './rules/ask-routes.ts';
import { converse, RESET } from './service.ts';
import { chainsOf } from './ruleset.ts';
import { ttlExpired } from './lost-ttl.ts';
import { dropIn, isAnswer, isIp, lastSeen, parseTrace } from './trace.ts';
import { tryLarge, tryLargeThere } from './size/large.ts';
import { DATA, LARGE, startTracing, type Tracing } from './tracing.ts';

/** The kernel sends three ARP requests, a second apart, before it gives up. */
const PATIENCE_MS = 4000;
/** After a drop only retransmissions follow. */
const AFTER_DROP_MS = 100;
const UDP_PATIENCE_MS = 1000;

/** undefined if there is no sender, receiver or address. */
export async function probe(scene: Scene, signal: AbortSignal): Promise<Probe | undefined> {
  const { journey } = scene;
  const { from, to } = journey;
  const gone = to !== undefined && scene.receiver === undefined && to.config.spec.network.mode !== 'host';
  if (gone || ((from.kind === 'container' || from.kind === 'netns') && scene.sender === undefined))
    return undefined;
  if (journey.obstacle?.code === 'wrong-protocol') return undefined;
  const client =
    from.kind === 'outside'
      ? await startClient(scene.client, uplinkOf(scene), strayingFrom(scene))
      : undefined;
  let tracing: Tracing | undefined;
  try {
    const netns = client === undefined ? scene.sender?.netns : `/proc/${client.pid}/ns/net`;
    const address = journey.asked.address === '' ? (client?.gateway ?? '') : journey.asked.address;
    if (address === '') return undefined;
    const socket = openSocket(scene, netns);
    if (socket === undefined) {
      const nothing = { outcome: 'EADDRINUSE', milliseconds: 0, sourcePort: 0 };
      return {
        ...nothing,
        from: senderText(scene, client),
        to: `${addressText(address)}:${journey.asked.port}`,
      };
    }
    try {
      const ports = [...new Set([journey.asked.port, scene.final?.port ?? journey.asked.port])];
      tracing = await startTracing(journey, socket.port, ports, devicesOf(scene, client));
      const sent = await send(scene, { ...socket, netns }, address, tracing, signal);
      const reached = sent.outcome === 'connected' || sent.outcome === 'answered';
      const around = reached ? {} : await lookAround(scene, client, sent);
      const unseen = !reached && dropIn(sent.trace ?? []) === undefined;
      const inside = unseen ? await dropInside(scene, { netns, address }) : undefined;
      const uplink = client?.uplink ?? '';
      const narrow = reached && uplink !== '' ? await narrowAt([scene.host, uplink]) : undefined;
      return {
        ...sent,
        ...around,
        ...(narrow === undefined ? {} : { narrow }),
        ...(inside === undefined ? {} : { inside }),
        ...(client === undefined || client.shortfall === '' ? {} : { shortfall: client.shortfall }),
        from: senderText(scene, client),
        to: `${addressText(address)}:${journey.asked.port}`,
      };
    } finally {
      closeSync(socket.fd);
    }
  } finally {
    await tracing?.end();
    await client?.end();
  }
}

async function send(
  scene: Scene,
  socket: { readonly fd: number; readonly port: number; readonly netns: string | undefined },
  address: string,
  tracing: Tracing,
  signal: AbortSignal,
): Promise<Omit<Probe, 'from' | 'to'>> {
  const { journey, ruleset } = scene;
  const udp = journey.protocol === 'udp';
  const start = performance.now();
  const chains = chainsOf(ruleset);
  const all = (): ReturnType<typeof parseTrace> =>
    parseTrace(tracing.output(), socket.port, chains, tracing.table);
  const isLarge = ({ packet }: TraceEvent): boolean => packet.length >= LARGE;
  const hasData = ({ packet }: TraceEvent): boolean => !udp && packet.length > DATA;
  const trace = (): readonly TraceEvent[] => all().filter((event) => !isLarge(event) && !hasData(event));
  let outcome = '';
  let isReset = false;
  try {
    startConnecting(socket.fd, address, journey.asked.port);
    // A datagram of one line end: enough for delivery, or for a refusal by a port without a listener.
    if (udp) writeSync(socket.fd, '\n');
  } catch (error) {
    outcome = errnoOf(error);
  }
  let dropped = Infinity;
  const settled = (): boolean => {
    if (outcome !== '' || signal.aborted) return true;
    if (kernel.poll(socket.fd, udp ? 'read' : 'write', 0)) {
      const error = socketError(socket.fd);
      const name = error === 0 ? '' : errnoName(error);
      // Before the handshake's end it would be ECONNREFUSED (tcp_reset of the kernel): there was a connection.
      isReset = name === 'ECONNRESET' && !udp;
      outcome = name !== '' && !isReset ? name : udp ? 'answered' : 'connected';
      return true;
    }
    if (dropped === Infinity && dropIn(trace()) !== undefined) dropped = performance.now();
    return performance.now() - dropped > AFTER_DROP_MS;
  };
  await within(udp ? UDP_PATIENCE_MS : PATIENCE_MS, settled);
  const milliseconds = performance.now() - start;
  const isMade = outcome === 'connected' && !udp;
  const isExplained = async (): Promise<boolean> => {
    await tracing.settle();
    return dropIn(all().filter(isLarge)) !== undefined;
  };
  const early = isMade && !isReset ? await tryLarge(scene, { ...socket, address }, isExplained) : undefined;
  const service = isReset ? RESET : isMade ? await converse(scene, socket.fd, socket.port) : undefined;
  const lost =
    early ?? (service?.answer === 'byte' ? await tryLargeThere(scene, { ...socket, address }) : undefined);
  await tracing.settle();
  const data = service === undefined ? [] : all().filter((event) => hasData(event) && !isLarge(event));
  return {
    ...(data.length === 0 ? {} : { data }),
    outcome: outcome === '' ? 'silent' : outcome,
    milliseconds,
    sourcePort: socket.port,
    ...(service === undefined ? {} : { service }),
    ...(lost === undefined || tracing.missing !== ''
      ? {}
      : { large: { ...lost, trace: all().filter(isLarge) } }),
    ...(tracing.missing === '' ? { trace: trace() } : { untraced: tracing.missing }),
  };
}

function senderText({ sender }: Scene, client: Client | undefined): string {
  if (client !== undefined)
    return `a stand-in for a client outside (${client.address}, on ${client.uplink || 'a cable of its own'})`;
  return sender?.name ?? 'the host';
}

/** The interface of a client of the world: the one its answers leave by, unless the address names another. */
function uplinkOf({ host, journey, entry }: Scene): string {
  const link = host.interfaces.find(({ ifname }) => ifname === entry);
  if (link?.link_type !== 'ether') return '';
  const { address } = journey.asked;
  const elsewhere = addressesOf(host).includes(address) && !addressesOf(host, link.ifname).includes(address);
  return elsewhere ? '' : link.ifname;
}

/** Where packets come in: the client's interface, and the host's ends of both cables. */
const devicesOf = ({ host, sender, receiver }: Scene, client: Client | undefined): readonly string[] => [
  ...(client === undefined || client.uplink === '' ? [] : [client.uplink]),
  ...[sender, receiver].flatMap((stack) =>
    (stack?.interfaces ?? []).flatMap((link) => hostEnd(link, host)?.ifname ?? []),
  ),
];

/** The interface by which answers leave instead; they must not reach the wire there either. */
const strayingFrom = ({ clientRoute, entry }: Scene): string =>
  clientRoute === undefined || clientRoute.dev === entry || clientRoute.dev === 'lo' ? '' : clientRoute.dev;

/** The host may use any of its addresses. */
const sourceOf = ({ journey: { from, source, family } }: Scene): string =>
  from.kind === 'host' && source !== undefined ? source : family === 6 ? '::' : '0.0.0.0';

/** The kernel's reasons for a lost packet. */
async function lookAround(
  scene: Scene,
  client: Client | undefined,
  { sourcePort, trace = [] }: Pick<Probe, 'sourcePort' | 'trace'>,
): Promise<Partial<Probe>> {
  const { journey, host, hostRoute, clientRoute, sender, senderRoute } = scene;
  const onUplink = client !== undefined && client.uplink !== '';
  const [deaf, deafRouter, deafToSender, localnetOff, beyond, held, policy, expired, kept] =
    await Promise.all([
      deafNeighbour(hostRoute, scene.final?.address ?? journey.asked.address),
      onUplink ? deafNeighbour(clientRoute, client.address) : '',
      sender === undefined ? '' : deafNeighbour(senderRoute, journey.asked.address, sender.enter),
      strandedOnLoopback(scene, trace, sourcePort),
      lookBeyond(scene, trace, sourcePort),
      heldBy(scene),
      blockingPolicy(scene),
      ttlExpired(scene, trace, sourcePort),
      keptBy(scene, trace, sourcePort),
    ]);
  const source = senderRoute?.prefsrc ?? '';
  const iif =
    sender === undefined || senderRoute === undefined || source === ''
      ? undefined
      : homeOfLink(host, sender, senderRoute.dev);
  const unheard = iif !== undefined && addressesOf(host).includes(deafToSender);
  // With rp_filter the host answers ARP only for senders it accepts packets from.
  const unrouted = unheard
    ? { source, destination: journey.asked.address, iif }
    : unroutedPacket(trace, sourcePort);
  const unroutable =
    unrouted === undefined ? undefined : await askRoutes({ ...unrouted, protocol: journey.protocol }, host);
  // Last: it asks the neighbours anew.
  const arp = await firstArpLoss(scene, { deaf, deafRouter, deafToSender });
  return {
    ...(held === undefined ? {} : { held }),
    ...(policy === undefined ? {} : { policy }),
    ...(expired === undefined ? {} : { expired }),
    ...(kept === undefined ? {} : { kept }),
    ...(arp === undefined ? {} : arp === 'answered' ? { joined: true } : { arp }),
    ...(deafToSender === '' ? {} : { deafToSender }),
    ...(deaf === '' ? {} : { deaf }),
    ...(deafRouter === '' ? {} : { deafRouter }),
    ...(unroutable === undefined || (unheard && !REFUSED.test(unroutable.says)) ? {} : { unroutable }),
    ...(beyond === undefined ? {} : { beyond }),
    ...(localnetOff === undefined ? {} : { localnetOff }),
  };
}

/** The packet as it left prerouting, if no hook followed: routing comes next. */
function unroutedPacket(trace: readonly TraceEvent[], sourcePort: number): TracedPacket | undefined {
  const back = lastSeen(trace, sourcePort, 'back');
  const last = back ?? lastSeen(trace, sourcePort, 'there');
  if (last?.kind !== 'leave') return undefined;
  if (isIp(last) && last.hook === 'prerouting') return last.packet;
  // br_netfilter has called the hooks of ip already, and the bridge hands the packet up.
  if (last.family !== 'bridge' || last.hook !== 'input') return undefined;
  return trace.findLast(
    (event) =>
      isIp(event) &&
      event.hook === 'prerouting' &&
      event.kind === 'leave' &&
      isAnswer(event, sourcePort) === (back !== undefined),
  )?.packet;
}

/** undefined where no port is free. */
function openSocket(scene: Scene, netns: string | undefined): ReturnType<typeof clientSocket> | undefined {
  try {
    return inNamespace(netns, () => clientSocket(scene.journey.protocol, sourceOf(scene)));
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    return undefined;
  }
}

function errnoName(number: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === number) return name;
  return `error ${number}`;
}
