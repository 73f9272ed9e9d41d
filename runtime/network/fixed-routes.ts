/** Settings of a container's interface by which nobody but minidock chooses where it sends to. */
import type { HostStep } from '../plan/step.ts';
import { netnsPath } from './names.ts';
import { NETNS_STEP } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';

/** By the names of sysctl(8); `ipv6`: the kernel has it. */
export const routesFixedAt = (interfaceName: string, ipv6: boolean): Readonly<Record<string, string>> => ({
  [`net.ipv4.conf.${interfaceName}.accept_redirects`]: '0',
  ...(ipv6
    ? {
        [`net.ipv6.conf.${interfaceName}.accept_ra`]: '0',
        [`net.ipv6.conf.${interfaceName}.accept_redirects`]: '0',
        [`net.ipv6.conf.${interfaceName}.disable_ipv6`]: '1',
      }
    : {}),
});

/** For an interface of a container that runs. At its start PID 1 does the same for all interfaces there are. */
export function planFixedRoutes({ netns, interfaceName, ipv6 }: BridgeEndpoint): HostStep {
  const writes = Object.entries(routesFixedAt(interfaceName, ipv6)).map(
    ([key, value]) => `echo ${value} >/proc/sys/${key.replaceAll('.', '/')}`,
  );
  return {
    id: 'address.fix-routes',
    section: 'address',
    title: `Let no neighbour choose where ${interfaceName} sends to`,
    why:
      'A redirect in the name of the gateway, or a router advertisement, would change the container’s routes; any ' +
      'neighbour can send one. /proc/sys/net shows the settings of the network namespace of the process that opens it, ' +
      'so a program of the host enters the namespace to write them.',
    without: 'A neighbour sends one packet and gets all that this container sends to the world.',
    command: {
      kind: 'run',
      argv: ['nsenter', `-n${netnsPath(netns)}`, 'sh', '-e', '-c', writes.join('; ')],
    },
    undo: { kind: 'freedBy', step: NETNS_STEP },
    observe: ['nsenter', `-n${netnsPath(netns)}`, 'sysctl', `net.ipv4.conf.${interfaceName}`],
  };
}
