/**
 * The kernel's state of everything on a journey's way: interfaces, addresses, listening sockets and routes of the
 * host and of the containers, the packet filter, forwarding. minidock's records only say which container it is and
 * what it should have, so that the two can be compared.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Container } from '../../engine/state/store.ts';
import {
  FORWARDING,
  inside,
  readForwarding,
  readLinks,
  readRouteTo,
  readRoutes,
  readRoutes6,
  readRules,
  type Enter,
  type IpLink,
  type IpRoute,
  type IpRule,
  type RouteTo,
} from '../host/ip.ts';
import { look, lookAtJson } from '../host/look.ts';
import { namespaceAt, ownNamespace } from '../host/netns.ts';
import { readSwitchedOff } from '../host/settings6.ts';
import { chooseClientNetwork, type ClientNetwork } from './client/client-network.ts';
import { bitsOf, isIn, isLinkLocal, type Family } from './family.ts';
import { parseListeners, type Listener } from './listeners.ts';
import type { Journey, NamedNetns } from './model.ts';
import { readRuleset, redirectionOf, type Ruleset, type Target } from './ruleset.ts';
import { readNameFiles, type NameFiles } from '../host/name-files.ts';
import { hasProgram } from '../../engine/spec/container.ts';

/** A network namespace: the host's, or a container's. */
export interface Stack {
  readonly name: string;
  /** The argv in front of a command there. */
  readonly enter: Enter;
  /** Its file; '' for our own. */
  readonly netns: string;
  readonly family: Family;
  /** With the addresses of that family, those of the link last. */
  readonly interfaces: readonly IpLink[];
  readonly neighbours: readonly Neighbour[];
  readonly listeners: readonly Listener[];
  /** Of the main table. */
  readonly routes: readonly IpRoute[];
  readonly rules: readonly IpRule[];
  /** Interfaces that have IPv6 switched off, if the question is about it. */
  readonly withoutIpv6: readonly string[];
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
  /** Of a container that asks for a name. */
  readonly names?: NameFiles | undefined;
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

export const inStack = ({ enter }: Stack, argv: Argv): Argv => inside(enter, argv);

export const readHost = (family: Family): Promise<Stack> => readStack('the host', [], '', family);

/** undefined when the container has no network namespace of its own now. */
async function readContainerStack({ config, state }: Container, family: Family): Promise<Stack | undefined> {
  if (!hasProgram(state) || state.pid === 0) return undefined;
  const inode = namespaceAt(`/proc/${state.pid}/ns/net`);
  if (inode === undefined || inode === ownNamespace()) return undefined;
  const netns = `/proc/${state.pid}/ns/net`;
  return readStack(config.name, ['nsenter', '-t', String(state.pid), '-n'], netns, family);
}

export const readNetns = ({ name, path }: NamedNetns, family: Family): Promise<Stack> =>
  readStack(name, ['nsenter', `--net=${path}`, '--'], path, family);

const readNeighbours = (enter: Enter, family: Family): Promise<readonly Neighbour[]> =>
  lookAtJson(inside(enter, ['ip', `-${family}`, '-j', 'neigh', 'show', 'nud', 'all']), []);

/** The scene with the neighbour tables as they are now. */
export async function withNeighbours(scene: Scene): Promise<Scene> {
  const again = async (stack: Stack): Promise<Stack> => ({
    ...stack,
    neighbours: await readNeighbours(stack.enter, stack.family),
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

async function readStack(name: string, enter: Enter, netns: string, family: Family): Promise<Stack> {
  const [links, neighbours, sockets, routes, rules, withoutIpv6] = await Promise.all([
    readLinks(enter),
    readNeighbours(enter, family),
    look(inside(enter, ['ss', '-Hltunp'])),
    routesOf(enter, family),
    readRules(enter, family),
    family === 6 ? readSwitchedOff(enter) : [],
  ]);
  const interfaces = links.map((link) => ofFamily(link, family));
  const listeners = parseListeners(sockets);
  return { name, enter, netns, family, interfaces, neighbours, listeners, routes, rules, withoutIpv6 };
}

const routesOf = (enter: Enter, family: Family, ...which: readonly string[]): Promise<readonly IpRoute[]> =>
  (family === 6 ? readRoutes6 : readRoutes)(enter, ...which);

function ofFamily(link: IpLink, family: Family): IpLink {
  const own = link.addr_info.filter((one) => one.family === (family === 6 ? 'inet6' : 'inet'));
  const near = own.filter(({ local }) => isLinkLocal(local));
  return { ...link, addr_info: [...own.filter((one) => !near.includes(one)), ...near] };
}

export const addressesOf = (stack: Stack, ifname?: string): readonly string[] =>
  stack.interfaces
    .filter((link) => ifname === undefined || link.ifname === ifname)
    .flatMap(({ addr_info }) =>
      addr_info.flatMap(({ local, dadfailed }) => (dadfailed === true ? [] : [local])),
    );

/** This host's address towards the world; '' without a default route. */
export async function readUplinkAddress(host: Stack): Promise<string> {
  const [route] = await routesOf([], host.family, 'default');
  if (route === undefined) return '';
  return route.prefsrc ?? addressesOf(host, route.dev)[0] ?? '';
}

export async function observe(journey: Journey, host: Stack): Promise<Scene> {
  const { from, to, toNetns, family } = journey;
  const [ruleset, sender, receiver, network, routes, twins] = await Promise.all([
    readRuleset(family),
    from.kind === 'container'
      ? readContainerStack(from.container, family)
      : from.kind === 'netns'
        ? readNetns(from, family)
        : undefined,
    to !== undefined
      ? readContainerStack(to, family)
      : toNetns === undefined
        ? undefined
        : readNetns(toNetns, family),
    routesOf([], family).then((all) => chooseClientNetwork(all, family)),
    routesOf([], family),
    Promise.all((journey.twins ?? []).map((twin) => readNetns(twin, family))),
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
    forwarding: readForwarding(FORWARDING[family]),
    client,
    clientAddress,
    names:
      from.kind === 'container' && journey.name !== undefined ? readNameFiles(from.container) : undefined,
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
  if (source === undefined) return clientRoute?.dev ?? '';
  const alone = bitsOf(host.family);
  const home = host.interfaces.find(({ addr_info }) =>
    addr_info.some(({ local, prefixlen }) => prefixlen < alone && isIn(`${local}/${prefixlen}`, source)),
  );
  return home?.ifname ?? routes.find(({ dst }) => dst === 'default')?.dev ?? '';
}

/** Neither the kernel's own route nor a default route. */
const ownWaysOf = (routes: readonly IpRoute[]): readonly string[] =>
  routes
    .filter(({ dst, protocol }) => dst !== 'default' && protocol !== 'kernel')
    .map(({ dst }) => dst)
    .slice(0, 3);
