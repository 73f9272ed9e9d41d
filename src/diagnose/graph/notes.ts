/**
 * Compares minidock's records with the kernel. The records give containers their names; each other difference becomes
 * a sentence. It changes and recovers nothing: a look must not repair what it shows.
 */
import { addressText, isEveryAddress } from '../../../runtime/network/host-address.ts';
import { ports4, ports6 } from '../../../runtime/network/firewall/ports6.ts';
import { readlinkSync } from 'node:fs';
import { isSameProcess } from '../../engine/state/process-identity.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { namespaceAt } from '../host/netns.ts';
import { netnsPath } from '../../../runtime/network/names.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import type { PortBinding } from '../../../runtime/network/types.ts';
import type { EndpointState, NetworkState } from '../../engine/spec/container.ts';
import { endpointStates, ownAddresses, interfaceOf } from '../../engine/spec/endpoints.ts';
import { targetPlace, type Cable, type Interface, type Namespace, type Published } from './model.ts';

export interface Noted {
  readonly container: Container;
  /** The namespace of its process; else of its name below /run/netns. */
  readonly inode: number | undefined;
  readonly alive: boolean;
}

export function readNotes(store: ContainerStore): readonly Noted[] {
  return store
    .list()
    .filter(({ state }) => state.status === 'running')
    .map((container) => {
      const { state } = container;
      const alive = isSameProcess(state.pid, state.pidStartTime);
      const name = state.network?.netns ?? '';
      const inode = alive
        ? namespaceAt(`/proc/${state.pid}/ns/net`)
        : name === ''
          ? undefined
          : namespaceAt(netnsPath(name));
      return { container, inode, alive };
    });
}

export interface Kernel {
  readonly here: number;
  readonly namespaces: readonly Pick<Namespace, 'inode' | 'interfaces' | 'path' | 'processes'>[];
  readonly cables: readonly Cable[];
  readonly published: readonly Published[];
}

export function findDisagreements(notes: readonly Noted[], kernel: Kernel): readonly string[] {
  const own = notes.filter((noted) => startedHere(noted, kernel.here));
  return [...own.flatMap((noted) => disagreementsOf(noted, kernel)), ...leftBehind(notes, kernel)];
}

/** Containers of another namespace are connected there, so nothing is missing here. */
function startedHere({ container }: Noted, here: number): boolean {
  try {
    return readlinkSync(`/proc/${container.state.shimPid}/ns/net`) === `net:[${here}]`;
  } catch {
    // The shim is gone: reported below.
    return true;
  }
}

function disagreementsOf({ container, inode, alive }: Noted, kernel: Kernel): readonly string[] {
  const { config, state } = container;
  const { network } = state;
  const say = (text: string): string => `${config.name}: ${text}`;
  const found: string[] = [];
  if (!isSameProcess(state.shimPid, state.shimStartTime)) {
    found.push(say(`recorded as running, but its shim (pid ${state.shimPid}) is gone`));
  }
  if (!alive) found.push(say(`recorded as running, but its process (pid ${state.pid}) is gone`));
  if (network === undefined || network.netns === '') return found;
  const named = namespaceAt(netnsPath(network.netns));
  if (named === undefined) found.push(say(`its namespace has lost its name ${netnsPath(network.netns)}`));
  else if (inode !== undefined && named !== inode) {
    found.push(say(`${netnsPath(network.netns)} is net:[${named}], but its process is in net:[${inode}]`));
  }
  const host = kernel.namespaces.find((namespace) => namespace.inode === kernel.here)?.interfaces ?? [];
  const inside = kernel.namespaces.find((namespace) => namespace.inode === inode);
  for (const endpoint of endpointStates(network)) {
    found.push(...linkTrouble(endpoint, host).map(say));
    const own = inside?.interfaces.find(({ name }) => name === interfaceOf(endpoint));
    if (inside !== undefined && own === undefined)
      found.push(say(`there is no ${interfaceOf(endpoint)} in its namespace`));
    if (own !== undefined) found.push(...insideTrouble(ownAddresses(endpoint), own).map(say));
  }
  for (const port of redirectedPorts(network)) {
    const { hostIp, hostPort, protocol } = port;
    const address = isEveryAddress(hostIp) ? '' : hostIp;
    const told = `${hostIp === '0.0.0.0' ? '' : `${addressText(hostIp)}:`}${hostPort}/${protocol}`;
    const own = isIpv6Text(hostIp) ? (network.address6 ?? '') : network.address;
    const rules = kernel.published.filter(
      (rule) =>
        rule.protocol === protocol &&
        rule.address === address &&
        isIpv6Text(rule.toAddress) === isIpv6Text(hostIp) &&
        includesPort(rule.port, hostPort),
    );
    if (rules.length === 0) {
      found.push(say(`published port ${told} has no rule in the firewall: nothing redirects it`));
    } else if (!rules.some((rule) => rule.toAddress === own)) {
      const target = rules.slice(0, 1).map(targetPlace).join();
      found.push(say(`published port ${told} is redirected to ${target}, not to ${own}`));
    }
  }
  return found;
}

