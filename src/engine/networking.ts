/**
 * What a container's network needs before a plan can be made: the bridge network's definition (chosen once, clear of
 * every route), an address lease, host ports that are really free and stay reserved. All of it is given back by
 * release-network.ts, and by whoever cleans up after a shim that was killed: leases carry their owner's id.
 */
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { readForeignFirewalls, warnOfForeign } from '../../runtime/network/firewall/foreign.ts';
import { acquireAddress, peekAddress, releaseAddresses } from '../../runtime/network/ipam.ts';
import { macFromAddress } from '../../runtime/network/mac.ts';
import { hostVethName, netnsName } from '../../runtime/network/names.ts';
import { reservePorts, type HeldPort, type PortReservation } from '../../runtime/network/ports.ts';
import { chooseSubnet } from '../../runtime/network/subnet.ts';
import type { BridgeEndpoint, BridgeNetwork, PortBinding } from '../../runtime/network/types.ts';
import { readJson, writeJson } from './atomic-file.ts';
import type { ContainerConfig, NetworkState } from './container.ts';
import { newId, randomHex } from './ids.ts';
import { waitLock } from './lock.ts';
import { leasesDir, networksDir, type Paths } from './paths.ts';
import type { Attachment } from './run-plan.ts';
import type { ContainerStore } from './store.ts';
import { timestamp } from './time.ts';

export interface AcquiredNetwork {
  readonly attachment: Attachment;
  readonly state: NetworkState;
  /** What the user should know although it works: another firewall drops what is forwarded. */
  readonly warnings: readonly string[];
  readonly ports: readonly HeldPort[];
}

/** The default bridge network of this root; its subnet is chosen at first use and kept. */
export function defaultNetwork(paths: Paths): BridgeNetwork {
  const path = join(networksDir(paths), 'bridge.json');
  const existing = readJson<BridgeNetwork>(path);
  if (existing !== undefined) return existing;
  const lock = waitLock(join(networksDir(paths), '.lock'));
  try {
    const raced = readJson<BridgeNetwork>(path);
    if (raced !== undefined) return raced;
    const { subnet, gateway } = chooseSubnet();
    const network: BridgeNetwork = {
      id: newId(),
      name: 'bridge',
      bridge: 'minidock0',
      subnet,
      gateway,
      created: timestamp(),
    };
    writeJson(path, network);
    return network;
  } finally {
    lock.release();
  }
}

export async function acquireNetwork(
  store: ContainerStore,
  config: ContainerConfig,
): Promise<AcquiredNetwork> {
  const { network } = config.spec;
  const netns = netnsName(config.id);
  if (network.mode === 'bridge') return acquireBridge(store, config);
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

/** What acquireNetwork would give now, touching nothing: for --dry-run. */
export async function previewNetwork(store: ContainerStore, config: ContainerConfig): Promise<Attachment> {
  if (config.spec.network.mode !== 'bridge') return (await acquireNetwork(store, config)).attachment;
  const path = join(networksDir(store.paths), 'bridge.json');
  const network = readJson<BridgeNetwork>(path) ?? {
    id: '0'.repeat(64),
    name: 'bridge',
    bridge: 'minidock0',
    ...chooseSubnet(),
    created: timestamp(),
  };
  const address = config.spec.network.ip || peekAddress(leasesDir(store.paths), network);
  const foreign = await readForeignFirewalls(network.bridge);
  return {
    kind: 'bridge',
    endpoint: toEndpoint(config, network, address, config.spec.network.ports),
    foreign,
  };
}

async function acquireBridge(store: ContainerStore, config: ContainerConfig): Promise<AcquiredNetwork> {
  const { paths } = store;
  if (config.spec.network.ports.length > 0) {
    const { recoverAll } = await import('./refresh.ts');
    await recoverAll(store);
  }
  const network = defaultNetwork(paths);
  const wanted = config.spec.network.ip;
  const leases = leasesDir(paths);
  const address = acquireAddress(leases, network, config.id, wanted === '' ? undefined : wanted);
  let reservation: PortReservation;
  try {
    reservation = reservePorts(config.spec.network.ports);
  } catch (error) {
    releaseAddresses(leases, config.id);
    throw error;
  }
  const endpoint = toEndpoint(config, network, address, reservation.bindings);
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
