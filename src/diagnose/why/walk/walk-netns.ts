/** The way from and to network namespaces that belong to no container, such as those of a lab. */
import { bad, checkForwarding, good } from '../findings.ts';
import type { Finding } from '../model.ts';
import type { Scene } from '../observe.ts';
import { addressesOf, inStack, type Stack } from '../stack.ts';
import {
  checkCableOf,
  checkOwnAddress,
  checkFrameSize,
  checkNeighbour,
  checkPorts,
  checkSameAddress,
  checkSameBridge,
  hostEnd,
} from '../physical.ts';
import { checkForward } from './walk-filter.ts';
import { checkForwardingTable } from '../forwarding-table.ts';
import { checkRouteByLoopback } from './route-by-lo.ts';
import { checkSocket } from './walk-socket.ts';
import { isNeighbour } from '../kinds.ts';
import { checkOnLink, homeAtHost, isNear, routeFix, thenDefault } from '../route-fix.ts';

const command = (stack: Stack, words: string): string => [...stack.enter, words].join(' ');

export function checkNetnsSender(scene: Scene): readonly Finding[] {
  const { sender, senderRoute, journey, host, receiver } = scene;
  if (sender === undefined) return [];
  const { address } = journey.asked;
  const own = sender.interfaces.filter(({ ifname }) => ifname !== 'lo');
  if (senderRoute === undefined) {
    const cables = own.flatMap(({ ifname }) => checkCableOf(scene, sender, ifname, 'sender'));
    const home = homeAtHost(scene, sender);
    if (cables.length > 0) {
      // An interface that goes down loses its routes; a neighbour's comes back with it.
      const rest = home === undefined || isNear(home, address) ? '' : thenDefault(sender, home.gateway);
      return cables.map((found) =>
        found.code === 'link-down' && found.fix?.startsWith('nsenter') === true
          ? { ...found, fix: `${found.fix}${rest}` }
          : found,
      );
    }
    const get = inStack(sender, ['ip', 'route', 'get', address]);
    const addressed = own.some(({ ifname }) => addressesOf(sender, ifname).length > 0);
    const text = addressed ? `has no route to ${address}` : 'has no address, and so no route';
    const fix = addressed ? routeFix(sender, address, home) : command(sender, 'ip address add …');
    return [{ ...bad('sender', addressed ? 'no-route' : 'no-address', `${sender.name} ${text}`, get), fix }];
  }
  if (senderRoute.dev === 'lo')
    return [...checkOwnAddress(scene), ...checkRouteByLoopback(sender, senderRoute, address, 'sender')];
  const via = senderRoute.gateway === undefined ? 'on its own network' : `via ${senderRoute.gateway}`;
  const get = inStack(sender, ['ip', 'route', 'get', address]);
  return [
    good('sender', `${sender.name} sends it out of ${senderRoute.dev}, ${via}`, get),
    ...checkCableOf(scene, sender, senderRoute.dev, 'sender'),
    ...checkNeighbour('sender', sender, senderRoute, address, [host, receiver]),
    ...checkFrameSize(scene, sender, senderRoute.dev),
    ...checkOnLink(sender, senderRoute, address, homeAtHost(scene, sender)),
  ];
}

/** To an address of a namespace of this host. */
export function walkToNetns(scene: Scene): readonly Finding[] {
  const { receiver, journey, host, hostRoute } = scene;
  if (receiver === undefined) return [];
  const { address } = journey.asked;
  const link = receiver.interfaces.find((one) => addressesOf(receiver, one.ifname).includes(address));
  const cable = link === undefined ? [] : checkCableOf(scene, receiver, link.ifname, 'interface');
  const direct = isNeighbour(scene);
  const senderLink = scene.sender?.interfaces.find(({ ifname }) => ifname === scene.senderRoute?.dev);
  const senderPort = hostEnd(senderLink, host);
  const end = hostEnd(link, host);
  /** The host's end of that cable. */
  const home = end?.master ?? end?.ifname;
  const get = ['ip', 'route', 'get', address] as const;
  const routed =
    hostRoute === undefined
      ? [
          {
            ...bad('routing', 'no-route', `the host has no route to ${address}`, get),
            fix: `ip route add ${address} dev ${home ?? '…'}`,
          },
        ]
      : home !== undefined && home !== hostRoute.dev && hostRoute.gateway === undefined
        ? [
            {
              ...bad(
                'routing',
                'no-route',
                `the host routes ${address} to ${hostRoute.dev}, and ${receiver.name} is at ${home}`,
                get,
              ),
              fix: `ip route add ${address} dev ${home}`,
            },
          ]
        : [
            good('routing', `the host routes ${address} to ${hostRoute.dev}`, get),
            ...checkNeighbour('bridge', host, hostRoute, address, [receiver]),
          ];
  const through = direct || journey.from.kind === 'host' ? [] : [checkForwarding(scene)];
  return [
    ...(direct ? [] : [...routed, ...through, ...checkForward(scene)]),
    ...cable,
    ...(direct ? [...checkSameBridge(senderPort, end), ...checkPorts([senderPort, end])] : []),
    ...(link === undefined ? [] : checkFrameSize(scene, receiver, link.ifname)),
    ...checkForwardingTable(scene, [
      [receiver, link?.ifname],
      [scene.sender, scene.senderRoute?.dev],
    ]),
    ...checkSameAddress(scene, { of: scene.senderRoute?.dev, to: link?.ifname }),
    ...checkSocket(scene, receiver, address),
    ...checkAnswer(scene, receiver),
  ];
}

function checkAnswer(scene: Scene, receiver: Stack): readonly Finding[] {
  const { host, sender, backRoute, clientAddress } = scene;
  if (clientAddress === '') return [];
  const get = inStack(receiver, ['ip', 'route', 'get', clientAddress]);
  if (backRoute === undefined) {
    const fix = routeFix(receiver, clientAddress, homeAtHost(scene, receiver));
    const text = `${receiver.name} has no route back to ${clientAddress}`;
    return [{ ...bad('way back', 'no-way-back', text, get), fix }];
  }
  return [
    good('way back', `${receiver.name} answers by ${backRoute.gateway ?? backRoute.dev}`, get),
    ...checkNeighbour('way back', receiver, backRoute, clientAddress, [host, sender]),
  ];
}
