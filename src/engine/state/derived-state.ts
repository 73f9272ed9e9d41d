/**
 * How a container fares when its state.json is lost: from the kernel, which cannot be wrong about it.
 *
 *     /proc/locks               who holds the container's lock; a shim of this id means that it is looked after
 *     /proc/SHIM/…/children     unshare, and below it PID 1 of the container (NSpid ends in 1)
 *     the leases                its address and its user ids
 *     /sys/class/net            the host's end of its cable
 *     the journal               which ports were published
 *
 * A process of the container can neither hold the lock, which lies in a private directory, nor become a child of the
 * shim's. Only read when a record is damaged, so it may take some milliseconds.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cgroupProcesses } from '../../../runtime/cgroup/processes.ts';
import { addressesOf } from '../../../runtime/network/ipam.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { macFromAddress } from '../../../runtime/network/mac.ts';
import { hostVethName, interfaceAt, netnsName } from '../../../runtime/network/names.ts';
import { addressText } from '../../../runtime/network/host-address.ts';
import { containerOf } from '../../../runtime/network/port-holder.ts';
import type { BridgeNetwork, PortBinding } from '../../../runtime/network/types.ts';
import { Journal } from '../../../runtime/plan/journal.ts';
import { leasedIds } from '../../../runtime/process/identity/id-ranges.ts';
import {
  isBridged,
  type ContainerConfig,
  type ContainerState,
  type EndpointState,
  type NetworkState,
} from '../spec/container.ts';
import { byGateway, endpointSpecs, specFor } from '../spec/endpoints.ts';
import { numbered, portsAt } from '../spec/published-ports.ts';
import { listNetworks } from './networks.ts';
import { cgroupsPath, containerLock, containerRunDir, idsDir, leasesDir, type Paths } from './paths.ts';
import { bootId, startTime } from './process-identity.ts';
import { NEVER } from '../spec/time.ts';

/** Docker's exit status for a container whose end no process saw. */
const UNKNOWN = 255;

/** `problem`: what became of the record, for the state's `error`. */
export function deriveState(paths: Paths, config: ContainerConfig, problem: string): ContainerState {
  const { id } = config;
  const shimPid = shimOf(paths, id);
  const pid = shimPid === undefined ? undefined : firstProcessOf(shimPid);
  const ended: ContainerState = {
    status: 'dead',
    pid: 0,
    pidStartTime: '',
    shimPid: 0,
    shimStartTime: '',
    exitCode: UNKNOWN,
    error: problem,
    oomKilled: false,
    startedAt: NEVER,
    finishedAt: NEVER,
    bootId: '',
    network: undefined,
  };
  const lost = shimPid === undefined && isLeftBehind(paths, config);
  if (!lost && (shimPid === undefined || pid === undefined)) return ended;
  const firstId = [...leasedIds(idsDir(paths))].find(([, owner]) => owner === id)?.[0];
  return {
    ...ended,
    status: 'running',
    exitCode: 0,
    pid: pid ?? 0,
    pidStartTime: pid === undefined ? '' : (startTime(pid) ?? ''),
    // The shim is gone: the next command that looks at the container cleans up.
    shimPid: shimPid ?? 0,
    shimStartTime: shimPid === undefined ? '' : (startTime(shimPid) ?? ''),
    startedAt: pid === undefined ? NEVER : startedAt(pid),
    bootId: bootId(),
    network: deriveNetwork(paths, config),
    ...(firstId === undefined ? {} : { firstId }),
  };
}

/** The living shim that holds the container's lock. */
export function shimOf(paths: Paths, id: string): number | undefined {
  const lock = statSync(containerLock(paths, id), { throwIfNoEntry: false });
  const holders = lock === undefined ? [] : flockHolders(lock.ino);
  return holders.find(
    (pid) => containerOf(readProcess(pid, 'cmdline')) === id && holdsFile(pid, containerLock(paths, id)),
  );
}

/** `1: FLOCK  ADVISORY  WRITE 22217 fe:00:11805502 0 EOF` (proc_locks(5)); the device is left to holdsFile. */
function flockHolders(inode: number): readonly number[] {
  return readProcess('', 'locks')
    .split('\n')
    .map((line) => /FLOCK\s+ADVISORY\s+WRITE\s+(\d+)\s+\S+:(\d+)\s/.exec(line))
    .filter((match) => match?.[2] === String(inode))
    .map((match) => Number(match?.[1]));
}

function holdsFile(pid: number, path: string): boolean {
  const wanted = statSync(path, { throwIfNoEntry: false });
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    const found = lookAt(`/proc/${pid}/fd/${fd}`);
    return found !== undefined && found.ino === wanted?.ino && found.dev === wanted.dev;
  });
}

/** PID 1 of the container: the child of `unshare`, which is the shim's own child. */
function firstProcessOf(shim: number): number | undefined {
  const found = childrenOf(shim).flatMap((parent) =>
    childrenOf(parent).map((pid) => ({ pid, isUnshare: readProcess(parent, 'comm').trim() === 'unshare' })),
  );
  const first = found.find(({ pid }) => /^NSpid:(\t\d+)+\t1$/m.test(readProcess(pid, 'status')));
  // In another's PID namespace, or the host's, it has any number.
  return (first ?? found.find(({ isUnshare }) => isUnshare))?.pid;
}

