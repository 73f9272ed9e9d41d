/**
 * A snapshot of the host: links, addresses and routes from the kernel; networks, containers and their owners from
 * minidock's records. Taken once; the examinations compare the two.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listForeignFirewalls, type ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import { containerOf } from '../../../runtime/network/port-holder.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../../../runtime/network/types.ts';
import { isShimOf } from '../../../runtime/process/shim-identity.ts';
import { readLinks, readRoutes, type IpLink, type IpRoute } from '../host/ip.ts';
import { readOwnTable, type NftEntry } from '../host/published.ts';
import { commandLineOf, processIds } from '../host/processes.ts';
import { bridgeEndpoints } from '../../engine/network/bridge-endpoints.ts';
import { tryLock } from '../../engine/state/lock.ts';
import { listNetworks } from '../../engine/state/networks.ts';
import { containerLock, containersDir, leasesDir, type Paths } from '../../engine/state/paths.ts';
import { isSameProcess } from '../../engine/state/process-identity.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { isActive } from '../../engine/spec/container.ts';

export interface View {
  readonly store: ContainerStore;
  readonly links: readonly IpLink[];
  /** Of every table. */
  readonly routes: readonly IpRoute[];
  /** minidock's own, of nftables. */
  readonly table: readonly NftEntry[];
  readonly networks: readonly BridgeNetwork[];
  /** Of this root. */
  readonly containers: readonly Container[];
  /** The running containers of this root. */
  readonly running: readonly Container[];
  readonly foreign: readonly ForeignFirewall[];
  /** Ids with an owner: a shim, of this root or another, or a command that holds the lock. */
  readonly alive: ReadonlySet<string>;
  /** Which container leases an address. */
  readonly leases: ReadonlyMap<string, string>;
}

export async function takeView(store: ContainerStore): Promise<View> {
  const { paths } = store;
  const [links, routes, table, foreign] = await Promise.all([
    readLinks(),
    readRoutes([], 'table', 'all'),
    readOwnTable(),
    listForeignFirewalls(),
  ]);
  const containers = store.list();
  const running = containers.filter(
    ({ state }) => isActive(state) && isSameProcess(state.shimPid, state.shimStartTime),
  );
  const alive = new Set([...shims(), ...running.map(({ config }) => config.id), ...held(store)]);
  return {
    store,
    links,
    routes,
    table,
    networks: listNetworks(paths),
    containers,
    running,
    foreign,
    alive,
    leases: readLeases(paths),
  };
}

/** None for a container that is on no bridge. */
export const endpointsOf = ({ config, state }: Container): readonly BridgeEndpoint[] =>
  bridgeEndpoints(config, state.network);

/** Whether a name in the kernel, made from the first digits of an id, belongs to a live container. */
export const isAlive = ({ alive }: View, digits: string): boolean =>
  [...alive].some((id) => id.startsWith(digits));

export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // Missing, or gone meanwhile: it is empty.
  }
}

/** A shim, awake or asleep, has its container's id on its command line, where anybody may write one. */
const shims = (): readonly string[] =>
  processIds().flatMap((pid) => {
    const id = containerOf(commandLineOf(pid));
    return id !== undefined && isShimOf(pid, id) ? [id] : [];
  });

/** A command that creates, starts or removes the container holds the lock. */
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
