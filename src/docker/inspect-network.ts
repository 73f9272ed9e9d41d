/** The NetworkSettings object of `inspect`: what the container has, while it runs; empty fields when it does not. */
import type { ContainerConfig, ContainerState, NetworkState } from '../engine/spec/container.ts';
import { goStruct, nilMap, nilSlice } from './go-template/value.ts';
import { portMap } from './inspect-values.ts';

export function networkSettings(config: ContainerConfig, state: ContainerState): object {
  const network = state.status === 'running' ? state.network : undefined;
  const endpoint = endpointOf(config, network);
  // The fields beside Networks are from the time when there was one network: of any other they say nothing.
  const old = (network?.network?.name ?? 'bridge') === 'bridge' ? endpoint : NO_ENDPOINT;
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
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: old.IPAddress,
    IPPrefixLen: old.IPPrefixLen,
    IPv6Gateway: '',
    MacAddress: old.MacAddress,
    Networks: networksOf(config, network, endpoint),
  });
}

interface Endpoint {
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly MacAddress: string;
}

const NO_ENDPOINT: Endpoint = {
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  MacAddress: '',
};

function endpointOf(config: ContainerConfig, network: NetworkState | undefined): Endpoint {
  const bridge = network?.network;
  return {
    NetworkID: bridge?.id ?? '',
    EndpointID: bridge === undefined ? '' : derivedId(config.id, bridge.id),
    Gateway: bridge?.gateway ?? '',
    IPAddress: network?.address ?? '',
    IPPrefixLen: bridge === undefined ? 0 : Number(bridge.subnet.split('/')[1]),
    MacAddress: network?.macAddress ?? '',
  };
}

/** A container in another's network has none of its own. */
function networksOf(config: ContainerConfig, network: NetworkState | undefined, endpoint: Endpoint): object {
  const { mode, ip } = config.spec.network;
  if (mode.startsWith('container:')) return {};
  const name = network?.network?.name ?? mode;
  return {
    [name]: goStruct({
      IPAMConfig: ip === '' ? null : goStruct({ IPv4Address: ip }),
      Links: nilSlice(),
      Aliases: nilSlice(),
      MacAddress: endpoint.MacAddress,
      NetworkID: endpoint.NetworkID,
      EndpointID: endpoint.EndpointID,
      Gateway: endpoint.Gateway,
      IPAddress: endpoint.IPAddress,
      IPPrefixLen: endpoint.IPPrefixLen,
      IPv6Gateway: '',
      GlobalIPv6Address: '',
      GlobalIPv6PrefixLen: 0,
      DriverOpts: nilMap(''),
      DNSNames: nilSlice(),
    }),
  };
}

/** Where the network namespace is to be found, for `nsenter --net=`. */
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

/** Any 64 digits that no bridge has. */
const SANDBOX = '5a'.repeat(32);

/** Docker gives sandboxes and endpoints random ids; here they follow from the container's, and stay the same. */
export const derivedId = (id: string, other: string): string =>
  [...id].map((digit, i) => (parseInt(digit, 16) ^ parseInt(other[i] ?? '0', 16)).toString(16)).join('');
