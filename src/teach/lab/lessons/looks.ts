/** Requirements that several lessons share. */
import type { LabHost, Requirement } from '../lesson.ts';

interface Link {
  readonly ifname: string;
  readonly ifindex: number;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly address?: string;
  readonly master?: string;
  readonly link_index?: number;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** `netns` undefined is the lab's host itself. */
export async function linkOf(host: LabHost, name: string, netns?: string): Promise<Link | undefined> {
  const links = (await host.ip(['-d', 'link', 'show'], netns)) as unknown as Link[];
  return links.find(({ ifname }) => ifname === name);
}

export const isKind = async (host: LabHost, name: string, kind: string, netns?: string): Promise<boolean> =>
  (await linkOf(host, name, netns))?.linkinfo?.info_kind === kind;

export const isUp = async (host: LabHost, name: string, netns?: string): Promise<boolean> =>
  (await linkOf(host, name, netns))?.flags.includes('UP') === true;

export const isIn = async (host: LabHost, name: string, netns?: string): Promise<boolean> =>
  (await linkOf(host, name, netns)) !== undefined;

export const isPluggedInto = async (host: LabHost, name: string, bridge: string): Promise<boolean> =>
  (await linkOf(host, name))?.master === bridge;

/** The namespace exists and is neither the host's nor that of another name. */
export async function hasNetns(host: LabHost, name: string): Promise<boolean> {
  const script = `
    own=$(stat -Lc %i "/run/netns/$1") && nsenter --net="/run/netns/$1" -- true || exit 1
    [ "$own" != "$(stat -Lc %i /proc/1/ns/net)" ] || exit 1
    [ "$(stat -Lc %i /run/netns/* | grep -cx "$own")" = 1 ]`;
  return (await host.run(['sh', '-c', script, 'look', name])).status === 0;
}

/** `address` with its prefix: 192.168.15.1/24. */
export async function hasAddress(
  host: LabHost,
  name: string,
  address: string,
  netns?: string,
): Promise<boolean> {
  return (await addresses(host, name, netns)).includes(address);
}

/** A missing prefix length means /32, which is easily overlooked, so the verdict shows the address that is there. */
export function needAddress(text: string, name: string, address: string, netns?: string): Requirement {
  return {
    text,
    holds: (host) => hasAddress(host, name, address, netns),
    found: async (host) => (await addresses(host, name, netns)).join(', ') || undefined,
  };
}

/** Each of two namespaces has its address, and none of its interfaces the other's: a first try may have been left. */
export function needOwnAddresses(own: { readonly red: string; readonly blue: string }): Requirement {
  const taken = async (host: LabHost): Promise<readonly string[]> => {
    const has = async (netns: string, address: string): Promise<readonly string[]> => {
      const links = await host.ip(['-4', 'address', 'show', 'to', `${address}/32`], netns);
      return links.map(({ ifname }) => `${address} at ${String(ifname)} in ${netns}`);
    };
    return [...(await has('red', own.blue)), ...(await has('blue', own.red))];
  };
  return {
    text: 'neither namespace has the other’s address',
    holds: async (host) => (await taken(host)).length === 0,
    found: async (host) => (await taken(host)).join(', ') || undefined,
  };
}

async function addresses(host: LabHost, name: string, netns?: string): Promise<readonly string[]> {
  const links = await host.ip(['-4', 'address', 'show', 'dev', name], netns);
  const infos = links.flatMap(
    (link) => (link['addr_info'] ?? []) as readonly { local?: string; prefixlen?: number }[],
  );
  return infos.map(({ local = '', prefixlen = 0 }) => `${local}/${String(prefixlen)}`);
}

/** The two are ends of one cable: each names the other's index. */
export async function areEnds(
  host: LabHost,
  [one, oneNetns]: readonly [string, string?],
  [other, otherNetns]: readonly [string, string?],
): Promise<boolean> {
  const first = await linkOf(host, one, oneNetns);
  const second = await linkOf(host, other, otherNetns);
  if (first?.linkinfo?.info_kind !== 'veth' || second?.linkinfo?.info_kind !== 'veth') return false;
  return (
    (await peerIndex(host, one, oneNetns)) === second.ifindex &&
    (await peerIndex(host, other, otherNetns)) === first.ifindex
  );
}

async function peerIndex(host: LabHost, name: string, netns?: string): Promise<number | undefined> {
  const { stdout } = await host.run(['ip', '-o', 'link', 'show', name], netns === undefined ? {} : { netns });
  // `7: veth-red@if6:` names an index of elsewhere, `7: veth-red@veth-blue:` a link of here.
  const peer = /^\d+: [^@]+@([^:]+):/.exec(stdout)?.[1];
  if (peer === undefined) return undefined;
  const index = /^if(\d+)$/.exec(peer)?.[1];
  return index === undefined ? (await linkOf(host, peer, netns))?.ifindex : Number(index);
}

/** The hardware address of an IP address in the neighbour table of a namespace. */
export async function neighbourOf(
  host: LabHost,
  address: string,
  netns?: string,
): Promise<string | undefined> {
  const found = await host.ip(['neigh', 'show', 'to', address, 'nud', 'all'], netns);
  const lladdr = found.map((entry) => entry['lladdr']).find((value) => typeof value === 'string');
  return lladdr;
}

export async function sysctl(host: LabHost, name: string, netns?: string): Promise<string> {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  return (await host.run(['cat', path], netns === undefined ? {} : { netns })).stdout.trim();
}

/** The default route goes through this gateway, and the kernel uses it. */
export async function defaultRouteVia(host: LabHost, gateway: string, netns?: string): Promise<boolean> {
  const routes = await host.ip(['route', 'show', 'default'], netns);
  if (!routes.some((route) => route['gateway'] === gateway)) return false;
  for (const address of ['198.51.100.7', '192.0.2.99']) {
    const [taken] = await host.ip(['route', 'get', address], netns);
    if (taken?.['gateway'] !== gateway) return false;
  }
  return true;
}
