/**
 * Names that the kernel sees, derived from a container's id. An interface name holds at most 15 bytes (IFNAMSIZ
 * less its terminator), so the id is cut to the 12 digits that people know it by; ids are random, and a clash is
 * refused by the kernel ("File exists") rather than shared.
 */

/** Name of the container's network namespace below /run/netns. */
export const netnsName = (containerId: string): string => `md-${containerId.slice(0, 12)}`;

/** The file that keeps the namespace alive without a process in it, see ip-netns(8). */
export const netnsPath = (netns: string): string => `/run/netns/${netns}`;

/** How the name of every host-side end begins; nothing else on a host is called that. */
export const HOST_VETH_PREFIX = 'mdv';

/**
 * Host-side end of the container's cable; the other end is called eth0 and lives in the namespace. `start` is some
 * hex digits of this start alone: the kernel takes a deleted namespace apart in its own time, and until it has, the
 * cable of the last start still bears its name.
 */
export const hostVethName = (containerId: string, start = ''): string =>
  `${HOST_VETH_PREFIX}${containerId.slice(0, 12 - start.length)}${start}`;

/** What the container calls its end; those of further networks are eth1, eth2 and so on. */
export const interfaceAt = (index: number): string => `eth${index}`;
export const CONTAINER_INTERFACE = interfaceAt(0);
