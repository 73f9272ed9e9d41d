import { expect, test } from '@jest/globals';
import {
  contains,
  formatCidr,
  formatIpv4,
  overlaps,
  parseCidr,
  parseIpv4,
  type Cidr,
} from '../../../../runtime/network/ipv4.ts';

const cidr = (text: string): Cidr => parseCidr(text) as Cidr;

test.each([
  ['0.0.0.0', 0],
  ['127.0.0.1', 2130706433],
  ['255.255.255.255', 4294967295],
])('%s is %d and back', (text, value) => {
  expect(parseIpv4(text)).toBe(value);
  expect(formatIpv4(value)).toBe(text);
});

test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.a', ' 1.2.3.4', '::1'])(
  "'%s' is no address",
  (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  },
);

test.each([
  ['172.17.5.9/16', '172.17.0.0/16'],
  ['192.0.2.1/32', '192.0.2.1/32'],
  ['203.0.113.9/0', '0.0.0.0/0'],
  ['255.255.255.255/1', '128.0.0.0/1'],
])('%s names the block %s', (text, block) => {
  expect(formatCidr(cidr(text))).toBe(block);
});

test.each([
  '192.0.2.0',
  '192.0.2.0/33',
  '192.0.2.0/',
  '192.0.2.0/24/1',
  'x/8',
  '192.0.2.0/x8',
  '192.0.2.0/8x',
  '1.2.3.4/008',
])("'%s' is no block", (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test('a block holds its first and its last address and not the next', () => {
  const block = cidr('172.17.0.0/16');
  expect([0, 0xffff, 0x10000, -1].map((offset) => contains(block, block.base + offset))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('blocks overlap whichever of them is the larger', () => {
  expect(overlaps(cidr('172.16.0.0/12'), cidr('172.17.0.0/16'))).toBe(true);
  expect(overlaps(cidr('172.17.3.0/24'), cidr('172.17.0.0/16'))).toBe(true);
  expect(overlaps(cidr('172.18.0.0/16'), cidr('172.17.0.0/16'))).toBe(false);
  expect(overlaps(cidr('0.0.0.0/0'), cidr('255.255.255.255/32'))).toBe(true);
});
