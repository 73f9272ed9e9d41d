/**
 * The kernel's state of everything on a journey's way: interfaces, addresses, listening sockets and routes of the
 * host and of the containers, the packet filter, forwarding. minidock's records only say which container it is and
 * what it should have, so that the two can be compared.
 */
import {
  contains,
  formatIpv4,
  overlaps,
  parseCidr,
  parseIpv4,
  type Cidr,
} from '../../../runtime/network/ipv4.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Container } from '../../engine/state/store.ts';
import {
  inside,
  ipv4AddressesOf,
  isForwarding,
  readLinks,
  readRouteTo,
  readRoutes,
  readRules,
  type Enter,
  type IpLink,
  type IpRoute,
  type IpRule,
  type RouteTo,
} from '../host/ip.ts';
import { look, lookAtJson } from '../host/look.ts';
import { namespaceAt, ownNamespace } from '../host/netns.ts';
import { parseListeners, type Listener } from './listeners.ts';
import type { Journey, NamedNetns } from './model.ts';
import { readRuleset, redirectionOf, type Ruleset, type Target } from './ruleset.ts';
import { hasProgram } from '../../engine/spec/container.ts';

/** A network namespace: the host's, or a container's. */
export interface Stack {
  readonly name: string;
  /** The argv in front of a command there. */
  readonly enter: Enter;
  /** Its file; '' for our own. */
  readonly netns: string;
  readonly interfaces: readonly IpLink[];
  readonly neighbours: readonly Neighbour[];
  readonly listeners: readonly Listener[];
  /** Of the main table. */
  readonly routes: readonly IpRoute[];
  readonly rules: readonly IpRule[];
}

/** One line of `ip neigh`. */
export interface Neighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state?: readonly string[];
}

export interface Scene {
  readonly journey: Journey;
  readonly host: Stack;
  readonly ruleset: Ruleset;
  readonly forwarding: boolean;
  /** Of a container or a namespace that sends. */
  readonly sender?: Stack;
  /** Of a container or namespace that should answer, if it runs. */
  readonly receiver?: Stack;
  /** Namespaces that have the host's address too. */
  readonly twins: readonly Stack[];
  /** The container's own address and port. */
  readonly final?: Target;
  /** What the rules say instead; undefined without a rule. */
  readonly redirection?: Target | undefined;
  readonly senderRoute?: RouteTo | undefined;
  /** The host's route to the final destination. */
  readonly hostRoute?: RouteTo | undefined;
  /** The receiver's route to the client. */
  readonly backRoute?: RouteTo | undefined;
  /** The subnet of a stand-in for a client on the wire; no route of this host overlaps it. */
  readonly client: ClientNetwork;
  readonly clientAddress: string;
  /** The host's route to that stand-in: its default route. */
  readonly clientRoute?: RouteTo | undefined;
  /** The interface that this client comes in on; '' without one. */
  readonly entry: string;
  /** Destinations with their own routes on the host; clients there may see another result. */
  readonly ownWays: readonly string[];
}

export interface ClientNetwork {
  readonly host: string;
  readonly client: string;
}

export const inStack = ({ enter }: Stack, argv: Argv): Argv => inside(enter, argv);

export async function readHost(): Promise<Stack> {
  return readStack('the host', [], '');
}

/** undefined when the container has no network namespace of its own now. */
async function readContainerStack({ config, state }: Container): Promise<Stack | undefined> {
  if (!hasProgram(state) || state.pid === 0) return undefined;
  const inode = namespaceAt(`/proc/${state.pid}/ns/net`);
  if (inode === undefined || inode === ownNamespace()) return undefined;
  return readStack(config.name, ['nsenter', '-t', String(state.pid), '-n'], `/proc/${state.pid}/ns/net`);
}

export const readNetns = ({ name, path }: NamedNetns): Promise<Stack> =>
  readStack(name, ['nsenter', `--net=${path}`, '--'], path);

const readNeighbours = (enter: Enter): Promise<readonly Neighbour[]> =>
  lookAtJson(inside(enter, ['ip', '-4', '-j', 'neigh', 'show', 'nud', 'all']), []);

/** The scene with the neighbour tables as they are now. */
export async function withNeighbours(scene: Scene): Promise<Scene> {
  const again = async (stack: Stack): Promise<Stack> => ({
    ...stack,
    neighbours: await readNeighbours(stack.enter),
  });
  const [host, sender, receiver] = await Promise.all([
    again(scene.host),
    scene.sender === undefined ? undefined : again(scene.sender),
    scene.receiver === undefined ? undefined : again(scene.receiver),
  ]);
  return {
    ...{ ...scene, host },
    ...(sender === undefined ? {} : { sender }),
    ...(receiver === undefined ? {} : { receiver }),
  };
}

async function readStack(name: string, enter: Enter, netns: string): Promise<Stack> {
  const [interfaces, neighbours, sockets, routes, rules] = await Promise.all([
    readLinks(enter),
    readNeighbours(enter),
    look(inside(enter, ['ss', '-Hltunp'])),
    readRoutes(enter),
    readRules(enter),
  ]);
  return { name, enter, netns, interfaces, neighbours, listeners: parseListeners(sockets), routes, rules };
}

export const addressesOf = (stack: Stack, ifname?: string): readonly string[] =>
  stack.interfaces
    .filter((link) => ifname === undefined || link.ifname === ifname)
    .flatMap((link) => ipv4AddressesOf(link).map(({ local }) => local));

