/**
 * A segment of an established connection that carries nothing new: it ends where the connection is, so that its
 * receiver takes it for a retransmission, acknowledges it, and drops it (RFC 9293, section 3.10.7.4). It can be as large
 * as the way allows, in either direction, and no program ever sees it.
 */
import { closeSync, writeSync } from 'node:fs';
import { O_CLOEXEC } from './constants.ts';
import { bytesOf, call } from './ffi.ts';
import { formatIpv6, hexOfIpv6, isIpv6Text, parseIpv6 } from './inet.ts';

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const IPPROTO_TCP = 6;
const AF_INET6 = 10;
/** The sizes of sockaddr_in and sockaddr_in6, and where the address is in each. */
const SOCKADDR = { 4: { size: 16, at: 4 }, 6: { size: 28, at: 8 } } as const;
const IP_HEADER = { 4: 20, 6: 40 } as const;
/** Where a header of IP has both addresses. */
const ADDRESSES = { 4: 12, 6: 8 } as const;
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
  const name = new Uint8Array(SOCKADDR[6].size);
  call('getsockname', socket, name, bytesOf(Uint32Array.of(name.length)));
  const largest = ask(socket, TCP_MAXSEG);
  set(socket, TCP_REPAIR, 1);
  try {
    const next = (queue: number): number => {
      set(socket, TCP_REPAIR_QUEUE, queue);
      return ask(socket, TCP_QUEUE_SEQ);
    };
    return { address: addressIn(name), sent: next(SENT), received: next(RECEIVED), largest };
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

/** From the network namespace of this thread. @throws SyscallError EMSGSIZE; EPERM where a rule there drops it. */
export function sendDuplicate(segment: Duplicate): void {
  const six = isIpv6Text(segment.destination);
  const domain = six ? AF_INET6 : AF_INET;
  const { size, at } = SOCKADDR[six ? 6 : 4];
  const socket = call('socket', domain, SOCK_RAW | O_CLOEXEC, IPPROTO_RAW);
  try {
    const to = new Uint8Array(size);
    to.set(bytesOf(Uint16Array.of(domain)));
    to.set(octets(segment.destination), at);
    call('connect', socket, to, to.length);
    writeSync(socket, packetOf(segment));
  } finally {
    closeSync(socket);
  }
}

/** The address of a socket, as a sockaddr holds it. */
function addressIn(name: Uint8Array): string {
  if (new Uint16Array(name.slice(0, 2).buffer)[0] !== AF_INET6) return name.subarray(4, 8).join('.');
  return formatIpv6(BigInt(`0x${Buffer.from(name.subarray(8, 24)).toString('hex')}`));
}

function octets(address: string): readonly number[] {
  if (!isIpv6Text(address)) return address.split('.').map(Number);
  return [...Buffer.from(hexOfIpv6(parseIpv6(address) ?? 0n), 'hex')];
}

/** The headers before the payload, of both protocols. */
export const headersOf = (family: 4 | 6): number => IP_HEADER[family] + TCP_HEADER;

/** Of IPv4 the kernel fills in the length, the id and the checksum (raw(7)); IPv6 has no checksum there. */
export function packetOf(segment: Duplicate): Uint8Array {
  const { source, destination, sourcePort, destinationPort, end, acknowledged, size } = segment;
  const family = isIpv6Text(destination) ? 6 : 4;
  const start = IP_HEADER[family];
  const packet = new Uint8Array(size);
  if (family === 4) packet.set([0x45, 0, 0, 0, 0, 0, DONT_FRAGMENT, 0, 64, IPPROTO_TCP]);
  else packet.set([0x60, 0, 0, 0, (size - start) >> 8, (size - start) & 0xff, IPPROTO_TCP, 64]);
  packet.set([...octets(source), ...octets(destination)], ADDRESSES[family]);
  const tcp = new DataView(packet.buffer, start);
  tcp.setUint16(0, sourcePort);
  tcp.setUint16(2, destinationPort);
  tcp.setUint32(4, (end - (size - headersOf(family))) >>> 0);
  tcp.setUint32(8, acknowledged);
  tcp.setUint8(12, (TCP_HEADER / 4) << 4);
  tcp.setUint8(13, ACK);
  tcp.setUint16(14, WINDOW);
  tcp.setUint16(16, checksum(packet, family));
  return packet;
}

/** RFC 9293, section 3.1, and RFC 8200, section 8.1: over the addresses, the protocol, the length, and the segment. */
function checksum(packet: Uint8Array, family: 4 | 6): number {
  const view = new DataView(packet.buffer);
  const length = packet.length - IP_HEADER[family];
  let sum = IPPROTO_TCP + length;
  // The addresses end the header.
  for (let at = ADDRESSES[family]; at + 1 < packet.length; at += 2) sum += view.getUint16(at);
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
