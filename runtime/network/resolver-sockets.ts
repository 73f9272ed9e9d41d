/**
 * The resolver's sockets, opened in the container's network namespace by the process that serves the container. A
 * socket belongs to the namespace it was made in, also when another process holds it later.
 */
import { closeSync } from 'node:fs';
import { boundBuffers, takePort } from '../syscall/sockets.ts';
import { inNetns } from './in-netns.ts';

export interface ResolverSockets {
  readonly udp: number;
  /** Listens. */
  readonly tcp: number;
}

/** Octets of a connection: many queries, and a large answer. */
const BUFFER = 1 << 15;

const held = new Map<string, ResolverSockets>();

/** What `names.listen` does. @throws SyscallError EADDRINUSE and so on. */
export function openResolverSockets(netns: string, address: string, port: number): void {
  inNetns(netns, () => {
    const udp = takePort('udp', address, port).fd;
    try {
      const tcp = takePort('tcp', address, port).fd;
      held.set(netns, { udp, tcp });
      boundBuffers(tcp, BUFFER);
    } catch (error) {
      closeSync(udp);
      throw error;
    }
  });
}

/** Hands them over, once; undefined where none were opened. */
export function takeResolverSockets(netns: string): ResolverSockets | undefined {
  const sockets = held.get(netns);
  held.delete(netns);
  return sockets;
}
