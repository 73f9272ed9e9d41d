/**
 * IPv6 of a throw-away host, which has none of its own but link-local addresses: the uplink, the machine outside and the
 * internet behind it, as HOST_ADDRESS and its sisters are for IPv4.
 */
import type { TestHost } from './host.ts';
import { succeed } from '../images/image.ts';
import type { Ipv6Block } from '../../../runtime/network/types.ts';
import type { BridgeEndpoint, FirewallBackend, PortBinding } from '../../../runtime/network/types.ts';
import { bridgeEndpoint, bridgeNetwork } from '../wired-container.ts';

export const HOST_ADDRESS6 = '2001:db8:1::2';
export const OUTSIDE_ADDRESS6 = '2001:db8:1::1';
export const INTERNET_ADDRESS6 = '2001:db8:ffff::10';

export async function giveIpv6(host: TestHost): Promise<void> {
  const outside = `ip address add ${OUTSIDE_ADDRESS6}/64 dev eth0 nodad; ip address add ${INTERNET_ADDRESS6}/128 dev lo nodad`;
  await succeed(host.outside(['bash', '-ec', outside]));
  const own = `ip address add ${HOST_ADDRESS6}/64 dev eth0 nodad; ip -6 route add default via ${OUTSIDE_ADDRESS6}`;
  await succeed(host.run(['bash', '-ec', own]));
}

/** For useEngine: IPv6 of the host, and the tables of both firewalls, which stay. */
export async function prepareIpv6(host: TestHost): Promise<void> {
  await giveIpv6(host);
  await succeed(host.minidock('network', 'create', '--ipv6', 'first'));
  for (const firewall of ['nftables', 'iptables']) {
    const flags = ['--rm', '--network', 'first', '--firewall', firewall];
    await succeed(host.minidock('run', ...flags, 'test', 'true'));
  }
  await succeed(host.minidock('network', 'rm', 'first'));
}

/** Network `index` with both families: fd00:INDEX::/64 beside its IPv4. */
export function dualEndpoint(
  index: number,
  last: number,
  firewall: FirewallBackend,
  ports: readonly PortBinding[] = [],
  more: Partial<BridgeEndpoint['network']> = {},
  mode?: Ipv6Block['mode'],
): BridgeEndpoint {
  const ipv6: Ipv6Block = {
    subnet: `fd00:${String(index)}::/64`,
    gateway: `fd00:${String(index)}::1`,
    ...(mode === undefined ? {} : { mode }),
  };
  const network = { ...bridgeNetwork(index), ipv6, ...more };
  return {
    ...bridgeEndpoint(network, last, firewall, ports),
    address6: `fd00:${String(index)}::${String(last)}`,
  };
}
