/**
 * Ethernet frames, made by hand: what a container with CAP_NET_RAW may put on its cable, and what no kernel would
 * send in its name. Pure; frame-driver.ts sends them.
 */

export interface Ends {
  readonly source: string;
  readonly destination: string;
}

/** All nodes of the link (RFC 4291), as Ethernet carries it (RFC 2464). */
export const ALL_NODES = { address: 'ff02::1', mac: '33:33:00:00:00:01' };

/** A bridge hands frames for this address (LLDP, IEEE 802.1AB) to the port they came in by, never to itself. */
export const PORT_ITSELF = '01:80:c2:00:00:0e';

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const PROTOCOL = { icmp: 1, udp: 17, icmpv6: 58 } as const;

export interface Payload {
  readonly protocol: keyof typeof PROTOCOL;
  /** Its checksum still zero, at `checksumAt`. */
  readonly bytes: Buffer;
  readonly checksumAt: number;
}

export const frame = (mac: Ends, type: keyof typeof ETHERTYPE, packet: Buffer): Buffer =>
  Buffer.concat([macBytes(mac.destination), macBytes(mac.source), uint16(ETHERTYPE[type]), packet]);

/** RFC 791, without options. */
export function ipv4({ source, destination }: Ends, payload: Payload): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(header.length + payload.bytes.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(PROTOCOL[payload.protocol], 9);
  ipv4Bytes(source).copy(header, 12);
  ipv4Bytes(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  // ICMP alone is summed up without the addresses.
  const pseudo =
    payload.protocol === 'icmp'
      ? Buffer.alloc(0)
      : Buffer.concat([
          header.subarray(12, 20),
          uint16(PROTOCOL[payload.protocol]),
          uint16(payload.bytes.length),
        ]);
  return Buffer.concat([header, summed(payload, pseudo)]);
}

/** RFC 8200. The hop limit is 255, which neighbour discovery insists on. */
export function ipv6({ source, destination }: Ends, payload: Payload): Buffer {
  const addresses = Buffer.concat([ipv6Bytes(source), ipv6Bytes(destination)]);
  const next = PROTOCOL[payload.protocol];
  const length = payload.bytes.length;
  const pseudo = Buffer.concat([addresses, uint32(length), uint32(next)]);
  const header = Buffer.concat([uint32(0x60000000), uint16(length), Buffer.from([next, 255]), addresses]);
  return Buffer.concat([header, summed(payload, pseudo)]);
}

const EXTENSION = { hopByHop: 0, fragment: 44, destinationOptions: 60 } as const;

/** The IPv6 packet with headers between its own and its payload's, each eight bytes of padding (RFC 8200, 4.2). */
export function extended(
  packet: Buffer,
  headers: readonly Exclude<keyof typeof EXTENSION, 'fragment'>[],
): Buffer {
  return headers.reduceRight((inner, header) => {
    const padding = Buffer.from([inner.readUInt8(6), 0, 1, 4, 0, 0, 0, 0]);
    return rebuilt(inner, EXTENSION[header], Buffer.concat([padding, inner.subarray(40)]));
  }, packet);
}

/** The IPv6 packet in fragments of `size` bytes, a multiple of eight (RFC 8200, 4.5). */
export function fragments(packet: Buffer, size: number, id: number): readonly Buffer[] {
  const payload = packet.subarray(40);
  const count = Math.ceil(payload.length / size);
  return Array.from({ length: count }, (_, index) => {
    const offset = index * size;
    const more = index + 1 < count ? 1 : 0;
    const header = Buffer.concat([Buffer.from([packet.readUInt8(6), 0]), uint16(offset | more), uint32(id)]);
    return rebuilt(
      packet,
      EXTENSION.fragment,
      Buffer.concat([header, payload.subarray(offset, offset + size)]),
    );
  });
}

function rebuilt(packet: Buffer, next: number, payload: Buffer): Buffer {
  const header = Buffer.from(packet.subarray(0, 40));
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(next, 6);
  return Buffer.concat([header, payload]);
}

export function udp(from: number, to: number, text: string): Payload {
  const data = Buffer.from(text);
  const bytes = Buffer.concat([uint16(from), uint16(to), uint16(8 + data.length), uint16(0), data]);
  return { protocol: 'udp', bytes, checksumAt: 6 };
}

/** RFC 4861: "I am a router for an hour, and this prefix is on the link: make yourselves addresses of it." */
export function routerAdvertisement(prefix: string): Payload {
  const advertisement = Buffer.concat([Buffer.from([134, 0, 0, 0, 64, 0]), uint16(3600), Buffer.alloc(8)]);
  const information = Buffer.concat([
    Buffer.from([3, 4, 64, 0xc0]),
    uint32(7200),
    uint32(3600),
    uint32(0),
    ipv6Bytes(prefix),
  ]);
  return { protocol: 'icmpv6', bytes: Buffer.concat([advertisement, information]), checksumAt: 2 };
}

/** RFC 792: "send what you sent there by way of this gateway from now on". `sent` is the packet that is quoted. */
export function redirect(gateway: string, sent: Buffer): Payload {
  const bytes = Buffer.concat([Buffer.from([5, 1, 0, 0]), ipv4Bytes(gateway), sent.subarray(0, 28)]);
  return { protocol: 'icmp', bytes, checksumAt: 2 };
}

/** RFC 792. A kernel follows a redirect that quotes one from any sender, since no socket sends these. */
export const echoReply = (): Payload => ({
  protocol: 'icmp',
  bytes: Buffer.from([0, 0, 0, 0, 0, 7, 0, 1]),
  checksumAt: 2,
});

function summed({ bytes, checksumAt }: Payload, pseudo: Buffer): Buffer {
  const result = Buffer.from(bytes);
  result.writeUInt16BE(checksum(Buffer.concat([pseudo, bytes])), checksumAt);
  return result;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

function ipv6Bytes(address: string): Buffer {
  const [head = [], tail = []] = address
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((word) => parseInt(word, 16))));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Buffer.concat([...head, ...zeros, ...tail].map(uint16));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
