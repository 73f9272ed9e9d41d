/**
 * The commands that give a namespace its way to an address again. What refuses goes first, a rule or a route: it
 * stands in the way of a route that is added. An address without its network is next, since the kernel takes a
 * gateway only on a network that it knows; the default route comes last.
 */
import { interfaceOf } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';
import { inside, type IpAddress, type IpRoute, type IpRule, type RouteTo } from '../host/ip.ts';
import { formatIpv4, parseCidr, sizeOf } from '../../../runtime/network/ipv4.ts';
import { bitsOf, familyOf, ipCommand, isIn, prefixOf, type Family } from './family.ts';
import { bad } from './findings.ts';
import type { Finding, Stage } from './model.ts';
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import type { Scene } from './observe.ts';
import { addressesOf, inStack, type Stack } from './stack.ts';
import { checkBridgeUp, homeOf } from './physical.ts';

/** The network that a namespace belongs to, as it should be. */
export interface Home {
  /** The interface in the namespace. */
  readonly dev: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  /** The address and prefix that it has instead, of another network than its bridge's; `address` is a free one. */
  readonly stranger?: string;
}

/** The priority of the rule about the main table (ip-rule(8)). */
const MAIN_RULE = 32766;

const REFUSING: readonly string[] = ['blackhole', 'unreachable', 'prohibit', 'throw'];

/** A container's network, as minidock recorded it. */
export function homeIn({ state }: Container): Home | undefined {
  const { network, address = '' } = state.network ?? {};
  if (state.network === undefined || network === undefined) return undefined;
  // Seen by a family that the network does not have.
  if (network.gateway === '') return undefined;
  const prefix = Number(network.subnet.split('/')[1] ?? bitsOf(familyOf(network.gateway)));
  return { dev: interfaceOf(state.network), address, prefix, gateway: network.gateway };
}

/** By the host's address on the bridge of its first cable; undefined where the host has none there. */
export function homeAtHost({ host }: Pick<Scene, 'host'>, stack: Stack): Home | undefined {
  let elsewhere: Home | undefined;
  for (const { ifname, addr_info } of stack.interfaces) {
    for (const address of addressesOf(stack, ifname)) {
      const bridge = host.interfaces.find((one) => one.ifname === homeOf(host, stack, address));
      const [own] = bridge === undefined ? [] : bridge.addr_info;
      if (own === undefined) continue;
      const home = { dev: ifname, address, prefix: own.prefixlen, gateway: own.local };
      const free = isNear(home, own.local) ? undefined : freeAddress(host, own);
      if (free === undefined) return home;
      const prefix = addr_info.find(({ local }) => local === address)?.prefixlen ?? '';
      elsewhere ??= { ...home, address: free, stranger: `${address}/${prefix}` };
    }
  }
  return elsewhere;
}

/** The highest one that nobody has talked from: minidock gives the lowest ones. undefined in IPv6, and in a /31. */
function freeAddress({ neighbours }: Stack, { local, prefixlen }: IpAddress): string | undefined {
  const block = parseCidr(`${local}/${prefixlen}`);
  if (block === undefined || prefixlen > 30) return undefined;
  for (let offset = sizeOf(block) - 2; offset > 0; offset--) {
    const address = formatIpv4(block.base + offset);
    if (address !== local && !neighbours.some(({ dst }) => dst === address)) return address;
  }
  return undefined;
}

/** To be typed on the host. Without a home, the router's address is left to the reader. */
export function routeFix(stack: Stack, to: string, home: Home | undefined): string {
  const commands: string[] = [];
  const ip = ipCommand(stack.family);
  const type = (words: string): number => commands.push([...stack.enter, words].join(' '));
  const rule = stack.rules.find((one) => isRefusing(one, to));
  if (rule !== undefined) type(`${ip} rule del pref ${rule.priority} ${rule.action ?? ''}`);
  const refusing = stack.routes.filter((route) => REFUSING.includes(route.type ?? '') && leads(route, to));
  for (const { type: kind = '', dst, metric } of refusing) {
    type(`${ip} route del ${kind} ${dst}${metric === undefined ? '' : ` metric ${metric}`}`);
  }
  const routes = stack.routes.filter((route) => !refusing.includes(route));
  const isDirect = (address: string): boolean =>
    routes.some((route) => route.gateway === undefined && leads(route, address));
  if (routes.some((route) => leads(route, to))) return commands.join(' && ');
  if (home === undefined) {
    type(`${ip} route add default via ADDRESS-OF-ITS-ROUTER`);
    return commands.join(' && ');
  }
  if (!isDirect(home.gateway)) type(addressAdd(home, stack.family));
  // A neighbour needs no gateway; the default route went with the address all the same.
  if (!routes.some(({ dst }) => dst === 'default')) type(`${ip} route add default via ${home.gateway}`);
  return commands.join(' && ');
}

