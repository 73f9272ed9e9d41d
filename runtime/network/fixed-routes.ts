/** Settings of a container's interface by which nobody but minidock chooses where it sends to. */
import type { HostStep } from '../plan/step.ts';
import { netnsPath } from './names.ts';
import { NETNS_STEP } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';

/** By the names of sysctl(8); `ipv6`: the kernel has it, `on`: and so has the network. */
export const routesFixedAt = (
  interfaceName: string,
  ipv6: boolean,
  on = false,
): Readonly<Record<string, string>> => ({
  [`net.ipv4.conf.${interfaceName}.accept_redirects`]: '0',
  ...(ipv6
    ? {
        [`net.ipv6.conf.${interfaceName}.accept_ra`]: '0',
        [`net.ipv6.conf.${interfaceName}.accept_redirects`]: '0',
        [`net.ipv6.conf.${interfaceName}.disable_ipv6`]: on ? '0' : '1',
      }
    : {}),
});

/**
 * For an interface of a container that runs, and for any on a network with IPv6: before it comes up, since it would
 * believe a router until then. At its start PID 1 does the same for the others.
 */
export function planFixedRoutes({ netns, interfaceName, ipv6, address6 }: BridgeEndpoint): HostStep {
  const on = address6 !== undefined;
  return {
    id: 'address.fix-routes',
    section: 'address',
    title: `Let no neighbour choose where ${interfaceName} sends to`,
    why:
      'A redirect in the name of the gateway, or a router advertisement, would change the container’s routes; any ' +
      'neighbour can send one. /proc/sys/net shows the settings of the network namespace of the process that opens it, ' +
      'so a program of the host enters the namespace to write them.' +
      (on ? ' IPv6 itself is on, whatever the host’s default for new interfaces is.' : ''),
    without: 'A neighbour sends one packet and gets all that this container sends to the world.',
    command: { kind: 'set-sysctls', netns, settings: routesFixedAt(interfaceName, ipv6, on) },
    undo: { kind: 'freedBy', step: NETNS_STEP },
    observe: ['nsenter', `-n${netnsPath(netns)}`, 'sysctl', `net.ipv4.conf.${interfaceName}`],
  };
}
