/**
 * Sockets as bare descriptors, all of them close-on-exec: for a process that must be able to hand them on, or that
 * has no use for an event loop's objects around them. Each call is the system call of that name and no more.
 */
import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { O_CLOEXEC, O_PATH } from './constants.ts';
import { errnoOf } from './error.ts';
import { hexOfIpv6, isIpv6Text, parseIpv6 } from './inet.ts';
import { bytesOf, call, cString } from './ffi.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** Bytes of a path in a sockaddr_un (unix(7)), its NUL left out. */
const SUN_PATH_MAX = 107;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SHUT_WR = 1;
/** Connections that wait to be accepted; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;

/** Two connected stream sockets. */
export function socketPair(): { readonly here: number; readonly there: number } {
  const ends = new Int32Array(2);
  call('socketpair', AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, bytesOf(ends));
  return { here: ends[0] ?? -1, there: ends[1] ?? -1 };
}

/** A listening, non-blocking stream socket at `path`, where nothing may be yet. */
export function listenUnix(path: string): number {
  return withSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, (socket) => {
    atPath('bind', socket, path);
    call('listen', socket, BACKLOG);
  });
}

/** A blocking stream socket, connected to `path`. @throws SyscallError ENOENT, ECONNREFUSED when nobody listens. */
export function connectUnix(path: string): number {
  return withSocket(AF_UNIX, SOCK_STREAM, (socket) => atPath('connect', socket, path));
}

/**
 * Of a listening socket, for connections of others: what the kernel keeps for each of them, either way. Left alone, it
 * lets a peer that only sends, or never reads, take megabytes of this side's memory.
 */
export function boundBuffers(listener: number, octets: number): void {
  for (const option of [SO_SNDBUF, SO_RCVBUF])
    call('setsockopt', listener, SOL_SOCKET, option, bytesOf(Int32Array.of(octets)), 4);
}

/** The next connection, non-blocking; undefined when none waits, or when it has gone before it was taken. */
export function acceptConnection(listener: number): number | undefined {
  try {
    return call('accept4', listener, 0, 0, SOCK_NONBLOCK | O_CLOEXEC);
  } catch (error) {
    if (['EAGAIN', 'ECONNABORTED', 'EINTR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

/**
 * Takes a port of an address, 0 for one of the kernel's choice; of '::' IPv6 alone. A TCP port is only taken when it listens: with
 * SO_REUSEADDR, which is needed past connections of an earlier owner, a bound socket would let another one listen.
 */
export function takePort(
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): { readonly fd: number; readonly port: number } {
  const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const name = socketAddress(address, port);
  const fd = withSocket(familyOf(address), type | SOCK_NONBLOCK, (socket) => {
    if (protocol === 'tcp') {
      call('setsockopt', socket, SOL_SOCKET, SO_REUSEADDR, bytesOf(Int32Array.of(1)), 4);
    }
    if (isIpv6Text(address))
      call('setsockopt', socket, IPPROTO_IPV6, IPV6_V6ONLY, bytesOf(Int32Array.of(1)), 4);
    call('bind', socket, name, name.length);
    if (protocol === 'tcp') call('listen', socket, BACKLOG);
    call('getsockname', socket, name, bytesOf(Uint32Array.of(name.length)));
  });
  return { fd, port: portOf(name) };
}

/** A non-blocking client's socket that has its port, of the kernel's choice, before it is connected. */
export function clientSocket(
  protocol: 'tcp' | 'udp',
  address = '0.0.0.0',
): { readonly fd: number; readonly port: number } {
  const name = socketAddress(address, 0);
  const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const fd = withSocket(familyOf(address), type | SOCK_NONBLOCK, (socket) => {
    call('bind', socket, name, name.length);
    call('getsockname', socket, name, bytesOf(Uint32Array.of(name.length)));
  });
  return { fd, port: portOf(name) };
}

/** Of a `clientSocket`: once it can be written to, `socketError` tells how it went. @throws SyscallError. */
export function startConnecting(socket: number, address: string, port: number): void {
  try {
    const name = socketAddress(address, port);
    call('connect', socket, name, name.length);
  } catch (error) {
    if (errnoOf(error) !== 'EINPROGRESS') throw error;
  }
}

/** The number of the error that waits at the socket, and takes it from there; 0 for none. */
export function socketError(socket: number): number {
  const value = new Int32Array(1);
  call('getsockopt', socket, SOL_SOCKET, SO_ERROR, bytesOf(value), bytesOf(Uint32Array.of(4)));
  return value[0] ?? 0;
}

/** The other end reads the end of the file; it may go on sending. */
export function endWriting(socket: number): void {
  call('shutdown', socket, SHUT_WR);
}

const familyOf = (address: string): number => (isIpv6Text(address) ? AF_INET6 : AF_INET);

/** struct sockaddr_in or sockaddr_in6: family in the machine's order, port and address in the network's. */
function socketAddress(address: string, port: number): Uint8Array {
  if (isIpv6Text(address)) {
    const six = new Uint8Array(SOCKADDR_IN6);
    six.set(bytesOf(Uint16Array.of(AF_INET6)));
    six.set([port >> 8, port & 0xff], 2);
    // Behind four octets of flow information; the last four are the scope.
    six.set(Buffer.from(hexOfIpv6(parseIpv6(address) ?? 0n), 'hex'), 8);
    return six;
  }
  const name = new Uint8Array(SOCKADDR_IN);
  name.set(bytesOf(Uint16Array.of(AF_INET)));
  name.set([port >> 8, port & 0xff, ...address.split('.').map(Number)], 2);
  return name;
}

const portOf = (name: Uint8Array): number => ((name[2] ?? 0) << 8) | (name[3] ?? 0);

function withSocket(family: number, type: number, use: (socket: number) => void): number {
  const socket = call('socket', family, type | O_CLOEXEC, 0);
  try {
    use(socket);
    return socket;
  } catch (error) {
    closeSync(socket);
    throw error;
  }
}

/** struct sockaddr_un; a path that is too long for it is named through its directory's descriptor. */
function atPath(name: 'bind' | 'connect', socket: number, path: string): void {
  const directory = Buffer.byteLength(path) <= SUN_PATH_MAX ? -1 : openSync(dirname(path), O_PATH);
  const short = directory < 0 ? path : `/proc/self/fd/${String(directory)}/${basename(path)}`;
  try {
    const address = Buffer.concat([bytesOf(Uint16Array.of(AF_UNIX)), cString(short)]);
    call(name, socket, address, address.byteLength);
  } finally {
    if (directory >= 0) closeSync(directory);
  }
}
