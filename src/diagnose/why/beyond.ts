/**
 * Beyond the host: a packet left it, nothing dropped it, and no answer came. This module looks at the machine that the
 * packet was sent to: is it where the host sends the packet, and which way does it answer?
 *
 * Only the host that translated an address can turn it back. An answer that takes another way comes from a stranger,
 * and the client refuses it: the hairpin (RFC 4787, section 6) when both are on one network.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import { inside, readRouteTo, type Enter, type RouteTo } from '../host/ip.ts';
import { lookAtJson } from '../host/look.ts';
import { bitsOf, ipCommand, iptablesOf, isIn, nftFamily } from './family.ts';
import { bad } from './findings.ts';
import type { Beyond, Finding, Probe, TraceEvent } from './model.ts';
import { readNamespaces } from './namespaces.ts';
import type { Scene } from './observe.ts';
import { addressesOf, readNetns } from './stack.ts';
import { homeOf, homeOfLink } from './physical.ts';
import { homeAtHost, homeIn, isNear, leads, LEADING, ledAwayFix, routeFix } from './route-fix.ts';
import { removalOf } from './rules/removal.ts';
import { isAnswer, isIp, lastSeen } from './trace.ts';
import { checkMasquerade } from './walk/walk-out.ts';

/** undefined where that is nobody who can be looked at. */
export async function lookBeyond(
  { receiver, host }: Scene,
  trace: readonly TraceEvent[],
  sourcePort: number,
): Promise<Beyond | undefined> {
  const packet = leftHost(trace, sourcePort)?.packet;
  if (packet === undefined) return undefined;
  const own = receiver !== undefined && addressesOf(receiver).includes(packet.destination);
  const named = own
    ? undefined
    : (await readNamespaces()).find(({ addresses }) => addresses.includes(packet.destination));
  const stack = own ? receiver : named === undefined ? undefined : await readNetns(named, host.family);
  if (stack === undefined) return undefined;
  const route = await readRouteTo(stack.enter, packet.source);
  const deaf = await deafNeighbour(route, packet.source, stack.enter);
  const home = homeOf(host, stack, packet.destination);
  return {
    ...{ name: stack.name, enter: stack.enter, deaf },
    ...(route === undefined ? { mend: routeFix(stack, packet.source, homeAtHost({ host }, stack)) } : {}),
    ...(home === undefined ? {} : { home }),
    ...(route === undefined ? {} : { route }),
  };
}

/** The next machine on the way to that address, where ARP was in vain; else ''. */
export async function deafNeighbour(
  route: RouteTo | undefined,
  address: string,
  enter: Enter = [],
): Promise<string> {
  if (route === undefined || route.type === 'local') return '';
  const next = route.gateway ?? address;
  const argv = inside(enter, ['ip', '-j', 'neigh', 'show', 'to', next, 'dev', route.dev]);
  const entries = await lookAtJson<readonly { readonly state?: readonly string[] }[]>(argv, []);
  const states = entries.flatMap(({ state }) => state ?? []);
  return states.some((state) => state === 'FAILED' || state === 'INCOMPLETE') ? next : '';
}

