/**
 * The kernel's state of everything on a journey's way: interfaces, addresses, listening sockets and routes of the
 * host and of the containers, the packet filter, forwarding. minidock's records only say which container it is and
 * what it should have, so that the two can be compared.
 */
import {
  FORWARDING,
  inside,
  readForwarding,
  readForwardingTable,
  readRouteTo,
  type Enter,
  type FdbEntry,
  type IpRoute,
  type RouteTo,
} from '../host/ip.ts';
import { lookAtJson } from '../host/look.ts';
import { readNameFiles, type NameFiles } from '../host/name-files.ts';
import { askName, type NameAnswer } from './client/ask-name.ts';
import { chooseClientNetwork, type ClientNetwork } from './client/client-network.ts';
import { bitsOf, isIn, prefixOf, type Family } from './family.ts';
import type { Journey } from './model.ts';
import { readRuleset, redirectionOf, type Ruleset, type Target } from './ruleset.ts';
import { addressesOf, readContainerStack, readNetns, type Neighbour, type Stack } from './stack.ts';

export interface Scene {
  readonly journey: Journey;
  readonly host: Stack;
  readonly ruleset: Ruleset;
  readonly forwarding: boolean;
  /** Of all bridges of the host. */
  readonly forwardingTable: readonly FdbEntry[];
  /** Of a container or a namespace that sends. */
  readonly sender?: Stack;
  /** Of a container or namespace that should answer, if it runs. */
  readonly receiver?: Stack;
  /** Of a container that asks for a name. */
  readonly names?: (NameFiles & { readonly answer: NameAnswer }) | undefined;
  /** Namespaces that have the host's address too. */
  readonly twins: readonly Stack[];
  /** The container's own address and port. */
  readonly final?: Target;
  /** What the rules say instead; undefined without a rule. */
  readonly redirection?: Target | undefined;
  readonly senderRoute?: RouteTo | undefined;
  /** The host's route to the final destination. */
  readonly hostRoute?: RouteTo | undefined;
  /** The host's route of type local to a destination that is not its own address: it keeps those packets. */
  readonly kept?: IpRoute | undefined;
  /** The receiver's route to the client. */
  readonly backRoute?: RouteTo | undefined;
  /** The subnet of a stand-in for a client on the wire; no route of this host overlaps it. */
  readonly client: ClientNetwork;
  readonly clientAddress: string;
  /** The host's route for answers to that stand-in: its default route, if no rule about the container says else. */
  readonly clientRoute?: RouteTo | undefined;
  /** The interface that this client comes in on; '' without one. */
  readonly entry: string;
  /** Destinations with their own routes on the host; clients there may see another result. */
  readonly ownWays: readonly string[];
}

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

export async function observe(journey: Journey, host: Stack): Promise<Scene> {
  const { from, to, toNetns, family } = journey;
  const { routes } = host;
  const [ruleset, forwardingTable, sender, receiver, twins] = await Promise.all([
    readRuleset(family),
    readForwardingTable(),
    from.kind === 'container'
      ? readContainerStack(from.container, family, false)
      : from.kind === 'netns'
        ? readNetns(from, family)
        : undefined,
    to !== undefined
      ? readContainerStack(to, family, true)
      : toNetns === undefined
        ? undefined
        : readNetns(toNetns, family, true),
    Promise.all((journey.twins ?? []).map((twin) => readNetns(twin, family))),
  ]);
  const network = chooseClientNetwork(routes, family);
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
  const [backRoute, plainRoute, answerRoute] = await Promise.all([
    receiver === undefined ? undefined : readRoute(receiver, clientAddress),
    readRoute(host, client.client),
    from.kind === 'outside' && final !== undefined && hostRoute !== undefined && client.client !== ''
      ? readRouteTo([], client.client, 'from', final.address, 'iif', hostRoute.dev)
      : undefined,
  ]);
  const clientRoute = answerRoute ?? plainRoute;
  const kept = hostRoute?.type === 'local' ? await readLocalRoute(host, target) : undefined;
  const names = await readNames(journey, sender);
  return {
    journey,
    host,
    ruleset,
    forwardingTable,
    forwarding: readForwarding(FORWARDING[family]),
    client,
    clientAddress,
    names,
    twins,
    senderRoute,
    hostRoute,
    kept,
    backRoute,
    clientRoute,
    entry: entryOf(host, routes, journey.source, plainRoute),
    ownWays: ownWaysOf(routes),
    ...(sender === undefined ? {} : { sender }),
    ...(receiver === undefined ? {} : { receiver }),
    ...(final === undefined ? {} : { final }),
    ...(journey.published === undefined || to === undefined
      ? {}
      : { redirection: redirectionOf(ruleset, to.config.spec.network.firewall, journey.published) }),
  };
}

async function readNames(
  { from, name, family }: Journey,
  sender: Stack | undefined,
): Promise<Scene['names']> {
  if (from.kind !== 'container' || name === undefined || sender === undefined) return undefined;
  const files = readNameFiles(from.container);
  // Of its own name, which needs nobody elsewhere: others may be asked of servers that do not answer.
  const own = from.container.config.name;
  return files && { ...files, answer: await askName(sender.netns, own, family) };
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

/** The narrowest local route to an address that the host does not have. */
async function readLocalRoute(host: Stack, address: string): Promise<IpRoute | undefined> {
  if (addressesOf(host).includes(address)) return undefined;
  const words = ['route', 'show', 'table', 'all', 'type', 'local', 'match', address];
  const routes = await lookAtJson<readonly IpRoute[]>(['ip', `-${host.family}`, '-j', ...words], []);
  return [...routes].sort((one, two) => prefixOf(two) - prefixOf(one))[0];
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
