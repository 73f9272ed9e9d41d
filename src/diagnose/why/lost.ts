/**
 * Where a packet was lost, or who got it instead, derived from the hooks that saw it: for cases without a rule in the
 * trace.
 */
import { readFileSync } from 'node:fs';
import { addressText } from '../../../runtime/network/host-address.ts';
import { FORWARDING, type IpLink } from '../host/ip.ts';
import { askingOf, isIn, nftFamily } from './family.ts';
import { bad } from './findings.ts';
import { localnetOff } from './loopback.ts';
import type { Finding, Probe, TraceEvent } from './model.ts';
import type { Scene } from './observe.ts';
import { addressesOf, inStack, type Stack } from './stack.ts';
import { hostEnd } from './physical.ts';
import { ownerOf } from './ruleset.ts';
import { ledAwayFix, routeFix } from './route-fix.ts';
import { removalOf } from './rules/removal.ts';
import { isAnswer, isIp, lastSeen, stageOf } from './trace.ts';
import { isOwn } from './kinds.ts';

export function lostAt(scene: Scene, probe: Probe): readonly Finding[] {
  const { trace, sourcePort, unroutable } = probe;
  const { receiver } = scene;
  if (trace === undefined || isOwn(scene)) return [];
  const there = lastSeen(trace, sourcePort, 'there');
  // If the packet left no hook, the host itself refused it.
  const back =
    there !== undefined && there.kind !== 'leave' ? undefined : lastSeen(trace, sourcePort, 'back');
  const last = back ?? there;
  const silent = probe.outcome === 'silent';
  const what = back === undefined ? 'the packet' : 'the answer';
  if (probe.localnetOff !== undefined) return [localnetOff(scene, probe.localnetOff)];
  if (last !== undefined && last.kind !== 'leave') return [inHook(scene, last, what, sourcePort)];
  if (probe.expired !== undefined) return [probe.expired];
  if (probe.kept !== undefined) return [probe.kept];
  if (unroutable !== undefined) {
    const { rule, says, decided, reverse, iif } = unroutable;
    const [, , , , , source = ''] = unroutable.look;
    const marked = rule?.fwmark === undefined ? '' : ` with the mark ${rule.fwmark}, by a rule of ip rule`;
    const refused = rule?.action !== undefined && rule.fwmark === undefined;
    const text =
      decided !== undefined
        ? `the kernel routes ${what} nowhere, ${decided.text}`
        : reverse !== undefined
          ? `the reverse path filter of ${iif} refuses ${what}: the host would answer ${source} by ${reverse}`
          : refused
            ? `the kernel routes ${what} nowhere, by the rule of ip rule with priority ${rule.priority}: ${rule.action ?? ''}`
            : REFUSAL.test(says)
              ? `the kernel routes ${what} nowhere${marked}: ${says}`
              : `${what} left the hook prerouting and was seen no more, and the kernel has a route for it: ${says}`;
    const stage = back === undefined ? 'routing' : 'way back';
    const fix = routingFix(unroutable, scene);
    return [{ ...bad(stage, 'unroutable', text, unroutable.look), fix }];
  }
  if (last === undefined) return neverSeen(scene, probe);
  if (silent && (last.family === 'netdev' || (last.family === 'bridge' && last.hook === 'prerouting'))) {
    const text =
      last.family === 'netdev'
        ? `${what} came in on ${last.packet.iif}, and neither its bridge nor the host took it`
        : `${what} entered the bridge by ${last.packet.iif}, and the bridge did not forward it`;
    const look = ['bridge', '-d', 'link', 'show'];
    const stage = back === undefined ? 'bridge' : 'way back';
    const port = portOf(scene.receiver, scene.final?.address, scene.host);
    if (port?.ifname === last.packet.iif && port.linkinfo?.info_slave_data?.hairpin === false) {
      const { name } = scene.receiver ?? { name: '' };
      const off = `the bridge does not send ${what} back to the port ${port.ifname}, where it came in: hairpin is off there, and ${name} asks itself`;
      const fix = `bridge link set dev ${port.ifname} hairpin on`;
      return [{ ...bad(stage, 'no-hairpin', off, [...look, 'dev', port.ifname]), fix }];
    }
    return [{ ...bad(stage, 'not-bridged', text, look), fix: BRIDGE_FIX }];
  }
  return silent && receiver !== undefined ? mangled(scene, trace, sourcePort) : [];
}

