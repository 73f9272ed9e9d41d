import { expect, test } from '@jest/globals';
import {
  contains6,
  formatCidr6,
  overlaps6,
  parseCidr6,
  sizeOf6,
  type Cidr6,
} from '../../../../../runtime/network/ipv6/address.ts';
import { canonicalIpv6, formatIpv6, hexOfIpv6, parseIpv6 } from '../../../../../runtime/syscall/inet.ts';

const cidr = (text: string): Cidr6 => parseCidr6(text) as Cidr6;

// RFC 5952, section 4, and the RFC's own examples.
test.each([
  ['::', '::', 0n],
  ['::1', '::1', 1n],
  ['0:0:0:0:0:0:0:1', '::1', 1n],
  ['2001:0DB8::00A1', '2001:db8::a1', 0x20010db80000000000000000000000a1n],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', undefined],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', undefined],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', undefined],
  ['1::', '1::', undefined],
  ['::ffff:192.0.2.1', '::ffff:c000:201', 0xffffc0000201n],
  ['fd00:0:0:0::5', 'fd00::5', undefined],
])('%s is written %s', (text, form, value) => {
  const address = parseIpv6(text) as bigint;
  if (value !== undefined) expect(address).toBe(value);
  expect(formatIpv6(address)).toBe(form);
  expect(canonicalIpv6(form)).toBe(form);
});

test.each([
  '',
  ':',
  ':::',
  '1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '1:2:3:4:5:6:7::8',
  ':1:2:3:4:5:6:7',
  '12345::',
  'g::1',
  'fe80::1%eth0',
  '[::1]',
  '::1/64',
  '::1.2.3',
  '::256.0.0.1',
  '::01.2.3.4',
  '1.2.3.4',
  '../../etc/passwd',
  ' ::1',
])("'%s' is no address", (text) => {
  expect(parseIpv6(text)).toBeUndefined();
  expect(canonicalIpv6(text)).toBeUndefined();
});

test('/proc has addresses as 32 digits', () => {
  expect(hexOfIpv6(1n)).toBe('00000000000000000000000000000001');
});

test.each([
  ['fd00:1:2:3:4::9/64', 'fd00:1:2:3::/64'],
  ['2001:db8::1/128', '2001:db8::1/128'],
  ['2001:db8::9/0', '::/0'],
  ['ffff::/1', '8000::/1'],
])('%s names the block %s', (text, block) => {
  expect(formatCidr6(cidr(text))).toBe(block);
});

test.each(['fd00::', 'fd00::/', 'fd00::/129', 'fd00::/6x', 'fd00::/x6', 'fd00::/64/64', '10.0.0.0/8'])(
  "'%s' is no block",
  (text) => {
    expect(parseCidr6(text)).toBeUndefined();
  },
);

test('a block holds its addresses and overlaps those around and within it', () => {
  const block = cidr('fd00:1::/64');
  expect(sizeOf6(block)).toBe(1n << 64n);
  expect(contains6(block, parseIpv6('fd00:1::ffff') as bigint)).toBe(true);
  expect(contains6(block, parseIpv6('fd00:1:0:1::') as bigint)).toBe(false);
  expect(
    ['fd00::/16', 'fd00:1::/80', 'fd00:1:0:1::/64'].map((other) => overlaps6(block, cidr(other))),
  ).toEqual([true, true, false]);
});
