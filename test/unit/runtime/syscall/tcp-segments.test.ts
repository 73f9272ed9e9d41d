/** The bytes of a duplicate, by the rules of RFC 791 and RFC 9293. */
import { expect, test } from '@jest/globals';
import { packetOf } from '../../../../runtime/syscall/tcp-segments.ts';

const SEGMENT = {
  ...{ source: '192.0.2.2', sourcePort: 40_000, destination: '172.17.0.2', destinationPort: 80 },
  ...{ end: 10, acknowledged: 0xffff_fffe },
};

test.each([40, 41, 1500])(
  'a segment of %i bytes ends at the sequence number, and its sum is right',
  (size) => {
    const packet = packetOf({ ...SEGMENT, size });
    const view = new DataView(packet.buffer);
    expect(packet).toHaveLength(size);
    expect([...packet.subarray(12, 20)]).toEqual([192, 0, 2, 2, 172, 17, 0, 2]);
    expect([view.getUint16(20), view.getUint16(22)]).toEqual([40_000, 80]);
    expect((view.getUint32(24) + size - 40) % 2 ** 32).toBe(10);
    expect(view.getUint32(28)).toBe(0xffff_fffe);
    // Do not fragment; an acknowledgement and no other flag.
    expect([packet[6], packet[33]]).toEqual([0x40, 0x10]);
    const words = Buffer.concat([packet.subarray(12), Buffer.alloc(size % 2)]);
    let sum = 6 + size - 20;
    for (let at = 0; at < words.length; at += 2) sum += words.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(sum).toBe(0xffff);
  },
);

test.each([60, 61, 1280])('and one of IPv6 with %i bytes', (size) => {
  const ends = { source: '2001:db8::2', destination: 'fd00:a::2' };
  const packet = packetOf({ ...SEGMENT, ...ends, size });
  const view = new DataView(packet.buffer);
  expect(packet).toHaveLength(size);
  expect([packet[0], view.getUint16(4), packet[6], packet[7]]).toEqual([0x60, size - 40, 6, 64]);
  expect(Buffer.from(packet.subarray(8, 40)).toString('hex')).toBe(
    '20010db8000000000000000000000002fd00000a000000000000000000000002',
  );
  expect([view.getUint16(40), view.getUint16(42)]).toEqual([40_000, 80]);
  expect((view.getUint32(44) + size - 60) % 2 ** 32).toBe(10);
  const words = Buffer.concat([packet.subarray(8), Buffer.alloc(size % 2)]);
  let sum = 6 + size - 40;
  for (let at = 0; at < words.length; at += 2) sum += words.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  expect(sum).toBe(0xffff);
});