/** Why no answer came to a packet that left the host; empty where nothing shows. */
export function lostBeyond(scene: Scene, probe: Probe): readonly Finding[] {
  const { trace = [], sourcePort, beyond } = probe;
  const left = leftHost(trace, sourcePort);
  if (left === undefined) return [];
  const turned = turnedBack(
    scene,
    left.packet,
    trace.find((event) => !isAnswer(event, sourcePort)),
  );
  if (turned !== undefined) return [turned];
  if (beyond === undefined) {
    const astray = snatAstray(scene, trace, sourcePort, left.packet);
    return astray.length > 0
      ? astray
      : probe.deaf === undefined
        ? unmasqueraded(scene, left.packet, trace)
        : [];
  }
  const { name, enter, home, route, deaf, mend = '' } = beyond;
  const { packet } = left;
  const { source, destination, iif } = packet;
  const first = trace.find((event) => !isAnswer(event, sourcePort))?.packet ?? packet;
  if (home !== undefined && home !== packet.oif) {
    const from = iif === '' ? [] : ['from', first.source, 'iif', iif];
    const text = `the host sends the packet for ${destination} out of ${packet.oif}, and ${name} is at ${home}`;
    const fix = LEADING[scene.host.family];
    const look: Argv = ['ip', 'route', 'get', destination, ...from];
    return [{ ...bad('routing', 'misrouted', text, look), fix }];
  }
  const back = lastSeen(trace, sourcePort, 'back');
  if (back !== undefined && isIp(back)) return answerAstray(scene, back);
  const get = inside(enter, ['ip', 'route', 'get', source]);
  const gateway = addressesOf(scene.host, home)[0] ?? 'GATEWAY';
  const command = (words: string): string => [...enter, words].join(' ');
  if (route === undefined) {
    const unhidden = isWorld(scene, packet) ? unmasqueraded(scene, packet, trace, name) : [];
    if (unhidden.length > 0) return unhidden;
    const unmasked = checkMasquerade(scene).filter(({ status }) => status === 'stop');
    if (unmasked.length > 0) return unmasked;
    const text = `${name} has no route back to ${source}`;
    return [{ ...bad('way back', 'no-way-back', text, get), fix: mend }];
  }
  const next = route.gateway ?? source;
  if (addressesOf(scene.host).includes(next)) return [];
  if (source !== first.source && deaf === next) {
    const text = `a rule makes the packet come from ${source}, and nobody on the network of ${name} has that address: its answer goes nowhere`;
    const look: Argv = ['nft', 'list', 'hooks', nftFamily(scene.host.family)];
    const fix = 'Mend the rule that says snat: an address of this host, or masquerade.';
    return [{ ...bad('way back', 'snat-astray', text, look), fix }];
  }
  if (deaf === next && route.gateway !== undefined) {
    const text = `${name} answers by its gateway ${next}, and nobody on its network has that address`;
    const fix = command(`${ipCommand(scene.host.family)} route replace default via ${gateway}`);
    return [{ ...bad('way back', 'dead-gateway', text, get), fix }];
  }
  const translated = destination !== first.destination || packet.destinationPort !== first.destinationPort;
  if (!translated) return [];
  if (route.gateway === undefined) return [hairpin(scene, beyond, packet)];
  const text =
    `${name} answers by ${next} (${route.dev}), past this host, which alone can turn the redirection back: ` +
    `the client is answered by ${destination}, whom it did not ask`;
  const fix = command(`${ipCommand(scene.host.family)} route replace default via ${gateway}`);
  return [{ ...bad('way back', 'past-host', text, get), fix }];
}

/** What is for elsewhere leaves by the network that it came from. */
function turnedBack(
  { host, sender, senderRoute, hostRoute }: Scene,
  { oif, destination }: TraceEvent['packet'],
  first: TraceEvent | undefined,
): Finding | undefined {
  if (sender === undefined || senderRoute === undefined) return undefined;
  const home = homeOfLink(host, sender, senderRoute.dev);
  const link = host.interfaces.find(({ ifname }) => ifname === home);
  if (home !== oif || link === undefined) return undefined;
  if (link.addr_info.some(({ local, prefixlen }) => isIn(`${local}/${prefixlen}`, destination)))
    return undefined;
  const source = first?.packet.source ?? '';
  const text = `the host sends the packet for ${destination} out of ${oif} again, the network of ${sender.name}: a route or a rule leads it there`;
  const away = { to: destination, from: source, dev: oif, home: hostRoute?.dev ?? '' };
  const look: Argv = ['ip', 'route', 'get', destination, 'from', source, 'iif', oif];
  return { ...bad('routing', 'misrouted', text, look), fix: ledAwayFix(host, away) };
}

