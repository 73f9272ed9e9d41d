/**
 * A segment of an established connection that carries nothing new: it ends where the connection is, so that its
 * receiver takes it for a retransmission, acknowledges it, and drops it (RFC 9293, section 3.10.7.4). It can be as large
 * as the way allows, in either direction, and no program ever sees it.
 */
import { closeSync, writeSync } from 'node:fs';
import { O_CLOEXEC } from './constants.ts';
import { bytesOf, call } from './ffi.ts';

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const IPPROTO_TCP = 6;
const SOCKADDR_IN = 16;
const IP_HEADER = 20;
const TCP_HEADER = 20;
const DONT_FRAGMENT = 0x40;
const ACK = 0x10;
const WINDOW = 1024;
/** tcp(7), linux/tcp.h. */
const TCP_MAXSEG = 2;
const TCP_INFO = 11;
const TCP_REPAIR = 19;
const TCP_REPAIR_QUEUE = 20;
const TCP_QUEUE_SEQ = 21;
const REPAIR_OFF_WITHOUT_PROBE = -1;
const RECEIVED = 1;
const SENT = 2;
/** struct tcp_info up to tcpi_segs_in. */
const TCP_INFO_SIZE = 144;
const SEGMENTS_IN = 140;

export interface Position {
  /** The client's own address. */
  readonly address: string;
  /** The next sequence numbers. */
  readonly sent: number;
  readonly received: number;
  /** The largest payload that it sends at once. */
  readonly largest: number;
}

/** Of a connected socket. TCP_REPAIR is on for the time of two questions. @throws SyscallError EPERM. */
export function positionOf(socket: number): Position {
  const name = new Uint8Array(SOCKADDR_IN);
  call('getsockname', socket, name, bytesOf(Uint32Array.of(name.length)));
  const largest = ask(socket, TCP_MAXSEG);
  set(socket, TCP_REPAIR, 1);
  try {
    const next = (queue: number): number => {
      set(socket, TCP_REPAIR_QUEUE, queue);
      return ask(socket, TCP_QUEUE_SEQ);
    };
    return { address: name.subarray(4, 8).join('.'), sent: next(SENT), received: next(RECEIVED), largest };
  } finally {
    set(socket, TCP_REPAIR, REPAIR_OFF_WITHOUT_PROBE);
  }
}

/** How many segments have come in on that connection, repeated ones too. */
export function segmentsIn(socket: number): number {
  const info = new Uint8Array(TCP_INFO_SIZE);
  call('getsockopt', socket, IPPROTO_TCP, TCP_INFO, info, bytesOf(Uint32Array.of(info.length)));
  return new DataView(info.buffer).getUint32(SEGMENTS_IN, true);
}

export interface Duplicate {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** The sender's next sequence number, at which the segment ends. */
  readonly end: number;
  readonly acknowledged: number;
  /** In bytes, with both headers. */
  readonly size: number;
}

/** From the network namespace of this thread. @throws SyscallError EMSGSIZE. */
export function sendDuplicate(segment: Duplicate): void {
  const socket = call('socket', AF_INET, SOCK_RAW | O_CLOEXEC, IPPROTO_RAW);
  try {
    const to = new Uint8Array(SOCKADDR_IN);
    to.set(bytesOf(Uint16Array.of(AF_INET)));
    to.set(octets(segment.destination), 4);
    call('connect', socket, to, to.length);
    writeSync(socket, packetOf(segment));
  } finally {
    closeSync(socket);
  }
}

const octets = (address: string): readonly number[] => address.split('.').map(Number);

/** The kernel fills in the length, the id and the checksum of IP (raw(7)). */
export function packetOf(segment: Duplicate): Uint8Array {
  const { source, destination, sourcePort, destinationPort, end, acknowledged, size } = segment;
  const packet = new Uint8Array(size);
  packet.set([0x45, 0, 0, 0, 0, 0, DONT_FRAGMENT, 0, 64, IPPROTO_TCP]);
  packet.set([...octets(source), ...octets(destination)], 12);
  const tcp = new DataView(packet.buffer, IP_HEADER);
  tcp.setUint16(0, sourcePort);
  tcp.setUint16(2, destinationPort);
  tcp.setUint32(4, (end - (size - IP_HEADER - TCP_HEADER)) >>> 0);
  tcp.setUint32(8, acknowledged);
  tcp.setUint8(12, (TCP_HEADER / 4) << 4);
  tcp.setUint8(13, ACK);
  tcp.setUint16(14, WINDOW);
  tcp.setUint16(16, checksum(packet));
  return packet;
}

/** RFC 9293, section 3.1: over the addresses, the protocol, the length, and the segment. */
function checksum(packet: Uint8Array): number {
  const view = new DataView(packet.buffer);
  const length = packet.length - IP_HEADER;
  let sum = IPPROTO_TCP + length;
  for (let at = 12; at + 1 < packet.length; at += 2) sum += view.getUint16(at);
  if (packet.length % 2 === 1) sum += (packet[packet.length - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const set = (socket: number, option: number, value: number): number =>
  call('setsockopt', socket, IPPROTO_TCP, option, bytesOf(Int32Array.of(value)), 4);

function ask(socket: number, option: number): number {
  const value = new Uint32Array(1);
  call('getsockopt', socket, IPPROTO_TCP, option, bytesOf(value), bytesOf(Uint32Array.of(4)));
  return value[0] ?? 0;
}
