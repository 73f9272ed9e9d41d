import { expect, test } from '@jest/globals';
import {
  containerOf,
  describePortHolder,
  findSocketInodes,
} from '../../../../runtime/network/port-holder.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
`;

test('of the sockets with a port only the one that listens holds it, except for UDP', () => {
  expect(findSocketInodes(TABLE, 'tcp', 8080)).toEqual(['4711']);
  expect(findSocketInodes(TABLE, 'udp', 8080)).toEqual(['4711', '4712']);
  expect(findSocketInodes(TABLE, 'tcp', 80)).toEqual(['4713']);
  expect(findSocketInodes(TABLE, 'tcp', 81)).toEqual([]);
});

test('nobody holds a port that is free', () => {
  expect(describePortHolder('tcp', 1)).toBeUndefined();
});

test('a shim holds a port for its container', () => {
  const id = '0123456789abcdef'.repeat(4);
  expect(containerOf(`/usr/local/bin/minidock\0__shim\0${JSON.stringify({ id, root: '/r' })}\0`)).toBe(id);
  expect(containerOf('nginx\0-g\0daemon off;\0')).toBeUndefined();
  expect(containerOf('')).toBeUndefined();
});
