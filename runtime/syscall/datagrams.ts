/**
 * Datagrams as plain system calls, for a process that waits with poll(2) (loops.ts) and answers many peers from one
 * socket. Nothing here blocks: a datagram that the kernel does not take now is lost, as UDP may.
 */
import { errnoOf } from './error.ts';
import { bytesOf, call } from './ffi.ts';

/** Of a sockaddr_in6, the larger one. */
const SOCKADDR_MAX = 28;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

export interface Datagram {
  readonly bytes: Buffer;
  /** The sender's struct sockaddr, as `sendDatagram` takes it. */
  readonly from: Uint8Array;
}

/**
 * The next datagram, read into `room`, which it shares; undefined when none waits.
 * @throws SyscallError ECONNREFUSED from a connected socket whose peer's host said so.
 */
export function receiveDatagram(fd: number, room: Buffer): Datagram | undefined {
  const from = new Uint8Array(SOCKADDR_MAX);
  const size = Uint32Array.of(SOCKADDR_MAX);
  try {
    const length = call('recvfrom', fd, room, room.byteLength, MSG_DONTWAIT, from, bytesOf(size));
    return { bytes: room.subarray(0, length), from: from.subarray(0, size[0]) };
  } catch (error) {
    if (['EAGAIN', 'EINTR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

/**
 * Gives how much the kernel took: all of a datagram or nothing, of a stream perhaps a part. `to` is left out for a
 * connected socket. @throws SyscallError ECONNREFUSED, EPIPE and so on.
 */
export function sendBytes(fd: number, bytes: Uint8Array, to?: Uint8Array): number {
  try {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return call('sendto', fd, bytes, bytes.byteLength, flags, to ?? 0, to?.byteLength ?? 0);
  } catch (error) {
    if (['EAGAIN', 'ENOBUFS', 'EINTR'].includes(errnoOf(error))) return 0;
    throw error;
  }
}
