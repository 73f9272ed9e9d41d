/**
 * One network namespace: interfaces, addresses, neighbours, routes, rules and listening sockets, as a question about one
 * family sees them.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import type { Container } from '../../engine/state/store.ts';
import { askIp, inside, readLinks, type Enter, type IpLink, type IpRoute, type IpRule } from '../host/ip.ts';
import { look } from '../host/look.ts';
import { namespaceAt, ownNamespace } from '../host/netns.ts';
import { readSwitchedOff } from '../host/settings6.ts';
import { isIn, isLinkLocal, type Family } from './family.ts';
import { parseListeners, type Listener } from './listeners.ts';
import type { NamedNetns } from './model.ts';

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

export const inStack = ({ enter }: Stack, argv: Argv): Argv => inside(enter, argv);

export interface Host {
  /** Of both families. */
  readonly addresses: readonly string[];
  /** As a question about that family sees it; read once. */
  readonly stack: (family: Family) => Promise<Stack>;
}

export async function readHost(): Promise<Host> {
  const both = await readBoth([], true);
  const read: Partial<Record<Family, Promise<Stack>>> = {};
  return {
    addresses: both.links.flatMap((link) => usedAddresses(link)),
    stack: (family) => (read[family] ??= readStack('the host', [], '', family, both)),
  };
}

/** undefined when the container has no network namespace of its own now. */
export async function readContainerStack(
  { config, state }: Container,
  family: Family,
  serves: boolean,
): Promise<Stack | undefined> {
  if (!hasProgram(state) || state.pid === 0) return undefined;
  const inode = namespaceAt(`/proc/${state.pid}/ns/net`);
  if (inode === undefined || inode === ownNamespace()) return undefined;
  const netns = `/proc/${state.pid}/ns/net`;
  const enter = ['nsenter', '-t', String(state.pid), '-n'];
  return readStack(config.name, enter, netns, family, await readBoth(enter, serves));
}

/** @param serves whether its programs may be asked; else their sockets are not read, which takes the longest */
export async function readNetns({ name, path }: NamedNetns, family: Family, serves = false): Promise<Stack> {
  const enter = ['nsenter', `--net=${path}`, '--'];
  return readStack(name, enter, path, family, await readBoth(enter, serves));
}

/** What `ip` and `ss` say of both families at once. */
interface Both {
  readonly links: readonly IpLink[];
  readonly listeners: readonly Listener[];
}

async function readBoth(enter: Enter, serves: boolean): Promise<Both> {
  const [links, sockets] = await Promise.all([
    readLinks(enter),
    serves ? look(inside(enter, ['ss', '-Hltunp'])) : '',
  ]);
  return { links, listeners: parseListeners(sockets) };
}

async function readStack(
  name: string,
  enter: Enter,
  netns: string,
  family: Family,
  { links, listeners }: Both,
): Promise<Stack> {
  const [[neighbours = [], routes = [], rules = []], withoutIpv6] = await Promise.all([
    askIp<[readonly Neighbour[], readonly IpRoute[], readonly IpRule[]]>(enter, family, [
      'neigh show nud all',
      'route show',
      'rule show',
    ]),
    family === 6 ? readSwitchedOff(enter) : [],
  ]);
  const interfaces = links.map((link) => ofFamily(link, family));
  return { name, enter, netns, family, interfaces, neighbours, listeners, routes, rules, withoutIpv6 };
}

function ofFamily(link: IpLink, family: Family): IpLink {
  const own = link.addr_info.filter((one) => one.family === (family === 6 ? 'inet6' : 'inet'));
  const near = own.filter(({ local }) => isLinkLocal(local));
  return { ...link, addr_info: [...own.filter((one) => !near.includes(one)), ...near] };
}

export const addressesOf = (stack: Stack, ifname?: string): readonly string[] =>
  stack.interfaces.filter((link) => ifname === undefined || link.ifname === ifname).flatMap(usedAddresses);

const usedAddresses = ({ addr_info }: IpLink): readonly string[] =>
  addr_info.flatMap(({ local, dadfailed }) => (dadfailed === true ? [] : [local]));

/** This host's address towards the world, or else on the network of that client; '' without either. */
export function uplinkAddressOf(host: Stack, client = ''): string {
  const route = host.routes.find(({ dst }) => dst === 'default');
  if (route === undefined) {
    const own = host.interfaces.flatMap(({ addr_info }) => addr_info);
    return own.find(({ local, prefixlen }) => isIn(`${local}/${prefixlen}`, client))?.local ?? '';
  }
  return route.prefsrc ?? addressesOf(host, route.dev)[0] ?? '';
}
