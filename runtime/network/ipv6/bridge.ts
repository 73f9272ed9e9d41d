/**
 * A bridge of a network that has IPv6: the gateway's address on it, no router believed on it, and a host that forwards
 * without losing the route that it has itself. All of it is shared, as the rest of the bridge (../bridge.ts).
 */
import type { HostStep, Undo } from '../../plan/step.ts';
import type { BridgeNetwork, Ipv6Block } from '../types.ts';
import { hexOfIpv6, parseIpv6 } from '../../syscall/inet.ts';
import { planRefusal } from './keep-off.ts';

/** Before the bridge is up, and hears anyone. */
export function planIpv6OnBridge(bridge: string, undo: Undo): readonly HostStep[] {
  const write = (
    file: string,
    text: string,
  ): Pick<HostStep, 'section' | 'command' | 'undo' | 'check' | 'observe'> => {
    const path = `/proc/sys/net/ipv6/conf/${bridge}/${file}`;
    return {
      section: 'bridge',
      command: { kind: 'write', path, text },
      undo,
      check: { kind: 'file-contains', path, text },
      observe: ['cat', path],
    };
  };
  return [
    planRefusal({ noun: 'bridge', interfaceName: bridge, undo }),
    {
      id: 'bridge.no-dad',
      title: `Use IPv6 addresses of ${bridge} at once`,
      why:
        'Before the kernel uses an address it asks the link for a second or two whether somebody has it (duplicate ' +
        'address detection). It cannot ask for neighbours in the name of an address that is not certain. On this ' +
        'bridge minidock gives out the addresses.',
      without: 'The first packets to the first container of a network wait for a second, or are lost.',
      ...write('accept_dad', '0'),
    },
    {
      id: 'bridge.enable-ipv6',
      title: `Turn IPv6 on for ${bridge}`,
      why: 'A host may have IPv6 off for new interfaces (net.ipv6.conf.default.disable_ipv6); this network has it.',
      without: 'The gateway gets no IPv6 address: "Permission denied".',
      ...write('disable_ipv6', '0'),
    },
  ];
}

export function planGateway6(bridge: string, { subnet, gateway }: Ipv6Block, undo: Undo): HostStep {
  const prefix = subnet.split('/')[1] ?? '128';
  return {
    id: 'bridge.address6',
    section: 'bridge',
    title: `Give the bridge the IPv6 gateway address ${gateway}`,
    why: "The host is the containers' IPv6 gateway, too. They know it by this address, and not by its advertisements.",
    without: 'The containers reach each other by IPv6 and nobody else.',
    command: { kind: 'run', argv: ['ip', 'address', 'add', `${gateway}/${prefix}`, 'dev', bridge, 'nodad'] },
    undo,
    check: { kind: 'file-contains', path: '/proc/net/if_inet6', text: hexOfIpv6(parseIpv6(gateway) ?? 0n) },
    observe: ['ip', '-6', 'address', 'show', bridge],
  };
}

/**
 * A host that forwards believes no router any more, and forgets the routes that it had from one; accept_ra=2 says that
 * it still does. Docker only warns.
 */
const KEEP_ROUTERS =
  'ip -6 route show proto ra | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p" | sort -u | while read -r dev; do ' +
  'file="/proc/sys/net/ipv6/conf/$dev/accept_ra"; if [ "$(cat "$file")" = 1 ]; then echo 2 >"$file"; fi; done';

export const FORWARDING6 = '/proc/sys/net/ipv6/conf/all/forwarding';

export function planForwarding6({ ipv6 }: BridgeNetwork): readonly HostStep[] {
  if (ipv6 === undefined) return [];
  const shared: Pick<HostStep, 'section' | 'undo' | 'check'> = {
    section: 'nat',
    undo: {
      kind: 'shared',
      why: 'every container with IPv6, and perhaps other software of the host, forwards through it',
    },
    check: { kind: 'file-contains', path: FORWARDING6, text: '1' },
  };
  return [
    {
      ...shared,
      id: 'forwarding.keep-routers',
      title: 'Keep the IPv6 routes that this host has from a router',
      why:
        'A router is not supposed to believe other routers: as soon as a host forwards IPv6, the kernel drops the ' +
        'routes that it learned from router advertisements, and ignores new ones. accept_ra=2 makes an exception for ' +
        'the interfaces that have such a route now.',
      without: 'On a host that learned its IPv6 gateway from a router, IPv6 ends with the next step.',
      command: { kind: 'run', argv: ['sh', '-c', KEEP_ROUTERS] },
      observe: ['ip', '-6', 'route', 'show', 'proto', 'ra'],
    },
    {
      ...shared,
      id: 'forwarding.enable6',
      title: 'Make the host an IPv6 router',
      why: 'The same for IPv6, which has a switch of its own. It is for all interfaces at once.',
      without: 'A container reaches the host and its neighbours by IPv6, and no other machine.',
      command: { kind: 'write', path: FORWARDING6, text: '1' },
      observe: ['cat', FORWARDING6],
    },
  ];
}