/**
 * What else to type where an interface or its address comes back: the kernel dropped the default route with it.
 * Begins with ' && '; '' where it is there, or where there is no such router.
 */
export function thenDefault({ enter, routes, family }: Stack, gateway: string): string {
  if (gateway === '' || routes.some(({ dst, dev }) => dst === 'default' && dev !== undefined)) return '';
  return ` && ${[...enter, `${ipCommand(family)} route add default via ${gateway}`].join(' ')}`;
}

/** The host's own address on a bridge; the way out of it is not the bridge's matter. */
export const bridgeHome = ({ bridge, gateway, subnet }: BridgeNetwork): Home => ({
  ...{ dev: bridge, address: gateway, gateway: '' },
  prefix: Number(subnet.split('/')[1] ?? ''),
});

/** An interface that went down lost its routes, and of IPv6 its addresses too. Begins with ' && '. */
export function afterUp(stack: Stack, home: Home | undefined): string {
  if (home === undefined) return '';
  const lost = stack.family === 6 && !addressesOf(stack).includes(home.address);
  const add = [...stack.enter, addressAdd(home, stack.family)].join(' ');
  return `${lost ? ` && ${add}` : ''}${thenDefault(stack, home.gateway)}`;
}

/** The bridge of a container that sends. */
export function checkOwnBridge(host: Stack, { state }: Container): readonly Finding[] {
  const network = state.network?.network;
  if (network === undefined) return [];
  const rest = afterUp(host, bridgeHome(network));
  return checkBridgeUp(host, network.bridge, 'sender').map(({ fix = '', ...found }) => ({
    ...{ ...found, fix: `${fix}${rest}` },
  }));
}

/** What refuses that address, in words; undefined without one. */
export function refusalOf({ routes, rules }: Stack, to: string): string | undefined {
  const rule = rules.find((one) => isRefusing(one, to));
  if (rule !== undefined) return `by a rule of ip rule (priority ${rule.priority}: ${rule.action ?? ''})`;
  const route = routes.find(({ type = '', ...rest }) => REFUSING.includes(type) && leads(rest, to));
  return route === undefined ? undefined : `by its route ${route.type ?? ''} ${route.dst}`;
}

/** The network of the home, where the address has another one; ends with ' && '. */
export function withNetwork(stack: Stack, home: Home | undefined): string {
  if (home === undefined) return '';
  const isDirect = stack.routes.some((route) => route.gateway === undefined && leads(route, home.gateway));
  return isDirect ? '' : `${[...stack.enter, addressAdd(home, stack.family)].join(' ')} && `;
}

/** The container has another way out than its bridge. */
export function checkGateway(stack: Stack, route: RouteTo, of: Container, stage: Stage): readonly Finding[] {
  const home = homeIn(of);
  const gateway = home?.gateway;
  if (gateway === undefined || route.gateway === undefined || route.gateway === gateway) return [];
  const text = `${stack.name} sends it to the gateway ${route.gateway}, and the gateway of its network is ${gateway}`;
  const replace = `${ipCommand(stack.family)} route replace default via ${gateway}`;
  const fix = withNetwork(stack, home) + [...stack.enter, replace].join(' ');
  return [{ ...bad(stage, 'wrong-gateway', text, inStack(stack, ['ip', 'route'])), fix }];
}

/** The main table leads there in vain if a rule asks another table first. */
export function routeToNetworkFix(
  host: Stack,
  network: BridgeNetwork | undefined,
  { to, dev }: { readonly to: string; readonly dev: string | undefined },
): string {
  const { subnet = '', bridge = '', gateway = '' } = network ?? {};
  const has = host.routes.some(({ dst, dev }) => dst === subnet && dev === bridge);
  const first = Math.min(...host.rules.map(({ priority }) => priority).filter((priority) => priority > 0));
  if (has && first > 1 && first < MAIN_RULE)
    return `${ipCommand(host.family)} rule add to ${subnet} lookup main pref ${first - 1}`;
  // A narrower route comes first: a VPN's, say.
  if (has && dev !== undefined) return ledAwayFix(host, { ...{ to, from: '', dev }, home: bridge });
  const unrefused = has ? routeFix(host, to, undefined) : '';
  if (unrefused !== '') return unrefused;
  // Others choose by the address of the interface; a source in the route is not needed.
  const source = host.family === 6 ? '' : ` src ${gateway}`;
  return `ip route add ${subnet} dev ${bridge}${source}`;
}

/**
 * To be typed on the host, which sends what is for that address out of `dev`, and it is at `home`: the narrowest route
 * is taken away, or the rule that asks another table first. The default route stays.
 */
