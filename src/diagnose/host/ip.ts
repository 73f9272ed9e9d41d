/**
 * Links, addresses and routes of a network namespace, in the words of `ip -j` (its man page has no list of them; the
 * source is iproute2's ipaddress.c and iproute.c). Whoever wants to know does not run ip otherwise.
 */
import { readFileSync } from 'node:fs';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { lookAtJson } from './look.ts';

export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  /** 'UP': somebody has switched it on. 'LOWER_UP': the other end is on as well. */
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly operstate: string;
  /** Name of the bridge (bond, VRF) it is a port of. */
  readonly master?: string;
  /** The MAC address. */
  readonly address?: string;
  readonly link_type: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    /** Of a port of a bridge. */
    readonly info_slave_data?: { readonly isolated?: boolean; readonly state?: string };
  };
  /** A veth's other end: by index where it is in another namespace, which this one knows by link_netnsid. */
  readonly link?: string;
  readonly link_index?: number;
  readonly link_netnsid?: number;
  readonly addr_info: readonly IpAddress[];
}

export interface IpAddress {
  readonly family: string;
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
}

export interface IpRoute {
  /** '172.17.0.0/16', '192.0.2.7', 'default'. */
  readonly dst: string;
  readonly gateway?: string;
  /** Absent where nothing is sent: a route of the types 'unreachable' or 'blackhole'. */
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly type?: string;
  /** Who made it: 'kernel' for the one that comes with an address. */
  readonly protocol?: string;
}

export type RouteTo = IpRoute & { readonly dev: string };

/** Words in front of a command that is to run in a namespace; none for the one this process is in. */
export type Enter = readonly string[];

export const entering = (netns: string): Enter => ['nsenter', `--net=${netns}`, '--'];
export const inside = (enter: Enter, argv: Argv): Argv => [...enter, ...argv] as unknown as Argv;

export async function readLinks(enter: Enter = []): Promise<readonly IpLink[]> {
  const argv = inside(enter, ['ip', '-j', '-d', 'address', 'show']);
  const links = await lookAtJson<readonly Partial<IpLink>[]>(argv, []);
  // An interface that is left out is an empty object, by some versions of ip.
  return links.filter((link): link is IpLink => link.ifindex !== undefined);
}

/** @param which words after `ip route show`: 'default', or 'table', 'all' */
export const readRoutes = (enter: Enter, ...which: readonly string[]): Promise<readonly IpRoute[]> =>
  lookAtJson<readonly IpRoute[]>(inside(enter, ['ip', '-j', 'route', 'show', ...which]), []);

/** The route that the kernel takes to an address; undefined where it takes none. */
export async function readRouteTo(enter: Enter, address: string): Promise<RouteTo | undefined> {
  const argv = inside(enter, ['ip', '-j', 'route', 'get', address]);
  return (await lookAtJson<readonly RouteTo[]>(argv, []))[0];
}

/** 'bridge', 'veth', 'vlan' …; 'loopback'; 'device' for what has hardware behind it. */
export const kindOf = ({ linkinfo, link_type }: IpLink): string =>
  linkinfo?.info_kind ?? (link_type === 'loopback' ? 'loopback' : 'device');

export const ipv4AddressesOf = ({ addr_info }: IpLink): readonly IpAddress[] =>
  addr_info.filter(({ family }) => family === 'inet');

/** Whether this host passes on what is not for itself. */
export const isForwarding = (): boolean =>
  readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1';
