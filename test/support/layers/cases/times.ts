/** Times of each kind of entry: before 1970, fractions, far away. */
import { entryBytes, type TestEntry } from '../../images/tar-bytes.ts';
import { image, type LayerCase } from '../layer-case.ts';
import { dir, file, hardLink, symlink } from './entries.ts';

const seconds = [
  ...[
    '0',
    '0.5',
    '1.000000001',
    '1700000000.123456789',
    '1700000000.1234567899',
    '5.',
    '-0',
    '-0.5',
    '-1',
    '-1.25',
  ],
  ...['-100.000000001', '-2147483648', '2147483648', '4294967296.5', '9223372036', '9223372036.854775807'],
  ...['9223372037', '15032385535', '15032385536', '253402300800', '99999999999', '99999999999999'],
  ...['9999999999999999', '-62135596800', '-62135596801', '-9999999999', '-99999999999999', ''],
  ...['abc', '1e9', '.5', '-.5', '+5', ' 5', '5 ', '1.5.5', '1.-5', '0x10', '1.a', '--5'],
];

const ofAll = seconds.map((mtime) => {
  const pax = { mtime };
  return image(`time: ${mtime} of each kind`, [
    file('f', { pax }),
    dir('d', { pax }),
    symlink('l', 'f', { pax }),
    { ...file('p', { data: '', pax }), type: '6' },
  ]);
});

const base256 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(12, value < 0n ? 0xff : 0);
  bytes.writeBigInt64BE(value, 4);
  if (value >= 0n) bytes[0] = 0x80;
  return bytes;
};
const inHeader = (value: bigint): Buffer => {
  const kinds: readonly TestEntry[] = [file('f'), dir('d'), symlink('l', 'f')];
  return Buffer.concat(
    kinds.map((entry) => entryBytes({ ...entry, gnu: true, patch: { 136: base256(value) } })),
  );
};
const headers = [5n, -1n, -2_000_000_000n, 5_000_000_000n, 1n << 33n, 1n << 40n, (1n << 62n) + 5n].map(
  (value) => image(`time: ${String(value)} in base 256`, [inHeader(value)]),
);

export const times: readonly LayerCase[] = [
  ...ofAll,
  ...headers,
  image('time: of directories that are added to', [
    dir('d', { mtime: 5 }),
    dir('d/e', { mtime: 6 }),
    file('d/e/f', { mtime: 7 }),
  ]),
  image('time: of a directory listed after its files', [file('d/f', { mtime: 7 }), dir('d', { mtime: 5 })]),
  image('time: of a directory listed twice', [dir('d', { mtime: 5 }), file('d/f'), dir('d', { mtime: 6 })]),
  image(
    'time: of a directory below, added to',
    [dir('d', { mtime: 5 })],
    [dir('d', { mtime: 6 }), file('d/f')],
  ),
  image('time: of a directory with access time', [dir('d', { pax: { atime: '9', mtime: '5' } })]),
  image('time: of a hard link', [file('f', { mtime: 5 }), hardLink('l', 'f', { mtime: 6 })]),
];