const childrenOf = (pid: number): readonly number[] =>
  readProcess(pid, `task/${pid}/children`)
    .split(' ')
    .filter((word) => word.trim() !== '')
    .map(Number);

/** Without a shim: something of a run is still there. */
const isLeftBehind = (paths: Paths, config: ContainerConfig): boolean =>
  lookAt(containerRunDir(paths, config.id)) !== undefined || cgroupProcesses(cgroupsPath(config)).length > 0;

function startedAt(pid: number): string {
  const boot = Number(/^btime (\d+)$/m.exec(readProcess('', 'stat'))?.[1] ?? 0);
  const ticks = Number(startTime(pid) ?? 0);
  return new Date((boot + ticks / TICKS) * 1000).toISOString();
}

/** Of a second, on every machine that minidock runs on (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/** Its endpoint, from the lease of its address on. */
export function deriveNetwork(paths: Paths, config: ContainerConfig): NetworkState | undefined {
  const { id, spec } = config;
  const { mode } = spec.network;
  const netns = mode === 'host' || mode.startsWith('container:') ? '' : netnsName(id);
  const nowhere = { network: undefined, netns, address: '', macAddress: '', hostVeth: '', ports: [] };
  if (!isBridged(mode)) return nowhere;
  const [first, ...more] = deriveEndpoints(paths, config);
  if (first === undefined) return nowhere;
  return {
    ...nowhere,
    ...first,
    ports: publishedPorts(paths, config, first.network),
    ...(more.length === 0 ? {} : { more }),
  };
}

/** A lease for each network, the way out first; interfaces are named in this order at a start. */
function deriveEndpoints(paths: Paths, { id, spec }: ContainerConfig): readonly EndpointState[] {
  const specs = endpointSpecs(spec.network);
  const networks = listNetworks(paths);
  const cables = namesIn('/sys/class/net').filter((name) =>
    name.startsWith(hostVethName(id, '0000').slice(0, -4)),
  );
  const leased = addressesOf(leasesDir(paths), id);
  return networks
    .flatMap((network) => {
      const own = leased.flatMap(({ networkId, address }) => (networkId === network.id ? [address] : []));
      if (own.length === 0) return [];
      const address6 = own.find(isIpv6Text);
      return [
        {
          network,
          address: own.find((one) => !isIpv6Text(one)) ?? '',
          ...(address6 === undefined ? {} : { address6 }),
          priority: specFor(specs, network)?.priority,
        },
      ];
    })
    .sort(byGateway)
    .map(({ network, address, address6 }, index) => ({
      network,
      address,
      ...(address6 === undefined ? {} : { address6 }),
      macAddress: specFor(specs, network)?.macAddress ?? macFromAddress(address, address6),
      hostVeth: cables.find((name) => bridgeOf(name) === network.bridge || cables.length === 1) ?? '',
      interfaceName: interfaceAt(index),
    }));
}

/** Of an interface that is plugged into a bridge, else ''. */
function bridgeOf(name: string): string {
  try {
    return basename(readlinkSync(`/sys/class/net/${name}/master`));
  } catch {
    return ''; // Plugged into none, or gone.
  }
}

/**
 * Those asked for, in the order of the journal's `port.publish:[IP:]PORT[-PORT]/PROTOCOL`, which has the chosen numbers. Ports
 * that are relayed are not in it; the second of both families has the number of the first.
 */
function publishedPorts(
  paths: Paths,
  { id, spec }: ContainerConfig,
  network: BridgeNetwork,
): readonly PortBinding[] {
  const chosen = new Journal(join(containerRunDir(paths, id), 'journal'))
    .read()
    .flatMap((entry) => publishedBy(entry.id));
  const ports = numbered(portsAt(spec.network.ports, network), (wanted) => {
    const { hostPort, hostPortEnd = hostPort } = wanted;
    const at = chosen.findIndex(
      ({ ip, port, protocol }) =>
        protocol === wanted.protocol &&
        ip === addressText(wanted.hostIp) &&
        (hostPort === 0 || (port >= hostPort && port <= hostPortEnd)),
    );
    return at < 0 ? undefined : chosen.splice(at, 1)[0]?.port;
  });
  return ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({
    ...{ hostIp, hostPort, containerPort, protocol },
  }));
}

/** One of `8000-8002/tcp` for each of the three; none of a step that publishes nothing. */
function publishedBy(
  stepId: string,
): readonly { readonly ip: string; readonly port: number; readonly protocol: string }[] {
  const parts = /^port\.publish:(?:([\d.]+|\[[\d:a-f.]+\]):)?(\d+)(?:-(\d+))?\/(tcp|udp)$/.exec(stepId);
  if (parts === null) return [];
  const [, ip = '0.0.0.0', first, last = first, protocol = ''] = parts;
  const count = Math.min(Number(last) - Number(first) + 1, MOST_PORTS);
  return Array.from({ length: Math.max(count, 0) }, (_, at) => ({ ip, port: Number(first) + at, protocol }));
}

const MOST_PORTS = 65535;

/** '' for what is not there, or has ended meanwhile. */
function readProcess(pid: number | '', file: string): string {
  try {
    return readFileSync(pid === '' ? `/proc/${file}` : `/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // It has ended, or there is none: nothing is in it.
  }
}

function lookAt(path: string): { readonly ino: number; readonly dev: number } | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
