/**
 * What a container's networks need before a plan can be made: the definition of each bridge network (networks.ts), a
 * lease of an address in it, host ports that are really free and stay reserved. release-network.ts releases all of
 * it; after a killed shim the clean-up does: leases carry their owner's id.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { readForeignFirewalls, type ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import {
  acquireAddress,
  leaseOf,
  releaseAddress,
  releaseAddresses,
  restoreAddress,
} from '../../../runtime/network/ipam.ts';
import { acquireAddress6 } from '../../../runtime/network/ipv6/ipam.ts';
import { hostVethName, netnsName } from '../../../runtime/network/names.ts';
import { reservePorts, type HeldPort, type PortReservation } from '../../../runtime/network/ports.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../../../runtime/network/types.ts';
import { lastCable, replaceCable } from './address-notes.ts';
import {
  hasProgram,
  isBridged,
  type ContainerConfig,
  type EndpointSpec,
  type NetworkState,
} from '../spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs, endpointStates } from '../spec/endpoints.ts';
import { portsAt } from '../spec/published-ports.ts';
import { missingFile, tellDamage } from '../state/damage.ts';
import { lockNetworks, networkOf } from '../state/networks.ts';
import { namesDirectory } from '../dns/names.ts';
import { leasesDir, type Paths } from '../state/paths.ts';
import { isSameProcess } from '../state/process-identity.ts';
import type { Attachment } from './attachment.ts';
import { detached, inGatewayOrder, networkState, toEndpoints, type Leased } from './make-endpoints.ts';
import { refuseMissingFamily } from './missing-family.ts';
import { withRelays } from './relayed-ports.ts';
import { warnOfForeign } from './foreign-warnings.ts';
import type { ContainerStore } from '../state/store.ts';

export interface AcquiredNetwork {
  readonly attachment: Attachment;
  readonly state: NetworkState;
  /** A warning: another firewall drops forwarded packets. */
  readonly warnings: readonly string[];
  readonly ports: readonly HeldPort[];
  /** Lines of /etc/hosts about linked containers. */
  readonly links?: readonly string[];
}

export async function acquireNetwork(
  store: ContainerStore,
  config: ContainerConfig,
): Promise<AcquiredNetwork> {
  const { network } = config.spec;
  const netns = netnsName(config.id);
  if (endpointSpecs(network).length > 0) return acquireBridges(store, config);
  // Or it has been disconnected from all of its networks.
  if (network.mode === 'none' || isBridged(network.mode)) {
    return {
      attachment: { kind: 'none', netns },
      state: detached(netns),
      warnings: [],
      ports: [],
    };
  }
  const shared = network.mode === 'host' ? undefined : sharedNetns(store, network.mode);
  return {
    attachment: { kind: 'shared', netnsPath: shared },
    state: detached(shared === undefined ? '' : (shared.split('/').at(-1) ?? '')),
    warnings: [],
    ports: [],
  };
}

async function acquireBridges(store: ContainerStore, config: ContainerConfig): Promise<AcquiredNetwork> {
  const { paths } = store;
  const leases = leasesDir(paths);
  const links = await linkedHosts(store, config);
  let leased: readonly Leased[] = [];
  let reservation: PortReservation;
  try {
    leased = endpointSpecs(config.spec.network).map((spec) => leaseIn(store, config.id, spec));
    const [out] = inGatewayOrder(leased);
    reservation = reservePorts(portsAt(config.spec.network.ports, out?.network));
  } catch (error) {
    releaseAddresses(leases, config.id);
    throw error;
  }
  const [endpoint, ...more] = toEndpoints(config, leased, reservation.bindings);
  const all = [endpoint, ...more] as const;
  for (const each of all) await replaceCable(paths, each);
  const foreign = await foreignFor(all);
  return {
    attachment: { kind: 'bridge', endpoint, foreign, more, names: namesOf(paths, all) },
    warnings: all.flatMap(({ firewall, network }) => warnOfForeign(foreign, firewall, network)),
    state: networkState(all, reservation.bindings),
    ports: withRelays(reservation.held, reservation.bindings, endpoint),
    links,
  };
}

