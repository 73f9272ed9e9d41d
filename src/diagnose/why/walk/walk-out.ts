/** The way to the host's own programs, and through the host to other machines. */
import type { FirewallBackend } from '../../../../runtime/network/types.ts';
import { bad, checkForwarding, good, isUp } from '../findings.ts';
import { addressText } from '../../../../runtime/network/host-address.ts';
import type { Finding, Journey } from '../model.ts';
import type { Scene } from '../observe.ts';
import { isHosts } from '../kinds.ts';
import { checkNeighbour } from '../physical.ts';
import { hasRules, isMasqueraded, ownTableFix } from '../ruleset.ts';
import { iptablesOf, ipCommand, isLoopback, nftFamily } from '../family.ts';
import { routersIgnored } from '../settings6.ts';
import { refusalOf, routeFix } from '../route-fix.ts';
import { checkForward } from './walk-filter.ts';
import { checkRouteByLoopback } from './route-by-lo.ts';
import { checkSocket } from './walk-socket.ts';

export function walkOut(scene: Scene): readonly Finding[] {
  const { journey, host } = scene;
  const { address } = journey.asked;
  if (isHosts(scene)) {
    return [
      {
        stage: 'redirection',
        status: 'note',
        code: journey.relay === undefined ? 'not-published' : 'relayed',
        text: journey.relay === undefined ? notPublished(journey) : relayed(journey.relay),
        look: ['minidock', 'ps'],
      },
      ...checkSocket(scene, host, address),
    ];
  }
  const through = journey.from.kind !== 'host';
  return [
    ...checkRoute(scene),
    ...(through ? [checkForwarding(scene), ...checkForward(scene)] : []),
    ...checkMasquerade(scene),
  ];
}

const notPublished = ({ asked, protocol }: Journey): string =>
  `no running container publishes ${asked.port}/${protocol}: a program of the host should answer`;

const relayed = ({ to, asked }: Journey): string =>
  `no rule leads from there to ${to?.config.name ?? 'the container'}: minidock itself takes the connection, and passes ` +
  `it on to ${addressText(asked.address)}:${asked.port}`;

function checkRoute({ journey, host, hostRoute }: Scene): readonly Finding[] {
  const { address } = journey.asked;
  const get = ['ip', 'route', 'get', address] as const;
  const back = checkRouteByLoopback(host, hostRoute, address, 'routing');
  if (back.length > 0) return back;
  if (hostRoute === undefined || hostRoute.dev === 'lo') {
    const refused = refusalOf(host, address);
    if (refused !== undefined) {
      const text = `the host refuses what is for ${address}, ${refused}`;
      return [{ ...bad('routing', 'no-route', text, get), fix: routeFix(host, address, undefined) }];
    }
    const text = `the host has no route to ${address}`;
    const fix = `${ipCommand(host.family)} route add default via ADDRESS-OF-YOUR-ROUTER`;
    const ignored = routersIgnored(host);
    return [
      ignored === undefined
        ? { ...bad('routing', 'no-route', text, get), fix }
        : { ...ignored, text: `${text}: ${ignored.text}` },
    ];
  }
  const { dev, gateway } = hostRoute;
  const link = host.interfaces.find(({ ifname }) => ifname === dev);
  const show = ['ip', '-br', 'link', 'show', dev] as const;
  if (link !== undefined && (!isUp(link) || !link.flags.includes('LOWER_UP'))) {
    const fix = isUp(link) ? 'Plug the cable in, or bring the other end up.' : `ip link set ${dev} up`;
    const text = `the host's uplink ${dev} ${isUp(link) ? 'has no carrier' : 'is down'}`;
    return [{ ...bad('routing', 'link-down', text, show), fix }];
  }
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return [
    good('routing', `the host sends it out of ${dev}${via}`, get),
    ...checkNeighbour('routing', host, hostRoute, address, []),
  ];
}

export function checkMasquerade(scene: Scene): readonly Finding[] {
  const { journey, ruleset, hostRoute } = scene;
  if (journey.from.kind !== 'container') return [];
  const { config, state } = journey.from.container;
  const { firewall } = config.spec.network;
  const address = state.network?.address ?? '';
  const { family } = journey;
  const show =
    firewall === 'iptables'
      ? ([iptablesOf(family), '-t', 'nat', '-S', 'MINIDOCK-POSTROUTING'] as const)
      : (['nft', 'list', 'table', nftFamily(family), 'minidock'] as const);
  const network = state.network?.network;
  if (network?.unmasked === true || (family === 6 && network?.ipv6?.mode !== undefined)) {
    const text = `${address} leaves as it is: the other machine needs a route to ${network.subnet}`;
    return [{ stage: 'way back', status: 'note', code: 'unmasked', text }];
  }
  if (isMasqueraded(ruleset, firewall, address)) {
    const text = `masquerade: ${address} leaves as the host's address on ${hostRoute?.dev ?? 'its uplink'}`;
    return [good('way back', text, show)];
  }
  const flushed = postroutingFlushed(scene, config.name, firewall);
  if (flushed !== undefined) return [flushed];
  const text = `nothing masquerades ${address}: no answer finds its way back to that address`;
  return [{ ...bad('way back', 'no-masquerade', text, show), fix: `minidock restart ${config.name}` }];
}

/** All masquerading rules are missing; single missing ones are checked elsewhere. */
function postroutingFlushed(
  { ruleset }: Scene,
  name: string,
  firewall: FirewallBackend,
): Finding | undefined {
  const iptables = firewall === 'iptables';
  const isThere = iptables
    ? /^-A POSTROUTING .*-j MINIDOCK-POSTROUTING$/m.test(`${ruleset.iptables}\n${ruleset.legacy}`)
    : hasRules(ruleset, 'minidock', 'postrouting');
  if (isThere) return undefined;
  const text = iptables
    ? "no rule jumps to minidock's masquerading chain any more: POSTROUTING was flushed"
    : "the masquerading rules of minidock's chain postrouting are gone: it was flushed";
  const show = iptables
    ? ([iptablesOf(ruleset.family), '-t', 'nat', '-S', 'POSTROUTING'] as const)
    : (['nft', 'list', 'chain', nftFamily(ruleset.family), 'minidock', 'postrouting'] as const);
  const fix = iptables ? `minidock restart ${name}` : ownTableFix(ruleset, name);
  return { ...bad('way back', 'postrouting-flushed', text, show), fix };
}

/** A redirected packet from the host's 127.0.0.1 or from a neighbour gets an answer only if it is masqueraded. */
export function checkOwnMasquerade(scene: Scene): readonly Finding[] {
  const { from, to, asked, published } = scene.journey;
  if (published === undefined || to === undefined) return [];
  const neighbour =
    from.kind === 'container' &&
    from.container.state.network?.network?.bridge === to.state.network?.network?.bridge;
  if (!neighbour && !(from.kind === 'host' && isLoopback(asked.address))) return [];
  const flushed = postroutingFlushed(scene, to.config.name, to.config.spec.network.firewall);
  return flushed === undefined ? [] : [flushed];
}
