/**
 * The host as it is at one moment, from the kernel, and beside it what minidock has noted: links, addresses and routes
 * of iproute2, networks, containers, and which of them somebody is in charge of. Taken once; the examinations compare.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listForeignFirewalls, type ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import { netnsName } from '../../../runtime/network/names.ts';
import { containerOf } from '../../../runtime/network/port-holder.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../../../runtime/network/types.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { tryLock } from '../lock.ts';
import { listNetworks } from '../networks.ts';
import { containerLock, containersDir, leasesDir, type Paths } from '../paths.ts';
import { isSameProcess } from '../process-identity.ts';
import type { Container, ContainerStore } from '../store.ts';

export interface Link {
  readonly ifname: string;
  /** The bridge it is a port of. */
  readonly master?: string;
  /** 'UP' among others. */
  readonly flags: readonly string[];
  /** 'bridge', 'veth', 'tun', 'wireguard'; undefined for a network card. */
  readonly kind?: string;
}

export interface Address {
  readonly ifname: string;
  readonly local: string;
  readonly prefixlen: number;
}

export interface Route {
  /** '172.17.0.0/16', '192.0.2.7', 'default'. */
  readonly dst: string;
  readonly dev?: string;
  readonly type?: string;
}

export interface View {
  readonly store: ContainerStore;
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly networks: readonly BridgeNetwork[];
  /** Of this root, those that run. */
  readonly running: readonly Container[];
  readonly foreign: readonly ForeignFirewall[];
  /** Ids that somebody is in charge of: a shim, of this root or another, or a command that holds the lock. */
  readonly alive: ReadonlySet<string>;
  /** Which container leases an address. */
  readonly leases: ReadonlyMap<string, string>;
}

export async function takeView(store: ContainerStore): Promise<View> {
  const { paths } = store;
  const [links, addresses, routes, foreign] = await Promise.all([
    readLinks(),
    readAddresses(),
    readIp<Route>(['-4', 'route', 'show', 'table', 'all']),
    listForeignFirewalls(),
  ]);
  const containers = store.list();
  const running = containers.filter(
    ({ state }) => state.status === 'running' && isSameProcess(state.shimPid, state.shimStartTime),
  );
  const alive = new Set([...shims(), ...running.map(({ config }) => config.id), ...held(store)]);
  return {
    store,
    links,
    addresses,
    routes,
    networks: listNetworks(paths),
    running,
    foreign,
    alive,
    leases: readLeases(paths),
  };
}

/** undefined for a container that is on no bridge. */
export function endpointOf({ config, state }: Container): BridgeEndpoint | undefined {
  const { network } = state;
  if (network?.network === undefined) return undefined;
  return {
    containerId: config.id,
    netns: netnsName(config.id),
    network: network.network,
    address: network.address,
    macAddress: network.macAddress,
    hostVeth: network.hostVeth,
    ports: network.ports,
    firewall: config.spec.network.firewall,
  };
}

/** Whether a name of the kernel's, made from the first digits of an id, belongs to one that is alive. */
export const isAlive = ({ alive }: View, digits: string): boolean =>
  [...alive].some((id) => id.startsWith(digits));

export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // Not there, or gone meanwhile: nothing is in it.
  }
}

interface IpLink {
  readonly ifname: string;
  readonly master?: string;
  readonly flags: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string };
}

export async function readLinks(): Promise<readonly Link[]> {
  const links = await readIp<IpLink>(['-d', 'link', 'show']);
  return links.map(({ ifname, master, flags, linkinfo }) => ({
    ifname,
    flags,
    ...(master === undefined ? {} : { master }),
    ...(linkinfo?.info_kind === undefined ? {} : { kind: linkinfo.info_kind }),
  }));
}

async function readAddresses(): Promise<readonly Address[]> {
  const links = await readIp<{ ifname: string; addr_info: readonly Omit<Address, 'ifname'>[] }>([
    '-4',
    'address',
    'show',
  ]);
  return links.flatMap(({ ifname, addr_info }) =>
    addr_info.map(({ local, prefixlen }) => ({ ifname, local, prefixlen })),
  );
}

async function readIp<T>(words: readonly string[]): Promise<readonly T[]> {
  const { exitCode, stdout } = await readProgram(['ip', '-j', ...words]);
  if (exitCode !== 0 || stdout.trim() === '') return [];
  // An interface without addresses is an empty object, by some versions of ip.
  return (JSON.parse(stdout) as readonly T[]).filter((item) => Object.keys(item as object).length > 0);
}

/** A shim, awake or asleep, has its container's id on its command line. */
function shims(): readonly string[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return containerOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? [];
      } catch {
        return []; // It has ended since.
      }
    });
}

/** A lock that cannot be had is somebody's who makes, starts or removes the container just now. */
function held({ paths }: ContainerStore): readonly string[] {
  return namesIn(containersDir(paths)).filter((id) => {
    const path = containerLock(paths, id);
    if (!/^[0-9a-f]{64}$/.test(id) || !existsSync(path)) return false;
    const lock = tryLock(path);
    lock?.release();
    return lock === undefined;
  });
}

function readLeases(paths: Paths): ReadonlyMap<string, string> {
  const dir = leasesDir(paths);
  const leases = new Map<string, string>();
  for (const network of namesIn(dir)) {
    for (const address of namesIn(join(dir, network))) {
      try {
        leases.set(address, readFileSync(join(dir, network, address), 'utf8').trim());
      } catch {
        // Given back since.
      }
    }
  }
  return leases;
}
