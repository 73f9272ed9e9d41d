/**
 * What a container's network needs before a plan can be made: the bridge network's definition
 * (networks.ts), an address lease, host ports that are really free and stay reserved. All of it is given back by
 * release-network.ts, and by whoever cleans up after a shim that was killed: leases carry their owner's id.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { readForeignFirewalls } from '../../../runtime/network/firewall/foreign.ts';
import {
  acquireAddress,
  leaseOf,
  peekAddress,
  releaseAddress,
  releaseAddresses,
  restoreAddress,
} from '../../../runtime/network/ipam.ts';
import { hasIpv6 } from '../../../runtime/network/ipv6.ts';
import { macFromAddress } from '../../../runtime/network/mac.ts';
import { hostVethName, netnsName } from '../../../runtime/network/names.ts';
import {
  releasePorts,
  reservePorts,
  type HeldPort,
  type PortReservation,
} from '../../../runtime/network/ports.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import { lastCable, replaceCable } from './address-notes.ts';
import { isBridged, type ContainerConfig, type NetworkState } from '../spec/container.ts';
import { missingFile, tellDamage } from '../state/damage.ts';
import { randomHex } from '../spec/ids.ts';
import { lockNetworks, networkOf, previewDefinition } from '../state/networks.ts';
import { leasesDir } from '../state/paths.ts';
import { isSameProcess } from '../state/process-identity.ts';
import type { Attachment } from './attachment.ts';
import { warnOfForeign } from './foreign-warnings.ts';
import type { ContainerStore } from '../state/store.ts';

export interface AcquiredNetwork {
  readonly attachment: Attachment;
  readonly state: NetworkState;
  /** What the user should know although it works: another firewall drops what is forwarded. */
  readonly warnings: readonly string[];
  readonly ports: readonly HeldPort[];
}

export async function acquireNetwork(
  store: ContainerStore,
  config: ContainerConfig,
): Promise<AcquiredNetwork> {
  const { network } = config.spec;
  const netns = netnsName(config.id);
  if (isBridged(network.mode)) return acquireBridge(store, config);
  if (network.mode === 'none') {
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

/** What acquireNetwork would give now, or what it would throw, keeping nothing: for --dry-run. `address`: to be taken for free. */
export async function previewNetwork(
  store: ContainerStore,
  config: ContainerConfig,
  ports: readonly PortBinding[] = config.spec.network.ports,
  address?: string,
): Promise<Attachment> {
  if (!isBridged(config.spec.network.mode)) return (await acquireNetwork(store, config)).attachment;
  const network = previewDefinition(store.paths, config.spec.network.mode);
  const free = address ?? peekAddress(leasesDir(store.paths), network, config.spec.network.ip);
  const foreign = await readForeignFirewalls(network.bridge);
  return {
    kind: 'bridge',
    endpoint: toEndpoint(config, network, free, ports),
    foreign,
  };
}

/**
 * Its host ports as they would be now, held for no longer than it takes to know; as asked for where there are none to
 * have, with what reservePorts throws then.
 */
export function peekPorts({ spec: { network } }: ContainerConfig): {
  readonly ports: readonly PortBinding[];
  readonly refusal?: MinidockError;
} {
  if (!isBridged(network.mode)) return { ports: [] };
  try {
    const { bindings, held } = reservePorts(network.ports);
    releasePorts(held);
    return { ports: bindings };
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    return { ports: network.ports, refusal: error };
  }
}

async function acquireBridge(store: ContainerStore, config: ContainerConfig): Promise<AcquiredNetwork> {
  const { paths } = store;
  const leases = leasesDir(paths);
  const { network, address } = leaseIn(store, config);
  let reservation: PortReservation;
  try {
    reservation = reservePorts(config.spec.network.ports);
  } catch (error) {
    releaseAddresses(leases, config.id);
    throw error;
  }
  const endpoint = toEndpoint(config, network, address, reservation.bindings);
  await replaceCable(paths, endpoint);
  const foreign = await readForeignFirewalls(network.bridge);
  return {
    attachment: { kind: 'bridge', endpoint, foreign },
    warnings: warnOfForeign(foreign, endpoint.firewall, network.bridge),
    state: {
      network,
      netns: endpoint.netns,
      address,
      macAddress: endpoint.macAddress,
      hostVeth: endpoint.hostVeth,
      ports: endpoint.ports,
    },
    ports: reservation.held,
  };
}

/**
 * Whether a container that runs has the address, whose lease is lost: its cable is still plugged in, and its shim alive.
 * The lease is made anew then.
 */
function restoreLostLease(store: ContainerStore, network: BridgeNetwork, address: string): boolean {
  const { paths } = store;
  const cable = lastCable(paths, network.id, address);
  if (cable === undefined || !existsSync(`/proc/sys/net/ipv4/conf/${cable}`)) return false;
  const owner = store.ids().find((id) => hostVethName(id, cable.slice(-4)) === cable);
  if (owner === undefined || leaseOf(leasesDir(paths), network.id, address) !== undefined) return false;
  // One that has just ended gives the address back, and its cable goes a moment later.
  const { pid, pidStartTime, network: held } = store.readState(owner);
  if (held?.address !== address || !isSameProcess(pid, pidStartTime)) return false;
  tellDamage(missingFile(join(leasesDir(paths), network.id, address)), 'It has been made anew.');
  restoreAddress(leasesDir(paths), network.id, address, owner);
  if (isSameProcess(pid, pidStartTime)) return true;
  releaseAddress(leasesDir(paths), network.id, address, owner);
  return false;
}

/** A network of the user's may be removed at any time: so not between it being read and the lease that keeps it. */
function leaseIn(
  store: ContainerStore,
  { id, spec }: ContainerConfig,
): { network: BridgeNetwork; address: string } {
  const { paths } = store;
  const { mode, ip } = spec.network;
  const lock = mode === 'bridge' ? undefined : lockNetworks(paths);
  try {
    const network = networkOf(paths, mode);
    const isUsed = (address: string): boolean => restoreLostLease(store, network, address);
    return {
      network,
      address: acquireAddress(leasesDir(paths), network, id, ip === '' ? undefined : ip, isUsed),
    };
  } finally {
    lock?.release();
  }
}

function toEndpoint(
  config: ContainerConfig,
  network: BridgeNetwork,
  address: string,
  ports: readonly PortBinding[],
): BridgeEndpoint {
  return {
    containerId: config.id,
    netns: netnsName(config.id),
    network,
    address,
    macAddress: config.spec.network.macAddress || macFromAddress(address),
    hostVeth: hostVethName(config.id, randomHex(2)),
    ports,
    firewall: config.spec.network.firewall,
    ipv6: hasIpv6(),
  };
}

function detached(netns: string): NetworkState {
  return { network: undefined, netns, address: '', macAddress: '', hostVeth: '', ports: [] };
}

/** The other container's namespace; undefined if that one uses the host's. */
function sharedNetns(store: ContainerStore, mode: string): string | undefined {
  const other = store.find(mode.slice('container:'.length));
  if (other.state.status !== 'running') {
    throw new MinidockError({
      code: 'NETWORK_CONTAINER_NOT_RUNNING',
      message: `cannot join network of a non running container: ${other.config.id}`,
      hint: `Start it first: minidock start ${other.config.name}`,
    });
  }
  const netns = other.state.network?.netns ?? '';
  return netns === '' ? undefined : `/run/netns/${netns}`;
}
