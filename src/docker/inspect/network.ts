/** The NetworkSettings object of `inspect`: what the container has, while it runs; empty fields when it does not. */
import {
  hasProgram,
  isBridged,
  type ContainerConfig,
  type ContainerState,
  type EndpointSpec,
  type EndpointState,
  type NetworkState,
} from '../../engine/spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs, endpointStates, specFor } from '../../engine/spec/endpoints.ts';
import { goStruct, nilMap, nilSlice } from '../go-template/value.ts';
import { portMap, slice } from './values.ts';
import { dnsNames } from '../../engine/network/dns-names.ts';

export function networkSettings(config: ContainerConfig, state: ContainerState): object {
  const network = hasProgram(state) ? state.network : undefined;
  const endpoints = endpointStates(network);
  // The fields beside Networks are from the time when there was one network: of any other they say nothing.
  const old = fieldsOf(
    config,
    endpoints.find((endpoint) => endpoint.network.name === 'bridge'),
  );
  return goStruct({
    Bridge: '',
    SandboxID: network === undefined ? '' : derivedId(config.id, SANDBOX),
    SandboxKey: sandboxKey(config, network),
    Ports: portsOf(config, network),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: nilSlice(),
    SecondaryIPv6Addresses: nilSlice(),
    EndpointID: old.EndpointID,
    Gateway: old.Gateway,
    GlobalIPv6Address: old.GlobalIPv6Address,
    GlobalIPv6PrefixLen: old.GlobalIPv6PrefixLen,
    IPAddress: old.IPAddress,
    IPPrefixLen: old.IPPrefixLen,
    IPv6Gateway: old.IPv6Gateway,
    MacAddress: old.MacAddress,
    Networks: networksOf(config, endpoints),
  });
}

interface EndpointFields {
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly MacAddress: string;
}

const NO_FIELDS: EndpointFields = {
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
};

function fieldsOf(config: ContainerConfig, endpoint: EndpointState | undefined): EndpointFields {
  if (endpoint === undefined) return NO_FIELDS;
  const { network, address, address6, macAddress } = endpoint;
  const internal = network.internal === true;
  return {
    NetworkID: network.id,
    EndpointID: derivedId(config.id, network.id),
    // An internal network has none: nothing leads out of it.
    Gateway: internal ? '' : network.gateway,
    IPAddress: address,
    IPPrefixLen: prefixLength(network.subnet),
    IPv6Gateway: internal ? '' : (network.ipv6?.gateway ?? ''),
    GlobalIPv6Address: address6 ?? '',
    GlobalIPv6PrefixLen: prefixLength(network.ipv6?.subnet ?? ''),
    MacAddress: macAddress,
  };
}

const prefixLength = (subnet: string): number => Number(subnet.split('/')[1] ?? 0);

/** A container in another's network has none of its own. */
function networksOf(config: ContainerConfig, endpoints: readonly EndpointState[]): object {
  const { network } = config.spec;
  if (network.mode.startsWith('container:')) return {};
  if (!isBridged(network.mode)) return { [network.mode]: networkFields(config, {}, undefined) };
  const specs = endpointSpecs(network);
  const attached = endpoints.map(
    (endpoint) =>
      [
        endpoint.network.name,
        networkFields(config, specFor(specs, endpoint.network) ?? {}, endpoint),
      ] as const,
  );
  // One that does not run is attached to none, and tells what was asked for.
  const asked = specs.map((spec) => [spec.network, networkFields(config, spec, undefined)] as const);
  return Object.fromEntries(
    (attached.length > 0 ? attached : asked).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function networkFields(
  config: ContainerConfig,
  { network, ip, ip6, aliases, links, driverOpts }: Partial<EndpointSpec>,
  endpoint: EndpointState | undefined,
): object {
  const fields = fieldsOf(config, endpoint);
  const name = endpoint?.network.name ?? network;
  return goStruct({
    IPAMConfig:
      ip === undefined && ip6 === undefined
        ? null
        : goStruct({
            ...(ip === undefined ? {} : { IPv4Address: ip }),
            ...(ip6 === undefined ? {} : { IPv6Address: ip6 }),
          }),
    // On the default network they are in HostConfig.
    Links: name === DEFAULT_NETWORK ? nilSlice() : slice(links ?? []),
    Aliases: slice(aliases ?? []),
    MacAddress: fields.MacAddress,
    NetworkID: fields.NetworkID,
    EndpointID: fields.EndpointID,
    Gateway: fields.Gateway,
    IPAddress: fields.IPAddress,
    IPPrefixLen: fields.IPPrefixLen,
    IPv6Gateway: fields.IPv6Gateway,
    GlobalIPv6Address: fields.GlobalIPv6Address,
    GlobalIPv6PrefixLen: fields.GlobalIPv6PrefixLen,
    DriverOpts: driverOpts ?? nilMap(''),
    DNSNames: slice(dnsNames(config, name, aliases)),
  });
}

/** The network namespace's file, for `nsenter --net=`. */
function sandboxKey(config: ContainerConfig, network: NetworkState | undefined): string {
  if (network === undefined) return '';
  if (config.spec.network.mode === 'host') return '/proc/1/ns/net';
  return network.netns === '' || network.netns.startsWith('/')
    ? network.netns
    : `/run/netns/${network.netns}`;
}

/** Published ports with where they are published, exposed ones with null; nothing unless attached to a bridge. */
function portsOf(config: ContainerConfig, network: NetworkState | undefined): object {
  if (network?.network === undefined) return {};
  const published = portMap(
    network.ports.map((port) => ({
      key: `${port.containerPort}/${port.protocol}`,
      ip: port.hostIp,
      port: String(port.hostPort),
    })),
  );
  const keys = [...new Set([...config.spec.exposedPorts, ...Object.keys(published)])].sort();
  return Object.fromEntries(keys.map((key) => [key, published[key] ?? nilSlice()]));
}

/** 64 digits that no bridge has. */
const SANDBOX = '5a'.repeat(32);

/** Docker gives sandboxes and endpoints random ids; here they follow from the container's, and stay the same. */
export const derivedId = (id: string, other: string): string =>
  [...id].map((digit, i) => (parseInt(digit, 16) ^ parseInt(other[i] ?? '0', 16)).toString(16)).join('');
