/** The shapes of what is kept about networks, and about the networks of a container. */
import {
  flag,
  form,
  line,
  listOf,
  mapOf,
  optional,
  record,
  size,
  text,
  type Shape,
  value,
} from '../../../images/foreign/shape.ts';
import { parseCidr, parseIpv4 } from '../../../runtime/network/ipv4.ts';
import { canonicalIpv6 } from '../../../runtime/syscall/inet.ts';
import type { BridgeNetwork, Ipv6Block, PortBinding, PortRequest } from '../../../runtime/network/types.ts';
import { isId } from '../spec/ids.ts';
import type { EndpointSpec, EndpointState, NetworkSpec, NetworkState } from '../spec/container.ts';

export const id = form('64 hex digits', 'ids', isId);
export const whole = value<number>('a whole number', 'whole numbers', Number.isSafeInteger);
const port = value<number>(
  'a port',
  'ports',
  (found) => Number.isInteger(found) && Number(found) >= 0 && Number(found) <= 0xffff,
);
export const lines = listOf(line);
export const oneOf = <T extends string>(...words: readonly T[]): Shape<T> =>
  value(`one of ${words.join(', ')}`, 'words', (found) => words.includes(found as T));

const interfaceName = form('the name of an interface', 'names of interfaces', (name) =>
  /^[a-zA-Z0-9_.-]{1,15}$/.test(name),
);
const address = form('an IPv4 address', 'IPv4 addresses', (name) => parseIpv4(name) !== undefined);

const subnet = form('a subnet', 'subnets', (found) => parseCidr(found) !== undefined);

const address6 = form('an IPv6 address', 'IPv6 addresses', (found) => canonicalIpv6(found) === found);
const subnet6 = form('an IPv6 subnet', 'IPv6 subnets', (found) => {
  const [address = '', prefix = ''] = found.split('/');
  return canonicalIpv6(address) === address && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128;
});
/** Of a network that has IPv6 alone. */
const orNone = (shape: string, is: (text: string) => boolean): Shape<string> =>
  form(shape, `${shape}s`, (found) => found === '' || is(found));

export const bridgeNetwork: Shape<BridgeNetwork> = record<BridgeNetwork>({
  id,
  name: line,
  bridge: interfaceName,
  subnet: orNone('a subnet', (found) => parseCidr(found) !== undefined),
  gateway: orNone('an IPv4 address', (found) => parseIpv4(found) !== undefined),
  ipv6: optional(
    record<Ipv6Block>({
      subnet: subnet6,
      gateway: address6,
      range: optional(subnet6),
      reserved: optional(mapOf(address6)),
      mode: optional(oneOf('routed', 'open')),
    }),
  ),
  internal: optional(flag),
  isolated: optional(flag),
  unmasked: optional(flag),
  publishAt: optional(address),
  mtu: optional(size),
  range: optional(subnet),
  reserved: optional(mapOf(address)),
  labels: optional(mapOf(text)),
  options: optional(mapOf(text)),
  attachable: optional(flag),
  created: text,
});

const binding = {
  hostIp: line,
  hostPort: port,
  containerPort: port,
  protocol: oneOf('tcp', 'udp'),
};

const endpointSpec = record<EndpointSpec>({
  network: line,
  aliases: optional(lines),
  links: optional(lines),
  ip: optional(line),
  macAddress: optional(line),
  driverOpts: optional(mapOf(line)),
  priority: optional(whole),
  ip6: optional(line),
});

export const networkSpec = record<NetworkSpec>({
  mode: line,
  endpoints: optional(listOf(endpointSpec)),
  ip: optional(line),
  macAddress: optional(line),
  dns: lines,
  dnsSearch: lines,
  dnsOptions: lines,
  extraHosts: lines,
  ports: listOf(
    record<PortRequest>({
      ...binding,
      hostPortEnd: optional(port),
      everyAddress: optional(flag),
      follows: optional(flag),
    }),
  ),
  publishAll: flag,
  firewall: oneOf('nftables', 'iptables'),
});

const ownAddress = orNone('an IPv4 address', (found) => parseIpv4(found) !== undefined);

const endpointState = record<EndpointState>({
  network: bridgeNetwork,
  address: ownAddress,
  address6: optional(address6),
  macAddress: line,
  hostVeth: line,
  interfaceName: optional(interfaceName),
});

export const networkState = record<NetworkState>({
  network: optional(bridgeNetwork),
  netns: line,
  address: line,
  address6: optional(address6),
  macAddress: line,
  hostVeth: line,
  interfaceName: optional(interfaceName),
  ports: listOf(record<PortBinding>(binding)),
  more: optional(listOf(endpointState)),
});
