/**
 * The firewall of a container, by either of two means that answer to the same demands:
 *
 *   - a published port is for packets addressed to this host, never for those passing through it;
 *   - it works from outside, from the host, from localhost, from other containers and from the container itself;
 *   - what is published on 127.0.0.1 cannot be reached over the wire;
 *   - a container's own address, and its other ports, cannot be reached from other hosts or other networks;
 *   - a client's address is kept, except where the answer would not find its way back through this host;
 *   - nobody else's rules or policies are touched; chains are our own.
 *
 * IPv6 answers to the same demands, by rules of its own (nftables6.ts, iptables6.ts), which only a network with IPv6 has.
 *
 * Deliberately absent: a proxy process that copies bytes for what the kernel can redirect.
 */
import type { HostStep } from '../../plan/step.ts';
import { isInstalled } from '../../plan/tools.ts';
import type { BridgeEndpoint, BridgeNetwork, FirewallBackend } from '../types.ts';
import type { ForeignFirewall } from './foreign.ts';
import * as iptables from './iptables.ts';
import * as iptables6 from './iptables6.ts';
import type { RemovablePart } from './port-groups.ts';
import * as nftables from './nftables.ts';
import * as nftables6 from './nftables6.ts';

/** What one network has in the firewall, by whichever means its containers were connected. */
export const networkParts = (network: BridgeNetwork): readonly RemovablePart[] => [
  ...(isInstalled('nft') ? nftables.networkParts(network) : []),
  ...(isInstalled('iptables') ? iptables.networkParts(network) : []),
  ...(network.ipv6 === undefined
    ? []
    : [
        ...(isInstalled('nft') ? nftables6.networkParts6(network, network.ipv6) : []),
        ...(isInstalled('ip6tables') ? iptables6.networkParts6(network, network.ipv6) : []),
      ]),
];

/** Shared: the tables and chains, and this network's part in them. */
export function planFirewall(
  endpoint: { readonly network: BridgeNetwork; readonly firewall: FirewallBackend },
  foreign: readonly ForeignFirewall[] = [],
): readonly HostStep[] {
  return endpoint.firewall === 'iptables'
    ? [
        ...iptables.planFirewall(endpoint.network, foreign),
        ...iptables6.planFirewall6(endpoint.network, foreign),
      ]
    : [
        ...nftables.planFirewall(endpoint.network, foreign),
        ...nftables6.planFirewall6(endpoint.network, foreign),
      ];
}

/** This container's own: its published ports, taken back one by one. */
export function planPorts(endpoint: BridgeEndpoint): readonly HostStep[] {
  return endpoint.firewall === 'iptables'
    ? [...iptables.planPorts(endpoint), ...iptables6.planPorts6(endpoint)]
    : [...nftables.planPorts(endpoint), ...nftables6.planPorts6(endpoint)];
}