/** A rule gave the packet a sender that this host is not: the answers go there. */
function snatAstray(
  { host }: Scene,
  trace: readonly TraceEvent[],
  sourcePort: number,
  { source }: TraceEvent['packet'],
): readonly Finding[] {
  const first = trace.find((event) => !isAnswer(event, sourcePort))?.packet.source;
  if (first === undefined || source === first || addressesOf(host).includes(source)) return [];
  const rule = trace.find((event) => /\bsnat\b|\bSNAT\b/.test(event.rule));
  const by =
    rule === undefined ? 'a rule' : `the rule: ${rule.rule}, of ${rule.family} ${rule.table} ${rule.chain},`;
  const text = `${by} makes the packet come from ${source}, and this host does not have that address: the answer does not come here`;
  const look: Argv =
    rule === undefined
      ? ['nft', 'list', 'hooks', 'ip']
      : ['nft', 'list', 'chain', rule.family, rule.table, rule.chain];
  const fix = 'Repair that rule: an address of this host, or masquerade.';
  return [{ ...bad('way back', 'snat-astray', text, look), fix }];
}

/** A namespace's own address on the wire: other machines know no way back to it. */
function unmasqueraded(
  scene: Scene,
  packet: TraceEvent['packet'],
  trace: readonly TraceEvent[],
  who = 'other machines',
): readonly Finding[] {
  const { sender, host, journey } = scene;
  const { source, oif } = packet;
  if (sender === undefined) return [];
  if (journey.from.kind === 'container') return acceptedFirst(scene, packet, trace);
  if (journey.from.kind !== 'netns') return [];
  const home = homeAtHost({ host }, sender);
  if (!addressesOf(sender).includes(source) || oif === homeOf(host, sender, source)) return [];
  const text = `the packet leaves by ${oif} as ${source}, and nothing masquerades it: ${who} ${who === 'other machines' ? 'know' : 'knows'} no way back to ${sender.name}`;
  const subnet = home?.stranger ?? `${source}/${home?.prefix ?? bitsOf(host.family)}`;
  const fix = `${iptablesOf(host.family)} -t nat -A POSTROUTING -s ${subnet} -o ${oif} -j MASQUERADE`;
  return [
    { ...bad('way back', 'no-masquerade', text, ['nft', 'list', 'hooks', nftFamily(host.family)]), fix },
  ];
}

/** A rule of nat that accepts a packet ends its way through that table: minidock's masquerading comes too late. */
function acceptedFirst(
  scene: Scene,
  { source, oif }: TraceEvent['packet'],
  trace: readonly TraceEvent[],
): readonly Finding[] {
  const { sender, ruleset } = scene;
  if (sender === undefined || !addressesOf(sender).includes(source)) return [];
  if (checkMasquerade(scene).some(({ status }) => status !== 'ok')) return [];
  const foreign = wrongSource(scene, source);
  if (foreign !== undefined) return [foreign];
  const rule = trace.findLast(
    ({ chain, table, verdict }) => table === 'nat' && chain === 'POSTROUTING' && verdict === 'accept',
  );
  const by =
    rule === undefined || rule.rule === ''
      ? 'a rule'
      : `the rule: ${rule.rule}, of ${rule.family} ${rule.table} ${rule.chain},`;
  const text = `the packet leaves by ${oif} as ${source}: ${by} accepts it before minidock's rule masquerades it, and other machines know no way back to ${sender.name}`;
  const look: Argv = [iptablesOf(scene.host.family), '-t', 'nat', '-S', 'POSTROUTING'];
  const fix =
    rule === undefined
      ? 'Take that rule away, or move it behind the jump to MINIDOCK-POSTROUTING.'
      : removalOf(ruleset, rule, { saved: / -j (ACCEPT|RETURN)$/, json: '"accept"' });
  return [{ ...bad('way back', 'no-masquerade', text, look), fix }];
}

