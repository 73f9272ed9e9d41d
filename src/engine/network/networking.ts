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
  peekAddress,
  releaseAddress,
  releaseAddresses,
  restoreAddress,
} from '../../../runtime/network/ipam.ts';
import { hasIpv6 } from '../../../runtime/network/ipv6.ts';
import { macFromAddress } from '../../../runtime/network/mac.ts';
import { CONTAINER_INTERFACE, hostVethName, interfaceAt, netnsName } from '../../../runtime/network/names.ts';
import {
  releasePorts,
  reservePorts,
  type HeldPort,
  type PortReservation,
} from '../../../runtime/network/ports.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import { lastCable, replaceCable } from './address-notes.ts';
import {
  hasProgram,
  isBridged,
  type ContainerConfig,
  type EndpointSpec,
  type EndpointState,
  type NetworkState,
} from '../spec/container.ts';
import { byGateway, DEFAULT_NETWORK, endpointSpecs } from '../spec/endpoints.ts';
import { missingFile, tellDamage } from '../state/damage.ts';
import { randomHex } from '../spec/ids.ts';
import { lockNetworks, networkOf, previewDefinition } from '../state/networks.ts';
import { namesDirectory } from '../dns/names.ts';
import { leasesDir, type Paths } from '../state/paths.ts';
import { isSameProcess } from '../state/process-identity.ts';
import type { Attachment } from './attachment.ts';
import { warnOfForeign } from './foreign-warnings.ts';
import type { ContainerStore } from '../state/store.ts';

