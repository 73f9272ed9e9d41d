/**
 * Links, addresses and routes of a network namespace, with the keys of `ip -j` (its man page does not list them; see
 * iproute2's ipaddress.c and iproute.c). No other module reads ip's output.
 */
import { readFileSync } from 'node:fs';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { lookAtJson, lookAtJsonLines } from './look.ts';

export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  /** 'UP': it is switched on. 'LOWER_UP': the other end is on as well. */
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
    readonly info_slave_data?: {
      readonly isolated?: boolean;
      readonly state?: string;
      readonly learning?: boolean;
      readonly flood?: boolean;
      readonly bcast_flood?: boolean;
      readonly locked?: boolean;
      readonly hairpin?: boolean;
    };
  };
  /** A veth's peer: an index if it is in another namespace, whose local number is link_netnsid. */
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
  /** Another machine has it (duplicate address detection of IPv6): the kernel does not use it. */
  readonly dadfailed?: boolean;
  /** Not used yet: the kernel still asks whether another machine has it. */
  readonly tentative?: boolean;
}

export interface IpRoute {
  /** '172.17.0.0/16', '192.0.2.7', 'default'. */
  readonly dst: string;
  readonly gateway?: string;
  /** Absent for routes of the types 'unreachable' and 'blackhole'. */
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly type?: string;
  /** 'kernel' for the route of an address. */
  readonly protocol?: string;
  readonly metric?: number;
  /** Of `table all`; absent for the main table. */
  readonly table?: string;
}

/** A line of `ip rule`: a lookup in a table, or an action. */
export interface IpRule {
  readonly priority: number;
  /** 'all', or an address; `dstlen` is absent for 32. */
  readonly src: string;
  readonly srclen?: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly iif?: string;
  /** 'tcp' */
  readonly ipproto?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly table?: string;
  /** '0x5'. */
  readonly fwmark?: string;
  /** There in a rule about what does not meet it. */
  readonly not?: null;
  /** Routes of a prefix of that length or a shorter one do not count. */
  readonly suppress_prefixlen?: number;
  /** 'prohibit', 'unreachable', 'blackhole'. */
  readonly action?: string;
}

export type RouteTo = IpRoute & { readonly dev: string };

/** The argv in front of a command in a namespace; empty for our own. */
export type Enter = readonly string[];

export const entering = (netns: string): Enter => ['nsenter', `--net=${netns}`, '--'];
export const inside = (enter: Enter, argv: Argv): Argv => [...enter, ...argv] as unknown as Argv;

export async function readLinks(enter: Enter = []): Promise<readonly IpLink[]> {
  const argv = inside(enter, ['ip', '-j', '-d', 'address', 'show']);
  const links = await lookAtJson<readonly Partial<IpLink>[]>(argv, []);
  // Some versions of ip print an empty object for a skipped interface.
  return links.filter((link): link is IpLink => link.ifindex !== undefined);
}

/** @param which words after `ip route show`: 'default', or 'table', 'all' */
export const readRoutes = (enter: Enter, ...which: readonly string[]): Promise<readonly IpRoute[]> =>
  lookAtJson<readonly IpRoute[]>(inside(enter, ['ip', '-j', 'route', 'show', ...which]), []);

/** An entry of a bridge's forwarding table (bridge(8)). */
export interface FdbEntry {
  readonly mac: string;
  /** The port, or the bridge itself. */
  readonly ifname: string;
  readonly master?: string;
  /** 'static', 'permanent'; '' for what the bridge has learned. */
  readonly state?: string;
}

export const readForwardingTable = (enter: Enter = []): Promise<readonly FdbEntry[]> =>
  lookAtJson<readonly FdbEntry[]>(inside(enter, ['bridge', '-j', 'fdb', 'show']), []);

/** What one `ip` answers to several questions, its own words. Each question that fails alone has no rows. */
export async function askIp<T extends readonly (readonly unknown[])[]>(
  enter: Enter,
  family: 4 | 6,
  questions: readonly string[],
): Promise<Partial<T>> {
  const ip = ['ip', `-${family}`, '-j'] as const;
  const lines = await lookAtJsonLines(inside(enter, [...ip, '-batch', '-']), `${questions.join('\n')}\n`);
  const rows = (lines ?? []).filter((line): line is readonly unknown[] => Array.isArray(line));
  if (rows.length === questions.length && lines?.length === rows.length) return rows as unknown as Partial<T>;
  const alone = await Promise.all(
    questions.map((words) => lookAtJson<readonly unknown[]>(inside(enter, [...ip, ...words.split(' ')]), [])),
  );
  return alone as unknown as Partial<T>;
}

/**
 * The kernel's route to an address; undefined without one.
 *
 * @param from of whose packets: 'from', 'ADDRESS', 'iif', 'INTERFACE'
 */
export async function readRouteTo(
  enter: Enter,
  address: string,
  ...from: readonly string[]
): Promise<RouteTo | undefined> {
  const argv = inside(enter, ['ip', '-j', 'route', 'get', address, ...from]);
  return (await lookAtJson<readonly RouteTo[]>(argv, []))[0];
}

/** 'bridge', 'veth', 'vlan' …; 'loopback'; 'device' for hardware. */
export const kindOf = ({ linkinfo, link_type }: IpLink): string =>
  linkinfo?.info_kind ?? (link_type === 'loopback' ? 'loopback' : 'device');

export const ipv4AddressesOf = ({ addr_info }: IpLink): readonly IpAddress[] =>
  addr_info.filter(({ family }) => family === 'inet');

/** Whether this host forwards. */
export const isForwarding = (): boolean => readForwarding(FORWARDING[4]);

/** The settings about it, of each family. */
export const FORWARDING = {
  4: '/proc/sys/net/ipv4/ip_forward',
  6: '/proc/sys/net/ipv6/conf/all/forwarding',
} as const;

export function readForwarding(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1';
  } catch {
    return false; // A kernel without IPv6.
  }
}
