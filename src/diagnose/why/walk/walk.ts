/**
 * Checks each point of a packet's way, in order, against the kernel's state. It does not stop at the first problem,
 * since the reader wants to see all of them; the verdict names the first.
 *
 * It lists others' rules without interpreting them; the probe shows whether one of them drops this packet.
 */
import type { IpLink } from '../../host/ip.ts';
import { interfaceOf } from '../../../engine/spec/endpoints.ts';
import type { Container } from '../../../engine/state/store.ts';
import type { Finding, Journey, Stage } from '../model.ts';
import type { Scene } from '../observe.ts';
import { addressesOf, inStack, type Stack } from '../stack.ts';
import { checkClientRules, checkForward, checkRedirection, ownRefusal } from './walk-filter.ts';
import { checkEnded } from './walk-ended.ts';
import { checkSocket } from './walk-socket.ts';
import { checkClientRoute, checkUplink } from '../client/client-route.ts';
import {
  checkFrameSize,
  checkNeighbour,
  checkOwnAddress,
  checkPorts,
  checkSameAddress,
  hostEnd,
} from '../physical.ts';
import { isNeighbour, isOwn } from '../kinds.ts';
import { checkTwins } from '../twins.ts';
import {
  addressAdd,
  afterUp,
  bridgeHome,
  checkGateway,
  checkOwnBridge,
  checkOnLink,
  homeIn,
  routeFix,
  routeToNetworkFix,
  thenDefault,
} from '../route-fix.ts';
import { checkRouteByLoopback } from './route-by-lo.ts';
import { checkNetnsSender, walkToNetns } from './walk-netns.ts';
import { checkNames } from './walk-names.ts';
import { checkForwardingTable } from '../forwarding-table.ts';
import { checkWayBack } from './walk-back.ts';
import { checkOwnMasquerade, walkOut } from './walk-out.ts';
import { bad, checkForwarding, good, isUp } from '../findings.ts';
import { checkFamily, checkHome } from '../settings6.ts';
import { hasProgram } from '../../../engine/spec/container.ts';

export function walk(scene: Scene): readonly Finding[] {
  const { journey } = scene;
  if (journey.obstacle !== undefined) return [journey.obstacle];
  const unready = checkContainers(journey, scene) ?? (isOwn(scene) ? undefined : checkFamily(journey));
  if (unready !== undefined) return [unready];
  if (isOwn(scene)) return checkSocket(scene, scene.receiver ?? scene.host, journey.asked.address);
  const sender = [
    // Before the neighbours: the host answers ARP for such an address, so others learn its hardware address.
    ...checkTwins(scene),
    ...(journey.from.kind === 'netns' ? checkNetnsSender(scene) : checkSender(scene)),
    ...checkNames(scene),
    ...checkUplink(scene),
    ...checkClientRules(scene),
    ...checkClientRoute(scene),
  ];
  if (journey.toNetns !== undefined) return [...sender, ...walkToNetns(scene)];
  if (journey.to === undefined || scene.receiver === undefined)
    return [
      ...sender,
      ...walkOut(scene),
      ...checkForwardingTable(scene, [[scene.sender, scene.senderRoute?.dev]]),
      ...checkSameAddress(scene, { of: scene.senderRoute?.dev, to: undefined }),
    ];
  const neighbour = isNeighbour(scene);
  return [
    ...sender,
    ...(journey.published === undefined ? [] : checkRedirection(scene)),
    ...(neighbour ? [] : checkRouting(scene)),
    ...(neighbour || journey.from.kind === 'host' ? [] : checkForward(scene)),
    ...checkBridge(scene),
    ...checkCable(scene, journey.to, 'cable'),
    ...checkInterface(scene),
    ...checkFrameSize(scene, scene.receiver, nameOf(journey.to)),
    ...checkPorts([
      portOf(scene, scene.sender, journey.from.kind === 'container' ? journey.from.container : undefined),
      portOf(scene, scene.receiver, journey.to),
    ]),
    ...checkForwardingTable(scene, [
      [scene.receiver, nameOf(journey.to)],
      [scene.sender, scene.senderRoute?.dev],
    ]),
    ...checkSameAddress(scene, { of: scene.senderRoute?.dev, to: nameOf(journey.to) }),
    ...checkSocket(scene, scene.receiver, scene.final?.address ?? ''),
    ...checkWayBack(scene),
    ...checkOwnMasquerade(scene),
  ];
}

