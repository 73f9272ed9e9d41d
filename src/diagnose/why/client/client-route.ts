/** Checks for clients of the world: the uplink, the host's route back to one of them, and the reverse path filter. */
import { readFileSync } from 'node:fs';
import { addressText, isEveryAddress } from '../../../../runtime/network/host-address.ts';
import { isLinkLocal } from '../family.ts';
import { bad, isUp } from '../findings.ts';
import type { Finding } from '../model.ts';
import type { Scene } from '../observe.ts';
import { addressesOf } from '../stack.ts';
import { checkArp } from '../physical.ts';
import { ledAwayFix, routeFix } from '../route-fix.ts';

export function checkClientRoute(scene: Scene): readonly Finding[] {
  const { journey, host, clientAddress, clientRoute, entry, ownWays, final } = scene;
  if (journey.from.kind !== 'outside') return [];
  if (journey.source === undefined && clientRoute === undefined) return [withoutWayOut(scene)];
  if (journey.source === undefined && (entry === '' || clientRoute?.dev === entry))
    return [...byRoutes(ownWays), ...byAddresses(scene)];
  const get = ['ip', 'route', 'get', clientAddress] as const;
  if (clientRoute === undefined) {
    const text = `the host sends nothing to ${clientAddress}: its routes say so`;
    return [{ ...bad('way back', 'client-route', text, get), fix: routeFix(host, clientAddress, undefined) }];
  }
  if (entry === '' || clientRoute.dev === entry) return [];
  const other = `the host's answers to ${clientAddress} leave by ${clientRoute.dev}`;
  const away = { ...{ to: clientAddress, from: final?.address ?? '' }, dev: clientRoute.dev, home: entry };
  const mend = ledAwayFix(host, away);
  if (host.family === 4 && isStrict(entry)) {
    const text = `${other}, so the reverse path filter drops its packets from ${entry}`;
    const loosen = `Fix the route, or make the filter loose: echo 2 > /proc/sys/net/ipv4/conf/${entry}/rp_filter`;
    // By lo no answer leaves the host, whatever the filter lets in.
    return [{ ...bad('routing', 'rp-filter', text, get), fix: clientRoute.dev === 'lo' ? mend : loosen }];
  }
  const text = `${other}, and its packets come in by ${entry}`;
  return [{ ...bad('way back', 'client-route', text, get), fix: mend }];
}

/** Packets of the world come in, and their answers have nowhere to go. A stand-in's cable would hide that. */
function withoutWayOut({ host, client }: Scene): Finding {
  const near = host.routes.flatMap(({ dst, type, gateway, dev = '' }) => {
    const link = host.interfaces.find(({ ifname }) => ifname === dev);
    const own = gateway === undefined && type === undefined && link?.link_type === 'ether';
    return own && link.linkinfo?.info_kind !== 'bridge' ? [dst] : [];
  });
  const those = near.length === 0 ? '' : `, only to those of ${near.join(', ')}`;
  const has = host.routes.some(({ dst }) => dst === 'default');
  const text = `the host ${has ? 'refuses by a route or a rule what goes' : 'has no default route: it sends nothing back'} to clients elsewhere${those} (--from ADDRESS asks as one of them)`;
  const get = ['ip', `-${host.family}`, 'route', 'get', client.client] as const;
  return { ...bad('way back', 'no-way-out', text, get), fix: routeFix(host, client.client, undefined) };
}

/** A stand-in bypasses the uplink's carrier. */
export function checkUplink({ journey, host, entry }: Scene): readonly Finding[] {
  const { address } = journey.asked;
  const link =
    host.interfaces.find(({ ifname }) => ifname === entry) ??
    // An interface that goes down loses its routes.
    host.interfaces.find(
      (one) =>
        !isUp(one) &&
        one.linkinfo?.info_kind !== 'bridge' &&
        addressesOf(host, one.ifname).some((own) => address === '' || own === address),
    );
  if (journey.from.kind !== 'outside' || link === undefined) return [];
  if (isUp(link) && link.flags.includes('LOWER_UP')) return checkArp('prerouting', host, link.ifname);
  const { ifname } = link;
  const text = `the uplink ${ifname} ${isUp(link) ? 'has no carrier' : 'is down'}: no packet comes in from outside`;
  const fix = isUp(link) ? 'Plug the cable in, or bring the other end up.' : `ip link set ${ifname} up`;
  return [{ ...bad('prerouting', 'uplink-down', text, ['ip', '-br', 'link', 'show', ifname]), fix }];
}

function byRoutes(ways: readonly string[]): readonly Finding[] {
  if (ways.length === 0) return [];
  return [
    note(`the host has other routes to ${ways.join(', ')}: --from ADDRESS asks as a client from there`),
  ];
}

/** A host with several uplinks (a VPN takes the default route): a stand-in comes in by one of them only. */
function byAddresses({ journey, host, entry }: Scene): readonly Finding[] {
  const { address, port } = journey.asked;
  const home = host.interfaces.find(({ ifname }) => addressesOf(host, ifname).includes(address));
  if (home === undefined || entry === '' || home.linkinfo?.info_kind === 'bridge') return [];
  if (home.ifname !== entry) {
    const text = `answers to clients beyond the networks of ${home.ifname} leave by ${entry}, although their packets come in by ${home.ifname}`;
    return [note(`${text}: --from ADDRESS asks as one of them`)];
  }
  if (journey.published === undefined || !isEveryAddress(journey.published.hostIp)) return [];
  const others = host.interfaces
    .filter((link) => isUp(link) && link.link_type !== 'loopback' && link.linkinfo?.info_kind !== 'bridge')
    .flatMap(({ ifname }) => (ifname === entry ? [] : addressesOf(host, ifname)))
    .filter((one) => !isLinkLocal(one));
  if (others.length === 0) return [];
  const end = `:${String(port)}${journey.protocol === 'udp' ? '/udp' : ''}`;
  const questions = others.slice(0, 3).map((one) => `outside -> ${addressText(one)}${end}`);
  return [note(`the host has other addresses: ask for them too (${questions.join(', ')})`)];
}

const note = (text: string): Finding => ({
  ...{ stage: 'prerouting', status: 'note', code: 'by-client', text },
  look: ['ip', 'route'],
});

/** The greater of both settings counts; 1 is strict (the kernel's ip-sysctl documentation). */
export function isStrict(ifname: string): boolean {
  const read = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, 'utf8'));
    } catch {
      return 0; // The interface has gone.
    }
  };
  return Math.max(read('all'), read(ifname)) === 1;
}
