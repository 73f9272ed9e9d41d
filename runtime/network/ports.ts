/**
 * Host ports, reserved by holding a socket bound to each. The kernel is the one register of ports that every program
 * on the host goes by: a busy port is refused before anything is set up, and nobody takes a published one later.
 * Redirection happens before a packet looks for a socket, so these never see the traffic they reserve; should one
 * get a connection all the same (no rules yet, or none any more), it is closed at once.
 *
 * The reservation lasts as long as the process that made it: the shim's.
 */
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { MinidockError } from '../errors.ts';
import { describePortHolder } from './port-holder.ts';
import type { PortRequest } from './port-spec.ts';
import type { PortBinding } from './types.ts';

export interface PortReservation {
  /** As asked for, in the same order, every host port a real one. */
  readonly bindings: readonly PortBinding[];
  release(): void;
}

interface Held {
  readonly port: number;
  close(): void;
}

/** Throws PORT_IN_USE, PORT_ADDRESS_UNKNOWN or PORTS_EXHAUSTED, holding none of them then. */
export async function reservePorts(requests: readonly PortRequest[]): Promise<PortReservation> {
  const held: Held[] = [];
  const bindings: PortBinding[] = [];
  const release = (): void => {
    for (const socket of held.splice(0)) socket.close();
  };
  try {
    for (const request of requests) {
      const socket = await reserveOne(request);
      held.push(socket);
      const { hostIp, containerPort, protocol } = request;
      bindings.push({ hostIp, hostPort: socket.port, containerPort, protocol });
    }
  } catch (error) {
    release();
    throw error;
  }
  return { bindings, release };
}

/** A host port of 0 is left to the kernel, which picks a free one of net.ipv4.ip_local_port_range. */
async function reserveOne(request: PortRequest): Promise<Held> {
  const first = request.hostPort;
  const last = request.hostPortEnd ?? first;
  for (let port = first; port <= last; port++) {
    try {
      return await hold(request, port);
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

function hold(request: PortRequest, port: number): Promise<Held> {
  return request.protocol === 'tcp' ? holdTcp(request.hostIp, port) : holdUdp(request.hostIp, port);
}

/** A TCP port is only taken when it listens: a socket merely bound would let another process listen on it. */
function holdTcp(host: string, port: number): Promise<Held> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      server.unref();
      const { port: actual } = server.address() as AddressInfo;
      resolve({ port: actual, close: () => void server.close() });
    });
  });
}

function holdUdp(address: string, port: number): Promise<Held> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.unref();
      resolve({ port: socket.address().port, close: () => void socket.close() });
    });
  });
}

function alreadyAllocated({ hostIp, protocol }: PortRequest, port: number, cause: unknown): MinidockError {
  const holder = describePortHolder(protocol, port);
  return new MinidockError({
    code: 'PORT_IN_USE',
    message: `Bind for ${hostIp}:${port} failed: port is already allocated`,
    hint: `${holder === undefined ? 'Something on this host' : holder} listens on ${port}/${protocol}: stop it, or publish another port.`,
    exitCode: 125,
    cause,
  });
}

function cannotBind({ hostIp, protocol }: PortRequest, port: number, cause: unknown): MinidockError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const unknown = code === 'EADDRNOTAVAIL';
  // What Bun says, without a code, when no descriptor is left.
  const exhausted = code === 'EMFILE' || code === '';
  return new MinidockError({
    code: unknown ? 'PORT_ADDRESS_UNKNOWN' : 'PORT_UNAVAILABLE',
    message: `listen ${protocol}4 ${hostIp}:${port}: bind: ${unknown ? 'cannot assign requested address' : message}`,
    ...(unknown ? { hint: `${hostIp} is not an address of this host: see 'ip address'.` } : {}),
    ...(exhausted
      ? { hint: 'Each published port takes an open file: raise the limit (ulimit -n), or publish fewer.' }
      : {}),
    exitCode: 125,
    cause,
  });
}