export function ledAwayFix(
  { routes, rules, family }: Stack,
  { to, from, dev, home }: { readonly [name in 'to' | 'from' | 'dev' | 'home']: string },
): string {
  const [narrowest] = routes
    .filter((route) => leads(route, to))
    .sort((one, two) => prefixOf(two) - prefixOf(one));
  if (narrowest?.dev === dev) {
    const { dst } = narrowest;
    return dst === 'default'
      ? `ip route add ${to} dev ${home}`
      : `${ipCommand(family)} route del ${dst} dev ${dev}`;
  }
  const rule = rules.find((one) => isLeading(one, to, from));
  return rule === undefined ? LEADING[family] : `${ipCommand(family)} rule del pref ${rule.priority}`;
}

/** Where it is not known which one. */
export const LEADING = {
  4: 'Take away the rule or the route that leads there: ip rule; ip route show table all.',
  6: 'Take away the rule or the route that leads there: ip -6 rule; ip -6 route show table all.',
} as const;

/** It is to be used at once. */
export const addressAdd = (
  { address, prefix, dev }: Pick<Home, 'address' | 'prefix' | 'dev'>,
  family: Family,
): string => `ip address add ${address}/${prefix} dev ${dev}${family === 6 ? ' nodad' : ''}`;

/** A rule with other conditions may not be about this packet. */
function isLeading(
  { priority, action, table, src, srclen, dst, dstlen, fwmark }: IpRule,
  to: string,
  from: string,
): boolean {
  if (priority === 0 || priority >= MAIN_RULE || table === 'main') return false;
  if (action !== undefined || fwmark !== undefined) return false;
  const isFrom = src === 'all' || isIn(blockText(src, srclen), from);
  return isFrom && (dst === undefined || dst === 'all' || isIn(blockText(dst, dstlen), to));
}

const blockText = (address: string, prefix?: number): string =>
  prefix === undefined ? address : `${address}/${prefix}`;

/** A route that takes an address for one of the own network: ARP asks for it in vain. */
export function checkOnLink(
  stack: Stack,
  { gateway, dev }: RouteTo,
  address: string,
  home: Home | undefined,
): readonly Finding[] {
  if (gateway !== undefined || dev !== home?.dev) return [];
  const { stranger } = home;
  if (stranger === undefined && isNear(home, address)) return [];
  const typed = stack.routes.find(
    (route) =>
      route.dev === dev &&
      route.gateway === undefined &&
      route.protocol !== 'kernel' &&
      leads(route, address),
  );
  if (typed === undefined) return tooWide(stack, address, home);
  const text = `${stack.name} has a route that takes ${address} for a neighbour on ${dev}, and it is none: its network is ${stranger ?? `${home.address}/${home.prefix}`}`;
  const ip = ipCommand(stack.family);
  const command = (words: string): string => [...stack.enter, words].join(' ');
  const onward = isNear(home, address)
    ? ''
    : ` && ${command(`${ip} route replace default via ${home.gateway}`)}`;
  const fix =
    stranger === undefined
      ? command(`${ip} route del ${typed.dst} dev ${dev}`)
      : command(addressAdd(home, stack.family)) + onward;
  return [{ ...bad('sender', 'on-link', text, inside(stack.enter, ['ip', 'route', 'get', address])), fix }];
}

/** Its own address has the prefix length of a wider network. */
function tooWide(stack: Stack, address: string, home: Home): readonly Finding[] {
  if (isNear(home, address)) return [];
  const wide = stack.interfaces
    .find(({ ifname }) => ifname === home.dev)
    ?.addr_info.find(
      ({ local, prefixlen }) => local === home.address && isIn(`${local}/${prefixlen}`, address),
    );
  if (wide === undefined) return [];
  const has = `${home.address}/${wide.prefixlen}`;
  const text = `${stack.name} has the address ${has} on ${home.dev}, and its network is ${home.address}/${home.prefix}: it takes ${address} for a neighbour there`;
  const command = (words: string): string => [...stack.enter, words].join(' ');
  const ip = ipCommand(stack.family);
  const fix = [
    command(addressAdd(home, stack.family)),
    command(`ip address del ${has} dev ${home.dev}`),
    ...(home.gateway === '' ? [] : [command(`${ip} route replace default via ${home.gateway}`)]),
  ].join(' && ');
  return [{ ...bad('sender', 'on-link', text, inStack(stack, ['ip', '-br', 'address'])), fix }];
}

/** Whether an address is on that network. */
export const isNear = ({ address, prefix }: Home, other: string): boolean =>
  isIn(`${address}/${prefix}`, other);

/** Rules with other conditions (a mark, a port) are left alone: they may not be about this packet. */
function isRefusing({ action = '', src, dst, dstlen, iif }: IpRule, to: string): boolean {
  if (!REFUSING.includes(action) || src !== 'all' || iif !== undefined) return false;
  return dst === undefined || dst === 'all' || isIn(blockText(dst, dstlen), to);
}

export const leads = ({ dst }: IpRoute, to: string): boolean => dst === 'default' || isIn(dst, to);
