/**
 * Interfaces, addresses and routes of a namespace out of `ip -j`, and which veth is whose other end.
 *
 * The kernel names a peer by its index and, where it is in another namespace, by a number that only the asking
 * namespace knows it by (link-netnsid). `ip netns list-id` and lsns say which namespace a number stands for; where
 * neither does, two ends that point at each other's index are a pair if nothing else fits.
 */
import { readProgram } from '../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../runtime/plan/step.ts';
import { refKey, type Cable, type EndRef, type Interface, type Namespace, type Route } from './model.ts';

interface IpLink {
  readonly ifindex?: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly link_type?: string;
  readonly link_index?: number;
  readonly link?: string;
  readonly link_netnsid?: number;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

interface IpRoute {
  readonly dst?: string;
  readonly gateway?: string;
  readonly dev?: string;
}

export interface Stack {
  readonly interfaces: readonly Interface[];
  readonly routes: readonly Route[];
}

/** `undefined` enters nothing: the namespace this process is in. */
export async function readStack(path: string | undefined): Promise<Stack> {
  const [links, routes] = await Promise.all([
    readJson<IpLink>(within(path, ['ip', '-j', '-d', 'address', 'show'])),
    readJson<IpRoute>(within(path, ['ip', '-j', 'route', 'show'])),
  ]);
  return { interfaces: toInterfaces(links), routes: routes.flatMap(toRoute) };
}

export const within = (path: string | undefined, argv: Argv): Argv =>
  path === undefined ? argv : ['nsenter', `--net=${path}`, '--', ...argv];

async function readJson<T>(argv: Argv): Promise<readonly T[]> {
  const { stdout } = await readProgram(argv);
  try {
    return JSON.parse(stdout) as readonly T[];
  } catch {
    // ip prints nothing at all where there is nothing, or where the namespace has gone meanwhile.
    return [];
  }
}

export function toInterfaces(links: readonly IpLink[]): readonly Interface[] {
  const indexes = new Map(links.map(({ ifname, ifindex }) => [ifname, ifindex]));
  return links
    .flatMap((link): readonly Interface[] => {
      if (link.ifindex === undefined) return [];
      const kind = link.linkinfo?.info_kind ?? (link.link_type === 'loopback' ? 'loopback' : 'device');
      const peerIndex = kind !== 'veth' ? undefined : (link.link_index ?? indexes.get(link.link ?? ''));
      const master = link.master === undefined ? undefined : indexes.get(link.master);
      return [
        {
          index: link.ifindex,
          name: link.ifname,
          kind,
          mac: link.address ?? '',
          mtu: link.mtu,
          up: link.flags.includes('UP'),
          carrier: link.flags.includes('LOWER_UP'),
          addresses: (link.addr_info ?? []).flatMap(({ local, prefixlen }) =>
            local === undefined ? [] : [`${local}/${prefixlen ?? 32}`],
          ),
          ...(master === undefined ? {} : { master }),
          ...(peerIndex === undefined ? {} : { peerIndex }),
          ...(link.link_netnsid === undefined || kind !== 'veth' ? {} : { peerNetnsId: link.link_netnsid }),
        },
      ];
    })
    .sort((a, b) => a.index - b.index);
}

const toRoute = ({ dst, gateway, dev }: IpRoute): readonly Route[] =>
  dst === undefined || dev === undefined
    ? []
    : [{ destination: dst, device: dev, ...(gateway === undefined ? {} : { via: gateway }) }];

/** What the numbers of one namespace for others stand for: number to inode. */
export type NetnsIds = ReadonlyMap<number, number>;

/** As seen from a namespace (`undefined`: this one). */
export async function readNetnsIds(
  path: string | undefined,
  inodeOfName: (name: string) => number | undefined,
): Promise<NetnsIds> {
  const [named, listed] = await Promise.all([
    readJson<{ nsid?: number; name?: string }>(within(path, ['ip', '-j', 'netns', 'list-id'])),
    readProgram(within(path, ['lsns', '--type', 'net', '--json', '--output', 'NS,NETNSID'])),
  ]);
  const ids = new Map<number, number>();
  for (const { ns, netnsid } of parseLsns(listed.stdout)) {
    if (/^\d+$/.test(netnsid ?? '')) ids.set(Number(netnsid), ns);
  }
  for (const { nsid, name } of named) {
    const inode = name === undefined ? undefined : inodeOfName(name);
    if (nsid !== undefined && inode !== undefined) ids.set(nsid, inode);
  }
  return ids;
}

interface LsnsRow {
  readonly ns: number;
  readonly netnsid?: string | null;
  readonly children?: readonly LsnsRow[];
}

/** lsns nests a namespace below the one that made it. */
function parseLsns(json: string): readonly LsnsRow[] {
  const flatten = (rows: readonly LsnsRow[]): readonly LsnsRow[] =>
    rows.flatMap((row) => [row, ...flatten(row.children ?? [])]);
  try {
    return flatten((JSON.parse(json) as { namespaces: readonly LsnsRow[] }).namespaces);
  } catch {
    // No lsns here, or an old one without that column.
    return [];
  }
}

type Stacked = Pick<Namespace, 'inode' | 'interfaces'>;

/** Pairs up every veth. `ids` may know the numbers of some namespaces only. */
export function matchCables(
  namespaces: readonly Stacked[],
  ids: ReadonlyMap<number, NetnsIds>,
): readonly Cable[] {
  const ends = namespaces.flatMap(({ inode, interfaces }) =>
    interfaces.filter(({ kind }) => kind === 'veth').map((link) => ({ inode, link })),
  );
  const cables: Cable[] = [];
  const taken = new Set<string>();
  const add = (a: EndRef, b: EndRef | undefined): void => {
    taken.add(refKey(a));
    if (b !== undefined) taken.add(refKey(b));
    cables.push({ a: pick(a), b: b === undefined ? undefined : pick(b) });
  };
  // Surest first: both in one namespace, then a number whose namespace is known, then the only one that fits.
  for (const known of ['same', 'numbered', 'only'] as const) {
    for (const { inode, link } of ends) {
      const a = { inode, index: link.index };
      if (taken.has(refKey(a))) continue;
      const target = link.peerNetnsId === undefined ? inode : ids.get(inode)?.get(link.peerNetnsId);
      const fitting = ends.filter((other) => {
        const mirrored = other.link.index === link.peerIndex && other.link.peerIndex === link.index;
        const elsewhere = (other.inode !== inode) === (link.peerNetnsId !== undefined);
        return mirrored && elsewhere && !taken.has(refKey({ inode: other.inode, index: other.link.index }));
      });
      const chosen =
        known === 'only'
          ? fitting.length === 1
            ? fitting[0]
            : undefined
          : fitting.find((other) => other.inode === target);
      if (chosen !== undefined && (known !== 'same' || target === inode)) {
        add(a, { inode: chosen.inode, index: chosen.link.index });
      }
    }
  }
  for (const { inode, link } of ends) {
    if (!taken.has(refKey({ inode, index: link.index }))) add({ inode, index: link.index }, undefined);
  }
  return cables;
}

const pick = ({ inode, index }: EndRef): EndRef => ({ inode, index });
