/** The way to the host's own programs, and through the host to other machines. */
import type { FirewallBackend } from '../../../../runtime/network/types.ts';
import { bad, checkForwarding, good, isUp } from '../findings.ts';
import type { Finding } from '../model.ts';
import { addressesOf, type Scene } from '../observe.ts';
import { checkNeighbour } from '../physical.ts';
import { hasRules, isMasqueraded } from '../ruleset.ts';
import { checkForward } from './walk-filter.ts';
import { checkSocket } from './walk-socket.ts';

export function walkOut(scene: Scene): readonly Finding[] {
  const { journey, host } = scene;
  const { address } = journey.asked;
  const local = address === '' || address.startsWith('127.') || addressesOf(host).includes(address);
  if (local) {
    return [
      {
        stage: 'redirection',
        status: 'note',
        code: 'not-published',
        text:
          `no running container publishes ${journey.asked.port}/${journey.protocol}: a program of the host should ` +
          'answer',
        look: ['minidock', 'ps'],
      },
      ...checkSocket(scene, host, address),
    ];
  }
  const through = journey.from.kind !== 'host';
  return [
    ...checkRoute(scene),
    ...(through ? [checkForwarding(scene.forwarding), ...checkForward(scene)] : []),
    ...checkMasquerade(scene),
  ];
}

function checkRoute({ journey, host, hostRoute }: Scene): readonly Finding[] {
  const { address } = journey.asked;
  const get = ['ip', 'route', 'get', address] as const;
  if (hostRoute === undefined || hostRoute.dev === 'lo') {
    const fix = 'ip route add default via ADDRESS-OF-YOUR-ROUTER';
    return [{ ...bad('routing', 'no-route', `the host has no route to ${address}`, get), fix }];
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
  const show =
    firewall === 'iptables'
      ? (['iptables', '-t', 'nat', '-S', 'MINIDOCK-POSTROUTING'] as const)
      : (['nft', 'list', 'table', 'ip', 'minidock'] as const);
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
    ? (['iptables', '-t', 'nat', '-S', 'POSTROUTING'] as const)
    : (['nft', 'list', 'chain', 'ip', 'minidock', 'postrouting'] as const);
  return { ...bad('way back', 'postrouting-flushed', text, show), fix: `minidock restart ${name}` };
}

/** A redirected packet from the host's 127.0.0.1 or from a neighbour gets an answer only if it is masqueraded. */
export function checkOwnMasquerade(scene: Scene): readonly Finding[] {
  const { from, to, asked, published } = scene.journey;
  if (published === undefined || to === undefined) return [];
  const neighbour =
    from.kind === 'container' &&
    from.container.state.network?.network?.bridge === to.state.network?.network?.bridge;
  if (!neighbour && !(from.kind === 'host' && asked.address.startsWith('127.'))) return [];
  const flushed = postroutingFlushed(scene, to.config.name, to.config.spec.network.firewall);
  return flushed === undefined ? [] : [flushed];
}