function checkContainers({ from, to }: Journey, scene: Scene): Finding | undefined {
  const involved = [
    ...(to === undefined ? [] : [to]),
    ...(from.kind === 'container' ? [from.container] : []),
  ];
  for (const { config, state } of involved) {
    const { name } = config;
    if (!hasProgram(state)) {
      return checkEnded(scene, { config, state }, config === to?.config);
    }
    const { mode } = config.spec.network;
    if (mode === 'none' && !isOwn(scene)) {
      return {
        ...bad('target', 'no-network', `${name} was started with --network none and has a loopback only`, [
          ...['nsenter', '-t', String(state.pid), '-n'],
          ...['ip', '-br', 'link'],
        ]),
        fix: 'Run it without --network none.',
      };
    }
    if (mode !== 'host' && (config === to?.config ? scene.receiver : scene.sender) === undefined) {
      return bad('target', 'no-namespace', `${name} has no network namespace of its own any more`);
    }
  }
  return undefined;
}

function checkSender(scene: Scene): readonly Finding[] {
  const { sender, senderRoute, journey } = scene;
  if (sender === undefined || journey.from.kind !== 'container') return [];
  const own = nameOf(journey.from.container);
  const link = sender.interfaces.find(({ ifname }) => ifname === own);
  const show = inStack(sender, ['ip', '-br', 'address']);
  if (link === undefined || !isUp(link)) {
    return [
      {
        ...bad(
          'sender',
          'link-down',
          `${sender.name}: ${own} is ${link === undefined ? 'missing' : 'down'}`,
          show,
        ),
        fix:
          link === undefined
            ? `minidock restart ${sender.name}`
            : command(sender, `ip link set ${own} up`) + afterUp(sender, homeIn(journey.from.container)),
      },
    ];
  }
  const get = inStack(sender, ['ip', 'route', 'get', journey.asked.address]);
  if (senderRoute === undefined) {
    // An internal network has no way out.
    const refused = ownRefusal(journey);
    const because = refused === undefined ? '' : `: ${refused.text}`;
    const text = `${sender.name} has no route to ${journey.asked.address}${because}`;
    const home = homeIn(journey.from.container);
    const off = checkHome(sender, home, 'sender');
    if (off.length > 0) return off;
    const fix = refused?.fix ?? routeFix(sender, journey.asked.address, home);
    return [{ ...bad('sender', 'no-route', text, get), fix }];
  }
  const itself = [
    ...checkOwnAddress(scene),
    ...checkRouteByLoopback(sender, senderRoute, journey.asked.address, 'sender'),
  ];
  if (itself.length > 0) return itself;
  const via = senderRoute.gateway === undefined ? 'on its own network' : `via ${senderRoute.gateway}`;
  return [
    good('sender', `${sender.name} sends it out of ${senderRoute.dev}, ${via}`, get),
    ...checkCable(scene, journey.from.container, 'sender').filter(({ status }) => status === 'stop'),
    ...checkOwnBridge(scene.host, journey.from.container),
    ...checkNeighbour('sender', sender, senderRoute, journey.asked.address, [scene.host, scene.receiver]),
    ...checkFrameSize(scene, sender, own),
    ...checkGateway(sender, senderRoute, journey.from.container, 'sender'),
    ...checkOnLink(sender, senderRoute, journey.asked.address, homeIn(journey.from.container)),
  ];
}

/** The end of a container's or a namespace's cable. */
const portOf = (
  { host }: Scene,
  stack: Stack | undefined,
  container: Container | undefined,
): IpLink | undefined =>
  hostEnd(
    stack?.interfaces.find(({ ifname }) =>
      container === undefined ? ifname !== 'lo' : ifname === nameOf(container),
    ),
    host,
  );

/** What a container calls its interface in the network that is looked at. */
const nameOf = ({ state }: Container): string => interfaceOf(state.network ?? {});

function checkRouting(scene: Scene): readonly Finding[] {
  const { journey, hostRoute, final } = scene;
  const network = journey.to?.state.network?.network;
  const address = final?.address ?? '';
  const get = ['ip', 'route', 'get', address] as const;
  const findings: Finding[] = [];
  if (hostRoute?.dev === network?.bridge) {
    findings.push(good('routing', `the host routes ${address} to ${hostRoute?.dev ?? ''}`, get));
  } else {
    const instead = hostRoute === undefined ? 'nowhere' : `to ${hostRoute.dev}`;
    findings.push({
      ...bad(
        'routing',
        'no-route',
        `the host routes ${address} ${instead}, not to ${network?.bridge ?? ''}`,
        get,
      ),
      fix: routeToNetworkFix(scene.host, network, { to: address, dev: hostRoute?.dev }),
    });
  }
  return journey.from.kind === 'host' ? findings : [...findings, checkForwarding(scene)];
}