export interface AcquiredNetwork {
  readonly attachment: Attachment;
  readonly state: NetworkState;
  /** A warning: another firewall drops forwarded packets. */
  readonly warnings: readonly string[];
  readonly ports: readonly HeldPort[];
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

/** What acquireNetwork would give now, or what it would throw, keeping nothing: for --dry-run. `taken`: addresses asked for count as free. */
export async function previewNetwork(
  store: ContainerStore,
  config: ContainerConfig,
  ports: readonly PortBinding[] = config.spec.network.ports,
  taken = false,
): Promise<Attachment> {
  const specs = endpointSpecs(config.spec.network);
  if (specs.length === 0) return (await acquireNetwork(store, config)).attachment;
  const leased = specs.map((spec): Leased => {
    const network = previewDefinition(store.paths, spec.network);
    const { ip = '' } = spec;
    return {
      spec,
      network,
      address: taken && ip !== '' ? ip : peekAddress(leasesDir(store.paths), network, ip),
    };
  });
  const [endpoint, ...more] = toEndpoints(config, leased, ports);
  const all = [endpoint, ...more];
  return { kind: 'bridge', endpoint, more, foreign: await foreignFor(all), names: namesOf(store.paths, all) };
}

/**
 * Reserves its host ports for a moment to learn them; on failure returns the requested ports and the error of
 * reservePorts.
 */
export function peekPorts({ spec: { network } }: ContainerConfig): {
  readonly ports: readonly PortBinding[];
  readonly refusal?: MinidockError;
} {
  if (endpointSpecs(network).length === 0) return { ports: [] };
  try {
    const { bindings, held } = reservePorts(network.ports);
    releasePorts(held);
    return { ports: bindings };
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    return { ports: network.ports, refusal: error };
  }
}

async function acquireBridges(store: ContainerStore, config: ContainerConfig): Promise<AcquiredNetwork> {
  const { paths } = store;
  const leases = leasesDir(paths);
  let leased: readonly Leased[] = [];
  let reservation: PortReservation;
  try {
    leased = endpointSpecs(config.spec.network).map((spec) => leaseIn(store, config.id, spec));
    reservation = reservePorts(config.spec.network.ports);
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
    warnings: all.flatMap(({ firewall, network }) => warnOfForeign(foreign, firewall, network.bridge)),
    state: networkState(all, reservation.bindings),
    ports: reservation.held,
  };
}

/** Docker looks up no names on the default network. */
const namesOf = (paths: Paths, endpoints: readonly BridgeEndpoint[]): readonly string[] =>
  endpoints
    .filter(({ network }) => network.name !== DEFAULT_NETWORK)
    .map(({ network }) => namesDirectory(paths, network.id));

/** Each bridge that is new to this host is a reason to look. */
async function foreignFor(endpoints: readonly BridgeEndpoint[]): Promise<readonly ForeignFirewall[]> {
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
  if (held?.address !== address || !isSameProcess(pid, pidStartTime)) return false;
  tellDamage(missingFile(join(leasesDir(paths), network.id, address)), 'minidock has created it again.');
  restoreAddress(leasesDir(paths), network.id, address, owner);
  if (isSameProcess(pid, pidStartTime)) return true;
  releaseAddress(leasesDir(paths), network.id, address, owner);
  return false;
}

/** A network that a container is about to be attached to, with its address there. */
export interface Leased {
  readonly spec: EndpointSpec;
  readonly network: BridgeNetwork;
  readonly address: string;
}

/** A network of the user's may be removed at any time: so not between it being read and the lease that keeps it. */
export function leaseIn(store: ContainerStore, id: string, spec: EndpointSpec): Leased {
  const { paths } = store;
  const lock = spec.network === DEFAULT_NETWORK ? undefined : lockNetworks(paths);
  try {
    const network = networkOf(paths, spec.network);
    const isUsed = (address: string): boolean => restoreLostLease(store, network, address);
    return { spec, network, address: acquireAddress(leasesDir(paths), network, id, spec.ip, isUsed) };
  } finally {
    lock?.release();
  }
}

/** The way out first, as eth0. */
function toEndpoints(
  config: ContainerConfig,
  leased: readonly Leased[],
  ports: readonly PortBinding[],
): readonly [BridgeEndpoint, ...BridgeEndpoint[]] {
  const cables = new Set<string>();
  const endpoints = inGatewayOrder(leased).map((one, index) => {
    const endpoint = toEndpoint(config, one, interfaceAt(index), index === 0 ? ports : [], cables);
    cables.add(endpoint.hostVeth);
    return endpoint;
  });
  return endpoints as unknown as readonly [BridgeEndpoint, ...BridgeEndpoint[]];
}

const inGatewayOrder = (leased: readonly Leased[]): readonly Leased[] =>
  leased.length === 1
    ? leased
    : leased.toSorted((one, other) =>
        byGateway(
          { network: one.network, priority: one.spec.priority },
          { network: other.network, priority: other.spec.priority },
        ),
      );

/** `cables`: names that others of the container's cables have. */
export function toEndpoint(
  config: ContainerConfig,
  { spec, network, address }: Leased,
  interfaceName: string,
  ports: readonly PortBinding[],
  cables: ReadonlySet<string>,
): BridgeEndpoint {
  let hostVeth: string;
  do hostVeth = hostVethName(config.id, randomHex(2));
  while (cables.has(hostVeth));
  return {
    containerId: config.id,
    netns: netnsName(config.id),
    network,
    address,
    macAddress: spec.macAddress ?? macFromAddress(address),
    hostVeth,
    interfaceName,
    ports,
    firewall: config.spec.network.firewall,
    ipv6: hasIpv6(),
  };
}

/** What is kept of them: the first one is the way out. */
export function networkState(
  [first, ...others]: readonly [BridgeEndpoint, ...BridgeEndpoint[]],
  ports: readonly PortBinding[],
): NetworkState {
  const more = others.map(toState);
  return { ...toState(first), netns: first.netns, ports, ...(more.length === 0 ? {} : { more }) };
}

const toState = ({
  network,
  address,
  macAddress,
  hostVeth,
  interfaceName,
}: BridgeEndpoint): EndpointState => ({
  ...{ network, address, macAddress, hostVeth },
  ...(interfaceName === CONTAINER_INTERFACE ? {} : { interfaceName }),
});

function detached(netns: string): NetworkState {
  return { network: undefined, netns, address: '', macAddress: '', hostVeth: '', ports: [] };
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