/** Of a routed network none of IPv6 is. */
const redirectedPorts = (network: NetworkState): readonly PortBinding[] => [
  ...ports4(network),
  ...(network.network?.ipv6?.mode === 'routed' ? [] : ports6(network)),
];

function linkTrouble({ hostVeth, network }: EndpointState, host: readonly Interface[]): readonly string[] {
  const bridge = host.find(({ name }) => name === network.bridge);
  const veth = host.find(({ name }) => name === hostVeth);
  return [
    ...(bridge === undefined ? [`the bridge ${network.bridge} is gone`] : []),
    ...(bridge?.up === false ? [`the bridge ${bridge.name} is down`] : []),
    ...(bridge === undefined
      ? []
      : [network.gateway, network.ipv6?.gateway ?? '']
          .filter((gateway) => gateway !== '' && !hasAddress(bridge, gateway))
          .map((gateway) => `the bridge ${bridge.name} does not have the gateway's address ${gateway}`)),
    ...(veth === undefined ? [`the host's end of its cable, ${hostVeth}, is gone`] : []),
    ...(veth !== undefined && bridge !== undefined && veth.master !== bridge.index
      ? [`${hostVeth} is not a port of ${bridge.name}`]
      : []),
    ...(veth?.up === false ? [`${hostVeth} is down`] : []),
  ];
}

const hasAddress = ({ addresses }: Interface, address: string): boolean =>
  addresses.some((one) => one.split('/')[0] === address);

function insideTrouble(wanted: readonly string[], own: Interface): readonly string[] {
  const { name, addresses, up } = own;
  const of = (six: boolean): string =>
    addresses.filter((one) => one.includes(':') === six && !one.startsWith('fe80:')).join(', ');
  return [
    ...wanted
      .filter((address) => !hasAddress(own, address))
      .map(
        (address) => `${name} should have ${address}, but has ${of(address.includes(':')) || 'no address'}`,
      ),
    ...(up ? [] : [`its ${name} is down`]),
  ];
}

/**
 * Things with minidock's names that belong to no recorded running container. If a process lives there, it is a
 * container of another MINIDOCK_ROOT.
 */
function leftBehind(notes: readonly Noted[], kernel: Kernel): readonly string[] {
  const networks = notes.map(({ container }) => container.state.network);
  const host = kernel.namespaces.find(({ inode }) => inode === kernel.here)?.interfaces ?? [];
  const noted = <T>(all: readonly T[], value: T): boolean => all.includes(value);
  const living = kernel.namespaces.filter(
    ({ inode, processes }) => inode !== kernel.here && processes.length > 0,
  );
  const isLiving = (inode: number | undefined): boolean => living.some((one) => one.inode === inode);
  const leadsToLiving = (index: number): boolean =>
    kernel.cables.some(({ a, b }) =>
      [
        [a, b],
        [b, a],
      ].some(([one, other]) => one?.inode === kernel.here && one.index === index && isLiving(other?.inode)),
    );
  const hasLiving = (address: string): boolean =>
    living.some(({ interfaces }) =>
      interfaces.some(({ addresses }) => addresses.some((one) => one.split('/')[0] === address)),
    );
  const netns = networks.map((network) => `/run/netns/${network?.netns ?? ''}`);
  const endpoints = networks.flatMap(endpointStates);
  const addresses = endpoints.flatMap(({ address, address6 = '' }) => [address, address6]);
  const veths = endpoints.map(({ hostVeth }) => hostVeth);
  return [
    ...kernel.namespaces
      .filter(({ path }) => /^\/run\/netns\/md-[0-9a-f]{12}$/.test(path) && !noted(netns, path))
      .filter(({ inode }) => !isLiving(inode))
      .map(({ path }) => `${path}: no container of this root has this namespace`),
    ...host
      .filter(({ name }) => /^mdv[0-9a-f]{12}$/.test(name) && !noted(veths, name))
      .filter(({ index }) => !leadsToLiving(index))
      .map(({ name }) => `${name}: no container of this root has this cable`),
    ...kernel.published
      .filter(({ where }) => /^(ip6? minidock|ip6?tables nat MINIDOCK)/.test(where))
      .filter(({ toAddress }) => !noted(addresses, toAddress) && !hasLiving(toAddress))
      .map(
        (one) =>
          `port ${one.port}/${one.protocol} is redirected to ${targetPlace(one)}, and no container of this root has ` +
          'that address',
      ),
  ];
}

function includesPort(range: string, port: number): boolean {
  const [first = 0, last = first] = range.split('-').map(Number);
  return first <= port && port <= last;
}
