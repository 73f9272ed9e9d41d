/** `network inspect`: a network in Docker's shape, with the containers that run in it. */
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import { DEFAULT_NETWORK, endpointStates } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';
import { goStruct } from '../go-template/value.ts';
import { derivedId } from './network.ts';
import { sortedStrings } from './values.ts';

/** The networks host and none, which Docker lists too. Their ids are arbitrary but unique. */
export const OTHERS = [
  { name: 'host', driver: 'host', id: '1'.repeat(64) },
  { name: 'none', driver: 'null', id: '2'.repeat(64) },
] as const;

/** Docker sets these on its default network. */
const DEFAULT_OPTIONS: Readonly<Record<string, string>> = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.driver.mtu': '1500',
};

export function inspectNetwork(network: BridgeNetwork, running: readonly Container[]): object {
  const inside = running.flatMap(({ config, state }) =>
    endpointStates(state.network)
      .filter((endpoint) => endpoint.network.id === network.id)
      .map((endpoint) => ({ config, endpoint })),
  );
  return shape({
    name: network.name,
    id: network.id,
    driver: 'bridge',
    created: network.created,
    internal: network.internal ?? false,
    ipv6: network.ipv6 !== undefined,
    config: [
      ...(network.subnet === '' ? [] : [addressPool(network)]),
      ...(network.ipv6 === undefined ? [] : [addressPool(network.ipv6)]),
    ],
    attachable: network.attachable ?? false,
    labels: network.labels ?? {},
    containers: Object.fromEntries(
      inside.map(({ config, endpoint }) => [
        config.id,
        goStruct({
          Name: config.name,
          EndpointID: derivedId(config.id, network.id),
          MacAddress: endpoint.macAddress,
          IPv4Address: withPrefix(endpoint.address, network.subnet),
          IPv6Address: withPrefix(endpoint.address6 ?? '', network.ipv6?.subnet ?? ''),
        }),
      ]),
    ),
    // The bridge's name also where minidock has chosen it, which Docker does not tell.
    options: {
      ...(network.name === DEFAULT_NETWORK ? DEFAULT_OPTIONS : {}),
      ...network.options,
      'com.docker.network.bridge.name': network.bridge,
    },
  });
}

const addressPool = ({
  subnet,
  range,
  gateway,
  reserved,
}: Pick<BridgeNetwork, 'subnet' | 'range' | 'gateway' | 'reserved'>): object =>
  goStruct({
    Subnet: subnet,
    ...(range === undefined ? {} : { IPRange: range }),
    Gateway: gateway,
    ...(reserved === undefined ? {} : { AuxiliaryAddresses: sortedStrings(reserved) }),
  });

const withPrefix = (address: string, subnet: string): string =>
  address === '' ? '' : `${address}/${subnet.split('/')[1] ?? ''}`;

export function inspectOther({ name, driver, id }: (typeof OTHERS)[number]): object {
  return shape({
    name,
    id,
    driver,
    created: '',
    internal: false,
    attachable: false,
    labels: {},
    config: null,
    containers: {},
    options: {},
  });
}

interface Parts {
  readonly name: string;
  readonly id: string;
  readonly driver: string;
  readonly created: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipv6?: boolean;
  /** null without address management. */
  readonly config: readonly object[] | null;
  readonly containers: object;
  readonly options: Readonly<Record<string, string>>;
}

const shape = (parts: Parts): object =>
  goStruct({
    Name: parts.name,
    Id: parts.id,
    Created: parts.created,
    Scope: 'local',
    Driver: parts.driver,
    EnableIPv6: parts.ipv6 ?? false,
    IPAM: goStruct({
      Driver: 'default',
      Options: parts.config === null || parts.name === DEFAULT_NETWORK ? null : {},
      Config: parts.config,
    }),
    Internal: parts.internal,
    Attachable: parts.attachable,
    Ingress: false,
    ConfigFrom: goStruct({ Network: '' }),
    ConfigOnly: false,
    Containers: parts.containers,
    Options: sortedStrings(parts.options),
    Labels: sortedStrings(parts.labels),
  });