/** Nobody dropped it, and it is not what was sent: nobody listens for it. */
function mangled({ ruleset }: Scene, trace: readonly TraceEvent[], sourcePort: number): readonly Finding[] {
  const by = trace.find(({ rule }) => /\b(saddr|daddr|sport|dport) set\b/.test(rule));
  if (by === undefined) return [];
  const what = isAnswer(by, sourcePort) ? 'the answer' : 'the packet';
  const text = `the rule: ${by.rule}, of ${by.family} ${by.table} ${by.chain}, changes ${what}, and nothing came of it`;
  const look = ['nft', '-a', 'list', 'chain', by.family, by.table, by.chain] as const;
  const fix = removalOf(ruleset, by, { saved: /^$/, json: '"mangle"' });
  return [{ ...bad(stageOf(by, sourcePort), 'mangled', text, look), fix }];
}

/** The host's end of the cable of the interface with that address. */
const portOf = (stack: Stack | undefined, address: string | undefined, host: Stack): IpLink | undefined =>
  hostEnd(
    stack?.interfaces.find(({ addr_info }) => addr_info.some(({ local }) => local === address)),
    host,
  );

const BRIDGE_FIX = 'Look for isolated or blocked ports there, and at bridge vlan show.';

/** No hook of the host saw it. */
function neverSeen(scene: Scene, { outcome, deafToSender }: Probe): readonly Finding[] {
  const { journey, sender, clientRoute } = scene;
  if (sender !== undefined && deafToSender !== undefined) {
    const { senderRoute, host } = scene;
    if (deafToSender === senderRoute?.gateway && !addressesOf(host).includes(deafToSender)) {
      const link = sender.interfaces.find(({ ifname }) => ifname === senderRoute.dev);
      const wire = hostEnd(link, host);
      const dev = wire?.master ?? wire?.ifname ?? 'LINK';
      const text =
        `${sender.name} sends it to its gateway ${deafToSender}, but neither the host nor a neighbour has that ` +
        'address';
      const fix = `ip address add ${deafToSender}/${sender.family === 6 ? 64 : 24} dev ${dev} (with the prefix length of its neighbours)`;
      return [{ ...bad('routing', 'no-gateway', text, ['ip', '-br', 'address']), fix }];
    }
    const port = portOf(scene.receiver, deafToSender, scene.host);
    if (port?.linkinfo?.info_slave_data?.bcast_flood === false) {
      const text = `the bridge sends no broadcast to its port ${port.ifname}, so ${scene.receiver?.name ?? ''} never gets the question for ${deafToSender} (${askingOf(sender.family)})`;
      const look = ['bridge', '-d', 'link', 'show', 'dev', port.ifname];
      const fix = `bridge link set dev ${port.ifname} bcast_flood on`;
      return [{ ...bad('bridge', 'no-broadcast', text, look), fix }];
    }
    const text = `${sender.name} asks for ${deafToSender} by ${askingOf(sender.family)}, and nobody on the bridge answers`;
    const look = ['bridge', '-d', 'link', 'show'];
    return [{ ...bad('bridge', 'no-neighbour', text, look), fix: BRIDGE_FIX }];
  }
  if (outcome !== 'silent') return [];
  if (sender !== undefined) {
    const text = `the packet never reached the host: ${sender.name} drops it`;
    const look = inStack(sender, ['nft', 'list', 'ruleset']);
    return [
      { ...bad('sender', 'vanished', text, look), fix: `Look at the packet filter in ${sender.name}.` },
    ];
  }
  if (journey.from.kind !== 'outside' || clientRoute === undefined) return [];
  const text = `the packet reached no hook: something removes it from ${clientRoute.dev} before`;
  const look = ['tc', '-s', 'filter', 'show', 'dev', clientRoute.dev, 'ingress'];
  const fix = 'Look for tc filters and XDP programs: ip link show.';
  return [{ ...bad('prerouting', 'vanished', text, look), fix }];
}