function checkBridge({ journey, host, hostRoute, receiver, final }: Scene): readonly Finding[] {
  const network = journey.to?.state.network?.network;
  if (network === undefined) return [];
  const { bridge, gateway } = network;
  const show = ['ip', '-br', 'address', 'show', bridge] as const;
  const link = host.interfaces.find(({ ifname }) => ifname === bridge);
  if (link === undefined) {
    const fix = `minidock restart ${journey.to?.config.name ?? ''}`;
    return [{ ...bad('bridge', 'no-bridge', `the bridge ${bridge} is gone`, show), fix }];
  }
  if (!link.flags.includes('UP')) {
    return [
      {
        ...bad('bridge', 'link-down', `the bridge ${bridge} is down`, show),
        fix: `ip link set ${bridge} up${afterUp(host, bridgeHome(network))}`,
      },
    ];
  }
  if (!addressesOf(host, bridge).includes(gateway)) {
    const home = bridgeHome(network);
    const off = checkHome(host, home, 'bridge');
    if (off.length > 0) return off;
    const fix = addressAdd(home, host.family);
    return [{ ...bad('bridge', 'no-gateway', `${bridge} has lost its address ${gateway}`, show), fix }];
  }
  return [
    good('bridge', `${bridge} is up and has ${gateway}`, show),
    ...checkNeighbour('bridge', host, hostRoute, final?.address ?? '', [receiver]),
  ];
}

function checkCable({ host }: Scene, of: Container, stage: Stage): readonly Finding[] {
  const { network, hostVeth = '' } = of.state.network ?? {};
  const bridge = network?.bridge ?? '';
  const link = host.interfaces.find(({ ifname }) => ifname === hostVeth);
  const show = ['ip', '-br', 'link', 'show', hostVeth] as const;
  const { name } = of.config;
  if (link === undefined) {
    const text = `the host's end of the cable, ${hostVeth}, is gone`;
    return [{ ...bad(stage, 'no-link', text, show), fix: `minidock restart ${name}` }];
  }
  if (!link.flags.includes('UP')) {
    const text = `the host's end of the cable, ${hostVeth}, is down`;
    return [{ ...bad(stage, 'link-down', text, show), fix: `ip link set ${hostVeth} up` }];
  }
  if (link.master !== bridge) {
    const text = `${hostVeth} is not plugged into ${bridge}${link.master === undefined ? '' : ` but into ${link.master}`}`;
    const hairpin = `ip link set ${hostVeth} type bridge_slave hairpin on`;
    const fix = `ip link set ${hostVeth} master ${bridge} && ${hairpin}`;
    return [{ ...bad(stage, 'unplugged', text, ['bridge', 'link', 'show', 'dev', hostVeth]), fix }];
  }
  return [good(stage, `${hostVeth} is up and plugged into ${bridge}`, show)];
}

function checkInterface({ journey, receiver }: Scene): readonly Finding[] {
  const network = journey.to?.state.network;
  if (receiver === undefined || network === undefined) return [];
  const own = interfaceOf(network);
  const gateway = network.network?.internal === true ? '' : (network.network?.gateway ?? '');
  const prefix = Number(network.network?.subnet.split('/')[1] ?? '');
  const home = { dev: own, address: network.address, prefix, gateway };
  const show = inStack(receiver, ['ip', '-br', 'address', 'show', own]);
  const link = receiver.interfaces.find(({ ifname }) => ifname === own);
  if (link === undefined) {
    const text = `${receiver.name} has no ${own} any more`;
    return [{ ...bad('interface', 'no-link', text, show), fix: `minidock restart ${receiver.name}` }];
  }
  if (!link.flags.includes('UP')) {
    const fix = command(receiver, `ip link set ${own} up`) + afterUp(receiver, home);
    return [{ ...bad('interface', 'link-down', `${own} of ${receiver.name} is down`, show), fix }];
  }
  const addresses = addressesOf(receiver, own);
  if (!addresses.includes(network.address)) {
    const off = checkHome(receiver, home, 'interface');
    if (off.length > 0) return off;
    const has = addresses.length === 0 ? 'no address' : addresses.join(', ');
    const text = `${own} of ${receiver.name} has ${has} instead of ${network.address}`;
    const fix = command(receiver, addressAdd(home, receiver.family)) + thenDefault(receiver, gateway);
    return [{ ...bad('interface', 'wrong-address', text, show), fix }];
  }
  return [good('interface', `${own} of ${receiver.name} is up and has ${network.address}`, show)];
}

const command = (stack: Stack, words: string): string => [...stack.enter, words].join(' ');
