/** Neighbouring published ports as one group, so that a range of ports is one step and one command. */
import type { HostStep, Undo } from '../../plan/step.ts';
import type { Argv } from '../../plan/argv.ts';
import { addressText, isEveryAddress } from '../host-address.ts';
import type { PortBinding, Protocol } from '../types.ts';

export interface PortGroup {
  readonly hostIp: string;
  readonly protocol: Protocol;
  readonly hostPort: number;
  readonly containerPort: number;
  /** How many ports, counting both numbers up together. */
  readonly count: number;
}

/** Keeps one command line well below the kernel's limit for a single argument (128 KiB, execve(2)). */
const LARGEST_GROUP = 1024;

export function groupPorts(ports: readonly PortBinding[]): readonly PortGroup[] {
  const groups: PortGroup[] = [];
  for (const port of ports) {
    const last = groups.at(-1);
    if (last !== undefined && continues(last, port))
      groups[groups.length - 1] = { ...last, count: last.count + 1 };
    else groups.push({ ...port, count: 1 });
  }
  return groups;
}

/** '8080/tcp', '8080-8089/udp', '127.0.0.1:8080/tcp': the suffix of a step's id. */
export function describeGroup({ hostIp, protocol, hostPort, count }: PortGroup): string {
  const ip = hostIp === '0.0.0.0' ? '' : `${addressText(hostIp)}:`;
  return `${ip}${rangeText(hostPort, count)}/${protocol}`;
}

export const rangeText = (first: number, count: number): string =>
  count === 1 ? String(first) : `${first}-${first + count - 1}`;

function continues(group: PortGroup, port: PortBinding): boolean {
  return (
    group.count < LARGEST_GROUP &&
    group.hostIp === port.hostIp &&
    group.protocol === port.protocol &&
    group.hostPort + group.count === port.hostPort &&
    group.containerPort + group.count === port.containerPort
  );
}

/** What a step that publishes a group is called, whichever tool carries it out. */
export function publishing(group: PortGroup): Pick<HostStep, 'id' | 'section' | 'title'> {
  const where = !isEveryAddress(group.hostIp)
    ? group.hostIp
    : group.hostIp === '::'
      ? 'every IPv6 address of the host'
      : 'every address of the host';
  return {
    id: `port.publish:${describeGroup(group)}`,
    section: 'ports',
    title:
      `Publish ${rangeText(group.hostPort, group.count)} of ${where} as ` +
      `${rangeText(group.containerPort, group.count)}/${group.protocol}`,
  };
}

/**
 * Something of the firewall's that may be there. The check is for iptables, which creates its tables even for a
 * delete; `nft get` sometimes misses an interval during another change.
 */
export interface RemovablePart {
  readonly check?: Argv;
  readonly remove: Argv;
}

/** Every rule of every backend that serves all containers. */
export const SHARED: Undo = {
  kind: 'shared',
  why: 'all containers of this host share these rules, and without containers they match nothing',
};
