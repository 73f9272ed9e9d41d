/**
 * Host ports, reserved by holding a socket bound to each. The kernel is the one register of ports that every program
 * on the host goes by: a busy port is refused before anything is set up, and nobody takes a published one later.
 * Redirection happens before a packet looks for a socket, so these never see the traffic they reserve; should one
 * get a connection all the same (no rules yet, or none any more), the holder closes it.
 *
 * The reservation lasts as long as a process has the descriptors: the shim.
 */
import { closeSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { SyscallError } from '../syscall/error.ts';
import { receiveDatagram } from '../syscall/datagrams.ts';
import { acceptConnection, takePort } from '../syscall/sockets.ts';
import { isIpv6Text } from '../syscall/inet.ts';
import { addressText } from './host-address.ts';
import { describePortHolder } from './port-holder.ts';
import type { PortRequest } from './types.ts';
import type { PortBinding, Protocol } from './types.ts';

const MOST_DROPPED = 1000;
/** Ports that are free for one family only. */
const MOST_TRIED = 100;

export interface PortReservation {
  /** As asked for, in the same order, every host port a real one. */
  readonly bindings: readonly PortBinding[];
  readonly held: readonly HeldPort[];
}

/** A bound socket. */
export interface HeldPort {
  readonly fd: number;
  readonly protocol: Protocol;
  /** Where its connections are to be relayed to; without it they are closed. */
  readonly relay?: { readonly address: string; readonly port: number };
}

/** @throws PORT_IN_USE, PORT_ADDRESS_UNKNOWN or PORTS_EXHAUSTED, holding none of them then. */
export function reservePorts(requests: readonly PortRequest[]): PortReservation {
  const held: HeldPort[] = [];
  const bindings: PortBinding[] = [];
  try {
    for (const [index, request] of requests.entries()) {
      if (request.follows === true) continue;
      const next = requests[index + 1];
      const group = next?.follows === true ? [request, next] : [request];
      const taken = reserveTogether(group);
      for (const [at, { hostIp, containerPort, protocol }] of group.entries()) {
        held.push({ fd: taken.fds[at] ?? -1, protocol });
        bindings.push({ hostIp, hostPort: taken.port, containerPort, protocol });
      }
    }
  } catch (error) {
    releasePorts(held);
    throw error;
  }
  return { bindings, held };
}

export function releasePorts(held: readonly HeldPort[]): void {
  for (const { fd } of held) closeSync(fd);
}

/** Accepts and closes connections to a TCP port that poll(2) reports. */
export function refuseConnections(listener: number): void {
  for (let fd = acceptConnection(listener); fd !== undefined; fd = acceptConnection(listener)) closeSync(fd);
}

/** The same of a port that is relayed: of UDP what waits is dropped. */
export function refuseClients({ fd, protocol }: Pick<HeldPort, 'fd' | 'protocol'>): void {
  if (protocol === 'tcp') refuseConnections(fd);
  else dropDatagrams(fd);
}

/** As many as a socket holds, so that a client that goes on does not keep this process. */
function dropDatagrams(fd: number): void {
  const room = Buffer.alloc(1);
  for (let left = MOST_DROPPED; left > 0 && receiveDatagram(fd, room) !== undefined; left--);
}

/**
 * One port of both families. Where it may be any of several, and the second family does not have the one that is free for
 * the first, another one is tried; the kernel would choose those again if they were not held meanwhile.
 */
function reserveTogether([first, second]: readonly PortRequest[]): {
  readonly port: number;
  readonly fds: readonly number[];
} {
  if (first === undefined) throw new Error('no port is asked for');
  const tried: number[] = [];
  try {
    for (let request = first; ;) {
      const { fd, port } = reserveOne(request);
      if (second === undefined) return { port, fds: [fd] };
      try {
        return { port, fds: [fd, reserveOne({ ...second, hostPort: port }).fd] };
      } catch (error) {
        tried.push(fd);
        const next = nextRequest(first, port);
        const isTaken = error instanceof MinidockError && error.code === 'PORT_IN_USE';
        if (!isTaken || next === undefined || tried.length > MOST_TRIED) throw error;
        request = next;
      }
    }
  } finally {
    // In the end all but the one that was returned.
    for (const fd of tried) closeSync(fd);
  }
}

/** Without those up to `port`; undefined where no other port is wanted. */
function nextRequest(request: PortRequest, port: number): PortRequest | undefined {
  if (request.hostPort === 0) return request;
  const { hostPortEnd = 0 } = request;
  return port < hostPortEnd ? { ...request, hostPort: port + 1 } : undefined;
}

/** A host port of 0 is left to the kernel, which picks a free one of net.ipv4.ip_local_port_range. */
function reserveOne(request: PortRequest): { readonly fd: number; readonly port: number } {
  const first = request.hostPort;
  const last = request.hostPortEnd ?? first;
  for (let port = first; port <= last; port++) {
    try {
      return takePort(request.protocol, request.hostIp, port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cannotBind(request, port, error);
      if (first === last && port !== 0) throw alreadyAllocated(request, port, error);
    }
  }
  const range = first === 0 ? 'of net.ipv4.ip_local_port_range' : `from ${first} to ${last}`;
  throw new MinidockError({
    code: 'PORTS_EXHAUSTED',
    message: `Bind for ${request.hostIp} failed: all ports are allocated`,
    hint: `Every ${request.protocol} port ${range} is in use.`,
    exitCode: 125,
  });
}

function alreadyAllocated({ hostIp, protocol }: PortRequest, port: number, cause: unknown): MinidockError {
  const holder = describePortHolder(protocol, port);
  return new MinidockError({
    code: 'PORT_IN_USE',
    message: `Bind for ${addressText(hostIp)}:${port} failed: port is already allocated`,
    hint: `${holder === undefined ? 'Something on this host' : holder} listens on ${port}/${protocol}: stop it, or publish another port.`,
    exitCode: 125,
    cause,
  });
}

function cannotBind({ hostIp, protocol }: PortRequest, port: number, cause: unknown): MinidockError {
  const { errno, reason } =
    cause instanceof SyscallError ? cause : { errno: '', reason: (cause as Error).message };
  const unknown = errno === 'EADDRNOTAVAIL';
  const exhausted = errno === 'EMFILE';
  return new MinidockError({
    code: unknown ? 'PORT_ADDRESS_UNKNOWN' : 'PORT_UNAVAILABLE',
    message: `listen ${protocol}${isIpv6Text(hostIp) ? '6' : '4'} ${addressText(hostIp)}:${port}: bind: ${reason}`,
    ...(unknown ? { hint: `${hostIp} is not an address of this host: see 'ip address'.` } : {}),
    ...(exhausted
      ? { hint: 'Each published port takes an open file: raise the limit (ulimit -n), or publish fewer.' }
      : {}),
    exitCode: 125,
    cause,
  });
}