/** minidock masquerades what comes from the container's network. */
function wrongSource({ sender, journey }: Scene, source: string): Finding | undefined {
  const home = journey.from.kind === 'container' ? homeIn(journey.from.container) : undefined;
  if (sender === undefined || home === undefined || isNear(home, source)) return undefined;
  const { address } = journey.asked;
  const route = sender.routes.find(
    (one) => one.prefsrc === source && one.protocol !== 'kernel' && leads(one, address),
  );
  const command = (words: string): string => [...sender.enter, words].join(' ');
  const [, has] = sender.interfaces
    .flatMap(({ ifname, addr_info }) => addr_info.map((one) => [ifname, one] as const))
    .find(([, { local }]) => local === source) ?? ['', undefined];
  const text = `${sender.name} sends it from ${source}, which is none of its network ${home.address}/${home.prefix}: minidock masquerades that network only, and other machines know no way back`;
  const fix =
    route === undefined
      ? command(`ip address del ${source}/${has?.prefixlen ?? ''} dev ${home.dev}`)
      : command(`${ipCommand(sender.family)} route replace ${route.dst} via ${home.gateway}`);
  const look = inside(sender.enter, ['ip', 'route', 'get', address]);
  return { ...bad('sender', 'wrong-source', text, look), fix };
}

/** By the interface of the default route, or by a gateway: a network that is not this host's to change. */
const isWorld = ({ host }: Scene, { oif, destination }: TraceEvent['packet']): boolean =>
  host.routes.some(({ dst, dev }) => dst === 'default' && dev === oif) ||
  host.routes.some((route) => route.dev === oif && route.gateway !== undefined && leads(route, destination));

function hairpin({ journey }: Scene, { name, enter }: Beyond, packet: TraceEvent['packet']): Finding {
  const { source, destination, destinationPort } = packet;
  const text =
    `${name} answers its neighbour ${source} directly, on the network they share, past this host, which alone can turn ` +
    `the redirection back: the client is answered by ${destination}, whom it did not ask`;
  const fix = `${iptablesOf(journey.family)} -t nat -A POSTROUTING -s ${source} -d ${destination} -p ${journey.protocol} --dport ${destinationPort} -j MASQUERADE`;
  const look = inside(enter, ['ip', 'route', 'get', source]);
  return { ...bad('way back', 'hairpin', text, look), fix };
}

/** The answer came to the host, which sent it on: to the one who asked? */
function answerAstray(
  { host, sender, senderRoute, final }: Scene,
  { kind, hook, packet }: TraceEvent,
): readonly Finding[] {
  if (sender === undefined || kind !== 'leave' || hook !== 'postrouting') return [];
  const home =
    senderRoute === undefined
      ? homeOf(host, sender, packet.destination)
      : homeOfLink(host, sender, senderRoute.dev);
  if (home === undefined || packet.oif === '' || home === packet.oif) return [];
  const { destination, oif, iif } = packet;
  const text = `the host sends the answer to ${destination} out of ${oif}, and ${sender.name} is at ${home}`;
  // The kernel routes it before it turns the redirection back.
  const from = final?.address ?? packet.source;
  const fix = ledAwayFix(host, { ...{ to: destination, from, dev: oif }, home });
  const look: Argv = ['ip', 'route', 'get', destination, ...(iif === '' ? [] : ['from', from, 'iif', iif])];
  return [{ ...bad('way back', 'answer-astray', text, look), fix }];
}

/** As it was at the last hook before the wire. */
function leftHost(trace: readonly TraceEvent[], sourcePort: number): TraceEvent | undefined {
  const last = trace.findLast((event) => !isAnswer(event, sourcePort) && isIp(event) && event.hook !== '');
  return last?.kind === 'leave' && last.hook === 'postrouting' ? last : undefined;
}

/** Where it left the host, as part of a sentence: a tunnel may be a surprise. */
export function leftBy({ trace = [], sourcePort }: Probe): string {
  const oif = leftHost(trace, sourcePort)?.packet.oif ?? '';
  return oif === '' ? '' : `, which left by ${oif}`;
}
