/**
 * Interfaces, addresses and routes of a namespace from `ip -j`, and the peers of veths.
 *
 * The kernel names a peer by its index and, in another namespace, by a number that is local to the asking namespace
 * (link-netnsid). `ip netns list-id` and lsns translate the numbers. Without a translation, two ends with each
 * other's index are a pair if no other end fits.
 */
import { inside, kindOf, readLinks, readRoutes, type Enter, type IpLink, type IpRoute } from '../host/ip.ts';
import { look, lookAtJson } from '../host/look.ts';
import { namespaceAt } from '../host/netns.ts';
import { refKey, type Cable, type EndRef, type Interface, type Namespace, type Route } from './model.ts';

export interface Stack {
  readonly interfaces: readonly Interface[];
  readonly routes: readonly Route[];
}

export async function readStack(enter: Enter): Promise<Stack> {
  const [links, routes] = await Promise.all([readLinks(enter), readRoutes(enter)]);
  return { interfaces: toInterfaces(links), routes: routes.flatMap(toRoute) };
}

function toInterfaces(links: readonly IpLink[]): readonly Interface[] {
  const indexes = new Map(links.map(({ ifname, ifindex }) => [ifname, ifindex]));
  return links
    .map((link): Interface => {
      const kind = kindOf(link);
      const peerIndex = kind !== 'veth' ? undefined : (link.link_index ?? indexes.get(link.link ?? ''));
      const master = link.master === undefined ? undefined : indexes.get(link.master);
      return {
        index: link.ifindex,
        name: link.ifname,
        kind,
        mac: link.address ?? '',
        mtu: link.mtu,
        up: link.flags.includes('UP'),
        carrier: link.flags.includes('LOWER_UP'),
        addresses: link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        ...(master === undefined ? {} : { master }),
        ...(peerIndex === undefined ? {} : { peerIndex }),
        ...(link.link_netnsid === undefined || kind !== 'veth' ? {} : { peerNetnsId: link.link_netnsid }),
      };
    })
    .sort((a, b) => a.index - b.index);
}

const toRoute = ({ dst, gateway, dev }: IpRoute): readonly Route[] =>
  dev === undefined
    ? []
    : [{ destination: dst, device: dev, ...(gateway === undefined ? {} : { via: gateway }) }];

/** The local numbers of one namespace for others: number to inode. */
export type NetnsIds = ReadonlyMap<number, number>;

/** As seen from a namespace. */
export async function readNetnsIds(enter: Enter): Promise<NetnsIds> {
  const [named, listed] = await Promise.all([
    lookAtJson<readonly { nsid?: number; name?: string }[]>(
      inside(enter, ['ip', '-j', 'netns', 'list-id']),
      [],
    ),
    // '' from an old lsns without that column.
    look(inside(enter, ['lsns', '--type', 'net', '--json', '--output', 'NS,NETNSID'])),
  ]);
  const ids = new Map<number, number>();
  for (const { ns, netnsid } of parseLsns(listed)) {
    if (/^\d+$/.test(netnsid ?? '')) ids.set(Number(netnsid), ns);
  }
  for (const { nsid, name } of named) {
    const inode = name === undefined ? undefined : namespaceAt(`/run/netns/${name}`);
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
  return json === '' ? [] : flatten((JSON.parse(json) as { namespaces: readonly LsnsRow[] }).namespaces);
}

type Stacked = Pick<Namespace, 'inode' | 'interfaces'>;

/** Finds the peer of every veth. `ids` may lack the numbers of some namespaces. */
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
