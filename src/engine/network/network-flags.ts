/**
 * The network flags of `run` and `create` into a NetworkSpec: modes, addresses, published and exposed ports, names.
 * Everything that can be refused without touching the host is refused here.
 */
import { readFileSync } from 'node:fs';
import type { ContainerDefaults } from '../../../images/types.ts';
import { parseExposed, parsePort } from '../spec/port-spec.ts';
import { canonicalIpv6 } from '../../../runtime/syscall/inet.ts';
import type { PortRequest } from '../../../runtime/network/types.ts';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { isBridged, type EndpointSpec, type NetworkSpec } from '../spec/container.ts';
import type { AttachmentRequest, CreateRequest } from '../spec/create-request.ts';
import { invalidArgument, invalidSpec } from '../spec/flag-errors.ts';
import { shortId } from '../spec/ids.ts';
import { refuseMissingFamily } from './missing-family.ts';
import { findNetwork } from '../state/networks.ts';
import type { ContainerStore } from '../state/store.ts';

/** __NEW_UTS_LEN of the kernel. */
const HOST_NAME_MAX = 64;

export function networkSpec(
  store: ContainerStore,
  request: CreateRequest,
  defaults: ContainerDefaults,
): NetworkSpec {
  const asked = request.network ?? 'bridge';
  const mode = networkMode(store, asked === 'default' ? 'bridge' : asked);
  const ports = (request.publish ?? []).flatMap(parsePort);
  if (!isBridged(mode) && (request.ip !== undefined || request.ip6 !== undefined))
    throw conflicting('ip address');
  if (mode.startsWith('container:') && (ports.length > 0 || request.publishAll === true)) {
    throw conflicting('port publishing', 'container type network');
  }
  for (const entry of request.addHost ?? []) checkExtraHost(entry);
  for (const server of request.dns ?? []) {
    if (ipVersion(server) === 0)
      throw invalidArgument(server, '--dns', `IP address is not correctly formatted: ${server}`);
  }
  for (const domain of request.dnsSearch ?? []) checkWord(domain, '--dns-search');
  return {
    mode,
    endpoints: endpoints(store, mode, request),
    dns: request.dns ?? [],
    dnsSearch: request.dnsSearch ?? [],
    dnsOptions: [...(request.dnsOption ?? []), ...(request.dnsOpt ?? [])],
    extraHosts: request.addHost ?? [],
    // As in Docker, -p means nothing without a network of the container's own; `run` warns about it.
    ports: isBridged(mode) ? withExposed(ports, request, defaults) : [],
    publishAll: request.publishAll ?? false,
    firewall: firewallBackend(request.firewall ?? process.env['MINIDOCK_FIREWALL']),
  };
}

function networkMode(store: ContainerStore, asked: string): string {
  if (asked === 'bridge' || asked === 'none' || asked === 'host') return asked;
  if (asked.startsWith('container:'))
    return `container:${store.find(asked.slice('container:'.length)).config.id}`;
  if (findNetwork(store.paths, asked) !== undefined) return asked;
  throw invalidSpec(
    `network ${asked} not found`,
    `Make it with 'minidock network create ${asked}', or use --network bridge, none, host or container:NAME.`,
  );
}

/** In the order of the flags. @throws MinidockError 'INVALID_FLAG'. */
function endpoints(store: ContainerStore, mode: string, request: CreateRequest): readonly EndpointSpec[] {
  const { ip, ip6, macAddress } = request;
  const only = { target: mode, aliases: [], links: [], driverOpts: {}, priority: 0 };
  const asked: readonly AttachmentRequest[] = request.attachments ?? [
    {
      ...only,
      ...(ip === undefined ? {} : { ip }),
      ...(ip6 === undefined ? {} : { ip6 }),
      ...(macAddress === undefined ? {} : { macAddress }),
    },
  ];
  const specs = asked.map((one, index) =>
    endpointSpec(store, { ...one, target: index === 0 ? mode : one.target }),
  );
  if (!isBridged(mode)) return [];
  // The same one may be given by its name and by its id.
  const twice = specs.find(({ network }, index) => specs.findIndex((one) => one.network === network) < index);
  if (twice !== undefined) throw invalidSpec(`network "${twice.network}" is specified multiple times`);
  return specs;
}

/** Everything that can be refused before there is an address. */
export function endpointSpec(store: ContainerStore, request: AttachmentRequest): EndpointSpec {
  const { target, aliases, links, ip, ip6, macAddress, driverOpts, priority } = request;
  if (ip !== undefined && ipVersion(ip) !== 4) throw invalidSpec(`invalid IPv4 address: ${ip}`);
  const address6 = ip6 === undefined ? undefined : canonicalIpv6(ip6);
  if (ip6 !== undefined && address6 === undefined) throw invalidSpec(`invalid IPv6 address: ${ip6}`);
  if (macAddress !== undefined) checkMac(macAddress);
  for (const link of links) checkLink(store, link);
  const found = findNetwork(store.paths, networkMode(store, target));
  if (ip6 !== undefined) refuseMissingFamily(found ?? NO_NETWORK, { network: target, ip6 });
  return {
    network: found?.name ?? target,
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(links.length === 0 ? {} : { links }),
    ...(ip === undefined ? {} : { ip }),
    ...(address6 === undefined ? {} : { ip6: address6 }),
    ...(macAddress === undefined ? {} : { macAddress: macAddress.replaceAll('-', ':').toLowerCase() }),
    ...(Object.keys(driverOpts).length === 0 ? {} : { driverOpts }),
    ...(priority === 0 ? {} : { priority }),
  };
}