function inHook({ ruleset }: Scene, last: TraceEvent, what: string, sourcePort: number): Finding {
  const legacy = ruleset.legacy !== '';
  const text =
    `${what} entered the ${last.hook} hook of ${last.family} and did not leave it; nftables' trace names no rule` +
    (legacy ? ': the legacy iptables leaves no trace' : '');
  const look = legacy ? ['iptables-legacy-save', '-c'] : ['nft', 'list', 'hooks', last.family];
  const fix = legacy
    ? 'Accept it in the chain of that name before the rule that drops it.'
    : 'Look for other programs on that hook.';
  return { ...bad(stageOf(last, sourcePort), 'vanished', text, look), fix };
}

const REFUSAL = /RTNETLINK|Error/;

/** Which check of ip_route_input_slow() failed, by the errno and the settings. */
function routingFix(
  { says, iif, rule, look, decided, reverse }: NonNullable<Probe['unroutable']>,
  { forwarding, host }: Scene,
): string {
  if (decided !== undefined) return decided.fix;
  if (reverse !== undefined) return reverseFix(host, look[5] ?? '', iif, reverse);
  if (rule !== undefined)
    return `ip rule del pref ${rule.priority} ${rule.fwmark === undefined ? (rule.action ?? '') : ''}`.trim();
  const [, , , destination = ''] = look;
  const mend = routeFix(host, destination, undefined);
  if (mend.includes(' del ')) return mend;
  if (host.family === 6) return forwarding ? LOOK_AT_ROUTES6 : `echo 1 > ${FORWARDING[6]}`;
  const filters = ['all', iif].some((name) => isOn(`/proc/sys/net/ipv4/conf/${name}/rp_filter`));
  // EXDEV until Linux 6.13; EINVAL since, as for other impossible sources.
  if (says.includes('cross-device') || (filters && says.includes('Invalid argument'))) {
    return `The reverse path filter: the answer would leave by another interface. echo 2 > /proc/sys/net/ipv4/conf/${iif}/rp_filter`;
  }
  if (!forwarding) return `echo 1 > ${FORWARDING[4]}`;
  const path = `/proc/sys/net/ipv4/conf/${iif}/forwarding`;
  if (!isOn(path)) return `echo 1 > ${path}`;
  return 'Look at the rules and routes of the host: ip rule; ip route show table all.';
}

/** The filter is right about a machine of that very network: the route is wrong. */
function reverseFix(host: Stack, source: string, iif: string, dev: string): string {
  const link = host.interfaces.find(({ ifname }) => ifname === iif);
  const isHome =
    link?.addr_info.some(({ local, prefixlen }) => isIn(`${local}/${prefixlen}`, source)) === true;
  return isHome
    ? ledAwayFix(host, { to: source, from: '', dev, home: iif })
    : `echo 2 > /proc/sys/net/ipv4/conf/${iif}/rp_filter`;
}

/** IPv6 has no reverse path filter, and one switch of forwarding for all interfaces. */
const LOOK_AT_ROUTES6 = 'Look at the rules and routes of the host: ip -6 rule; ip -6 route show table all.';

/** Words of a rule that does the same. */
function rulesLike({ rule, verdict }: TraceEvent): Parameters<typeof removalOf>[2] {
  if (/redirect/i.test(rule)) return { saved: / -j REDIRECT /, json: '"redirect"' };
  if (DIVERTING.test(rule)) return { saved: / -j DNAT /, json: '"dnat"' };
  return { saved: new RegExp(` -j ${verdict.toUpperCase()}$`), json: `"${verdict}"` };
}