/** This host's address towards the world; '' without a default route. */
export async function readUplinkAddress(host: Stack): Promise<string> {
  const [route] = await readRoutes([], 'default');
  if (route === undefined) return '';
  return route.prefsrc ?? addressesOf(host, route.dev)[0] ?? '';
}

export async function observe(journey: Journey, host: Stack): Promise<Scene> {
  const { from, to, toNetns } = journey;
  const [ruleset, sender, receiver, network, routes, twins] = await Promise.all([
    readRuleset(),
    from.kind === 'container'
      ? readContainerStack(from.container)
      : from.kind === 'netns'
        ? readNetns(from)
        : undefined,
    to !== undefined ? readContainerStack(to) : toNetns === undefined ? undefined : readNetns(toNetns),
    chooseClientNetwork(),
    readRoutes([]),
    Promise.all((journey.twins ?? []).map(readNetns)),
  ]);
  const client =
    from.kind === 'outside' && journey.source !== undefined
      ? { ...network, client: journey.source }
      : network;
  const address = to?.state.network?.address ?? (toNetns === undefined ? undefined : journey.asked.address);
  const port = journey.published?.containerPort ?? journey.asked.port;
  const final = address === undefined ? undefined : { address, port };
  const target = final?.address ?? journey.asked.address;
  const [senderRoute, hostRoute] = await Promise.all([
    sender === undefined ? undefined : readRoute(sender, journey.asked.address),
    readRoute(host, target),
  ]);
  const clientAddress = clientOf(journey, client, senderRoute?.prefsrc ?? '', hostRoute?.prefsrc ?? '');
  const [backRoute, clientRoute] = await Promise.all([
    receiver === undefined ? undefined : readRoute(receiver, clientAddress),
    readRoute(host, client.client),
  ]);
  return {
    journey,
    host,
    ruleset,
    forwarding: isForwarding(),
    client,
    clientAddress,
    twins,
    senderRoute,
    hostRoute,
    backRoute,
    clientRoute,
    entry: entryOf(host, routes, journey.source, clientRoute),
    ownWays: ownWaysOf(routes),
    ...(sender === undefined ? {} : { sender }),
    ...(receiver === undefined ? {} : { receiver }),
    ...(final === undefined ? {} : { final }),
    ...(journey.published === undefined || to === undefined
      ? {}
      : { redirection: redirectionOf(ruleset, to.config.spec.network.firewall, journey.published) }),
  };
}

/** The client as the receiver sees it: a redirected neighbour and the host are masqueraded as the gateway. */
function clientOf(
  { from, to, published }: Journey,
  client: ClientNetwork,
  ofSender: string,
  ofHost: string,
): string {
  const gateway = to?.state.network?.network?.gateway ?? '';
  if (from.kind === 'outside') return client.client;
  if (from.kind === 'host') return gateway || ofHost;
  if (from.kind === 'netns') return ofSender;
  const { network, address = '' } = from.container.state.network ?? {};
  return published !== undefined && network?.gateway === gateway ? gateway : address;
}

async function readRoute(stack: Stack, address: string): Promise<RouteTo | undefined> {
  if (address === '') return undefined;
  return readRouteTo(stack.enter, address);
}

/** A client with an address of our network comes in by that network, even if a narrower route exists. */
function entryOf(
  host: Stack,
  routes: readonly IpRoute[],
  source: string | undefined,
  clientRoute: RouteTo | undefined,
): string {
  const number = source === undefined ? undefined : parseIpv4(source);
  if (number === undefined) return clientRoute?.dev ?? '';
  const home = host.interfaces.find((link) =>
    ipv4AddressesOf(link).some(({ local, prefixlen }) => {
      const block = parseCidr(`${local}/${prefixlen}`) ?? hostBlock(local, prefixlen);
      return block !== undefined && prefixlen < 32 && contains(block, number);
    }),
  );
  return home?.ifname ?? routes.find(({ dst }) => dst === 'default')?.dev ?? '';
}

/** The network of an address: parseCidr() wants the address of the network. */
export function hostBlock(local: string, prefix: number): Cidr | undefined {
  const address = parseIpv4(local);
  return address === undefined ? undefined : { base: address - (address % 2 ** (32 - prefix)), prefix };
}

/** Neither the kernel's own route nor a default route. */
const ownWaysOf = (routes: readonly IpRoute[]): readonly string[] =>
  routes
    .filter(({ dst, protocol }) => dst !== 'default' && protocol !== 'kernel')
    .map(({ dst }) => dst)
    .slice(0, 3);

/** Reserved for benchmarks (RFC 2544) and documentation (RFC 5737). */
const NOBODYS = ['198.18.0.0/15', '203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24'];

/** Four of these addresses, reachable only by the default route. */
async function chooseClientNetwork(): Promise<ClientNetwork> {
  const routes = await readRoutes([]);
  const taken = routes.flatMap(({ dst }): readonly Cidr[] => {
    const alone = parseIpv4(dst);
    const block = alone === undefined ? parseCidr(dst) : { base: alone, prefix: 32 };
    // A VPN may write its default route as two halves.
    return block === undefined || block.prefix <= 1 ? [] : [block];
  });
  for (const all of NOBODYS.map(parseCidr)) {
    if (all === undefined) continue;
    for (let base = all.base; contains(all, base); base += 4) {
      if (taken.some((block) => overlaps(block, { base, prefix: 30 }))) continue;
      return { host: formatIpv4(base + 1), client: formatIpv4(base + 2) };
    }
  }
  return { host: '', client: '' };
}