/** The default network before it is made has none either. */
const NO_NETWORK = { name: 'bridge', subnet: '', ipv6: undefined };

function checkLink(store: ContainerStore, link: string): void {
  const name = link.split(':')[0] ?? '';
  try {
    store.find(name);
  } catch (error) {
    if ((error as { code?: string }).code !== 'NO_SUCH_CONTAINER') throw error;
    throw invalidSpec(`could not get container for ${name}: No such container: ${name}`);
  }
}

function firewallBackend(asked: string | undefined): FirewallBackend {
  if (asked === undefined || asked === '' || asked === 'nftables') return 'nftables';
  if (asked === 'iptables') return 'iptables';
  throw invalidArgument(asked, '--firewall', 'must be nftables or iptables');
}

function checkMac(mac: string): void {
  const bytes = /^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/.test(mac) ? mac.split(/[:-]/) : undefined;
  if (bytes === undefined) throw invalidSpec(`${mac} is not a valid mac address`);
  const first = Number.parseInt(bytes[0] ?? '', 16);
  if (first % 2 === 1 || bytes.every((byte) => byte === '00')) {
    throw invalidSpec(
      `${mac} is not a valid mac address`,
      'An interface has a unicast address, not all zeros.',
    );
  }
}

/** Names go into files of lines and words: one that has a break would say something else there. */
function checkWord(text: string, flag: string): void {
  if (/[\s\p{Cc}]/u.test(text)) throw invalidArgument(text, flag, 'a name has no spaces or line breaks');
}

function checkExtraHost(entry: string): void {
  const at = entry.search(/[:=]/);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at <= 0) throw invalidArgument(entry, '--add-host', `bad format for add-host: "${entry}"`);
  checkWord(entry.slice(0, at), '--add-host');
  if (ipVersion(address) === 0 && address !== 'host-gateway') {
    throw invalidArgument(entry, '--add-host', `invalid IP address in add-host: "${address}"`);
  }
}

/** -P: each exposed port that -p did not publish, on a free port of the host's choosing. */
function withExposed(
  ports: readonly PortRequest[],
  request: CreateRequest,
  defaults: ContainerDefaults,
): readonly PortRequest[] {
  if (request.publishAll !== true) return ports;
  const published = new Set(ports.map((port) => `${String(port.containerPort)}/${port.protocol}`));
  const exposed = exposedPorts(request, defaults, []).filter((port) => !published.has(port));
  return [...ports, ...exposed.flatMap((port) => parsePort(port))];
}

/** `80/tcp`, from the image, --expose and -p, sorted as Docker shows them. */
export function exposedPorts(
  request: CreateRequest,
  defaults: ContainerDefaults,
  ports: readonly PortRequest[],
): readonly string[] {
  const all = new Set<string>();
  for (const text of [...Object.keys(defaults.ExposedPorts ?? {}), ...(request.expose ?? [])]) {
    for (const { port, protocol } of parseExposed(text)) all.add(`${String(port)}/${protocol}`);
  }
  for (const port of ports) all.add(`${String(port.containerPort)}/${port.protocol}`);
  return [...all].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

export function hostnameFor(store: ContainerStore, request: CreateRequest, id: string): string {
  const mode = request.network ?? 'bridge';
  if (mode.startsWith('container:')) {
    if (request.hostname !== undefined) throw conflicting('hostname');
    return store.find(mode.slice('container:'.length)).config.spec.hostname;
  }
  if (request.uts === 'host') {
    if (request.hostname !== undefined) throw conflicting('hostname', 'UTS');
    return hostName();
  }
  if (request.hostname !== undefined) {
    checkWord(request.hostname, '-h, --hostname');
    if (Buffer.byteLength(request.hostname) > HOST_NAME_MAX) {
      const reason = `a host name has at most ${String(HOST_NAME_MAX)} bytes`;
      throw invalidArgument(request.hostname, '-h, --hostname', reason);
    }
    return request.hostname;
  }
  return mode === 'host' ? hostName() : shortId(id);
}

const hostName = (): string => readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();

function conflicting(what: string, kind = 'network'): Error {
  return invalidSpec(`conflicting options: ${what} and the ${kind} mode`);
}

/** 4, 6, or 0 for what is no address. Loaded for a flag that needs it: node:net takes 2 ms. */
const ipVersion = (text: string): number => process.getBuiltinModule('node:net').isIP(text);