/** Docker looks up no names on the default network. */
export const namesOf = (
  paths: Paths,
  endpoints: readonly Pick<BridgeEndpoint, 'network'>[],
): readonly string[] =>
  endpoints
    .filter(({ network }) => network.name !== DEFAULT_NETWORK)
    .map(({ network }) => namesDirectory(paths, network.id));

/** For /etc/hosts. Loaded for who has links, which few have. */
export async function linkedHosts(
  store: ContainerStore,
  config: ContainerConfig,
): Promise<readonly string[]> {
  const linked = endpointSpecs(config.spec.network).some(({ links = [] }) => links.length > 0);
  return linked ? (await import('./links.ts')).linkLines(store, config) : [];
}

/** Each bridge that is new to this host is a reason to look. */
export async function foreignFor(endpoints: readonly BridgeEndpoint[]): Promise<readonly ForeignFirewall[]> {
  const found: ForeignFirewall[] = [];
  for (const { network } of endpoints) {
    if (found.length === 0) found.push(...(await readForeignFirewalls(network.bridge)));
  }
  return found;
}

/**
 * Whether a container that runs has the address, whose lease is lost: its cable is still plugged in, and its shim
 * alive. Then restore the lease.
 */
function restoreLostLease(store: ContainerStore, network: BridgeNetwork, address: string): boolean {
  const { paths } = store;
  const cable = lastCable(paths, network.id, address);
  if (cable === undefined || !existsSync(`/proc/sys/net/ipv4/conf/${cable}`)) return false;
  const owner = store.ids().find((id) => hostVethName(id, cable.slice(-4)) === cable);
  if (owner === undefined || leaseOf(leasesDir(paths), network.id, address) !== undefined) return false;
  // One that has just ended gives the address back, and its cable goes a moment later.
  const { pid, pidStartTime, network: held } = store.readState(owner);
  const holds = endpointStates(held).some(
    (one) => one.network.id === network.id && [one.address, one.address6].includes(address),
  );
  if (!holds || !isSameProcess(pid, pidStartTime)) return false;
  tellDamage(missingFile(join(leasesDir(paths), network.id, address)), 'minidock has created it again.');
  restoreAddress(leasesDir(paths), network.id, address, owner);
  if (isSameProcess(pid, pidStartTime)) return true;
  releaseAddress(leasesDir(paths), network.id, address, owner);
  return false;
}

/** A network of the user's may be removed at any time: so not between it being read and the lease that keeps it. */
export function leaseIn(store: ContainerStore, id: string, spec: EndpointSpec): Leased {
  const { paths } = store;
  const lock = spec.network === DEFAULT_NETWORK ? undefined : lockNetworks(paths);
  try {
    const network = networkOf(paths, spec.network);
    const isUsed = (address: string): boolean => restoreLostLease(store, network, address);
    refuseMissingFamily(network, spec);
    const address =
      network.subnet === '' ? '' : acquireAddress(leasesDir(paths), network, id, spec.ip, isUsed);
    if (network.ipv6 === undefined) return { spec, network, address };
    try {
      const address6 = acquireAddress6(leasesDir(paths), network, id, spec.ip6, isUsed);
      return { spec, network, address, address6 };
    } catch (error) {
      if (address !== '') releaseAddress(leasesDir(paths), network.id, address, id);
      throw error;
    }
  } finally {
    lock?.release();
  }
}

/** The other container's namespace; undefined if that one uses the host's. */
function sharedNetns(store: ContainerStore, mode: string): string | undefined {
  const other = store.find(mode.slice('container:'.length));
  if (!hasProgram(other.state)) {
    throw new MinidockError({
      code: 'NETWORK_CONTAINER_NOT_RUNNING',
      message: `cannot join network of a non running container: ${other.config.id}`,
      hint: `Start it first: minidock start ${other.config.name}`,
    });
  }
  const netns = other.state.network?.netns ?? '';
  return netns === '' ? undefined : `/run/netns/${netns}`;
}