/** A rule beside the redirection that ends the packet's way through those rules. */
const isExcepted = ({ hook, table, rule, verdict, base }: TraceEvent, end: TraceEvent): boolean =>
  (hook === 'prerouting' || hook === 'output') &&
  end.hook === 'input' &&
  (table === 'minidock' || table === 'nat') &&
  base !== 'localnet' &&
  rule !== '' &&
  (verdict === 'return' || verdict === 'accept');

const DIVERTING = /\b(notrack|dnat.* to|redirect|tproxy|DNAT|REDIRECT|CT)\b/;

/**
 * Packets for a published port reach another address, or the host: another rule came before minidock's. Even an
 * answer does not count, since it is not the container's.
 */
export function strayed(
  { journey, final, ruleset }: Scene,
  { trace = [], sourcePort }: Probe,
): readonly Finding[] {
  if (journey.published === undefined || final === undefined) return [];
  const there = trace.filter((event) => !isAnswer(event, sourcePort));
  const end = there.find((event) => isIp(event) && ['input', 'forward', 'postrouting'].includes(event.hook));
  if (end === undefined) return [];
  const { destination, destinationPort } = end.packet;
  if (end.hook !== 'input' && destination === final.address && destinationPort === final.port) return [];
  const cause =
    there.findLast(
      ({ rule, table, chain }) =>
        table !== 'minidock' && !chain.startsWith('MINIDOCK') && DIVERTING.test(rule),
    ) ?? there.findLast((event) => isExcepted(event, end));
  const who = end.hook === 'input' ? 'the host itself' : `${addressText(destination)}:${destinationPort}`;
  const why =
    cause === undefined
      ? ''
      : `, by the rule: ${cause.rule}, of ${cause.family} ${cause.table} ${cause.chain}`;
  const text = `the packet goes to ${who} instead of ${journey.to?.config.name ?? 'the container'}${why}`;
  const look =
    cause === undefined
      ? ['nft', 'list', 'hooks', nftFamily(journey.family)]
      : ['nft', 'list', 'chain', cause.family, cause.table, cause.chain];
  const fix =
    cause === undefined
      ? 'Remove that rule, or exclude this port from it.'
      : removalOf(ruleset, cause, rulesLike(cause));
  return [{ ...bad('redirection', 'astray', text, look), fix }];
}

/**
 * A port that no container publishes, redirected by another program's rule: listeners on the host do not matter then.
 * undefined if the packet kept its destination.
 */
export function ledAway({ journey, ruleset }: Scene, probe: Probe): Finding | undefined {
  const { trace = [], sourcePort, outcome } = probe;
  if (journey.to !== undefined || journey.toNetns !== undefined) return undefined;
  const there = trace.filter((event) => !isAnswer(event, sourcePort) && isIp(event));
  const first = there[0];
  const end = there.findLast(({ hook }) => ['input', 'forward', 'postrouting'].includes(hook));
  if (first === undefined || end === undefined) return undefined;
  const { destination, destinationPort } = end.packet;
  const kept = destination === first.packet.destination && destinationPort === first.packet.destinationPort;
  if (kept) return undefined;
  const cause = there.findLast(({ rule }) => DIVERTING.test(rule));
  const whose =
    cause === undefined ? 'A rule' : `${ownerOf(ruleset, cause.family, cause.table, cause.chain)}'s rule`;
  const then =
    outcome === 'ECONNREFUSED'
      ? 'which refuses the connection: nothing listens there'
      : outcome === 'EHOSTUNREACH'
        ? 'and no machine on its network answers for it'
        : 'from which no answer came';
  const rule = cause === undefined ? '' : ` (${cause.rule})`;
  const text = `${whose}${rule} redirects it to ${addressText(destination)}:${destinationPort}, ${then}`;
  const look =
    cause === undefined
      ? ['nft', 'list', 'hooks', nftFamily(journey.family)]
      : ['nft', 'list', 'chain', cause.family, cause.table, cause.chain];
  return { ...bad('redirection', 'foreign-dnat', text, look), fix: 'Fix the program there, or that rule.' };
}

function isOn(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() !== '0';
  } catch {
    return true; // The interface has gone.
  }
}
