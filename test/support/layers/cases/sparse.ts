/** Sparse files in each of GNU's forms. */
import { entryBytes, type TestEntry } from '../../images/tar-bytes.ts';
import { image, type LayerCase, type Piece } from '../layer-case.ts';
import { file, gnuLong, pax } from './entries.ts';

const one = (name: string, ...pieces: readonly Piece[]): LayerCase =>
  image(`sparse: ${name}`, [...pieces, file('after')]);
const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
type Pairs = readonly (readonly [number, number])[];
const stored = (pairs: Pairs): string =>
  pairs.map(([, length], i) => String(i % 10).repeat(Math.max(0, length))).join('');

/** Old GNU: four pairs in the header, 21 in each block behind it. */
function old(pairs: Pairs, realSize: number, rest: Partial<TestEntry> = {}): Buffer {
  const map = (part: Pairs): string => part.map(([offset, length]) => octal(offset) + octal(length)).join('');
  const blocks: Buffer[] = [];
  for (let at = 4; at < pairs.length; at += 21) {
    const block = Buffer.alloc(512);
    block.write(map(pairs.slice(at, at + 21)), 'latin1');
    if (at + 21 < pairs.length) block[504] = 1;
    blocks.push(block);
  }
  const data = rest.data ?? stored(pairs);
  const bytes = entryBytes({
    ...file('s', { gnu: true, data }),
    ...rest,
    type: 'S',
    patch: {
      386: map(pairs.slice(0, 4)),
      482: blocks.length > 0 ? '\x01' : '\0',
      483: octal(realSize),
      ...rest.patch,
    },
  });
  // A PAX header of the entry's own comes first; its two blocks stay there.
  const head =
    rest.pax === undefined ? 512 : bytes.length - 512 - Math.ceil(Buffer.from(data).length / 512) * 512 + 512;
  return Buffer.concat([bytes.subarray(0, head), ...blocks, bytes.subarray(head)]);
}

const many: Pairs = Array.from({ length: 60 }, (_, i) => [i * 1000, 10]);
const oldForms = [
  one(
    'old, holes before and behind',
    old(
      [
        [4096, 5],
        [9000, 7],
      ],
      20_000,
    ),
  ),
  one('old, a hole only', old([], 5000)),
  one(
    'old, a pair of nothing at the end',
    old(
      [
        [0, 5],
        [5000, 0],
      ],
      5000,
    ),
  ),
  one('old, extension blocks', old(many, 60_000)),
  one('old, exactly four', old(many.slice(0, 4), 4000)),
  one('old, exactly five', old(many.slice(0, 5), 5000)),
  one('old, exactly twenty-five', old(many.slice(0, 25), 25_000)),
  one('old, PAX before it', old([[100, 5]], 1000, { pax: { mtime: '5.5', path: 'x/renamed' } })),
  one('old, PAX and extension blocks', old(many, 60_000, { pax: { mtime: '5.5', uid: '7' } })),
  one('old, a long name', gnuLong('L', `l/${'n'.repeat(150)}`), old(many, 60_000)),
  one('old, PAX with its size', old([[100, 5]], 1000, { pax: { size: '5' } })),
  one(
    'old, out of order',
    old(
      [
        [500, 5],
        [100, 5],
      ],
      1000,
    ),
  ),
  one(
    'old, overlapping',
    old(
      [
        [100, 50],
        [120, 50],
      ],
      1000,
    ),
  ),
  one(
    'old, touching',
    old(
      [
        [100, 50],
        [150, 50],
      ],
      1000,
    ),
  ),
  one('old, longer than the file', old([[100, 50]], 120)),
  one('old, less data than the map', old([[100, 50]], 1000, { data: 'x' })),
  one('old, more data than the map', old([[100, 5]], 1000, { data: 'x'.repeat(50) })),
  one('old, no real size', old([[0, 5]], 0)),
  one('old, a real size of letters', old([[0, 5]], 5, { patch: { 483: 'abcdefghijk\0' } })),
  one('old, a pair of letters', old([[0, 5]], 5, { patch: { 386: 'abcdefghijk\0' } })),
  one('old, with POSIX magic', old([[100, 5]], 1000, { gnu: false })),
  one('old, a slash at the end of its name', old([[100, 5]], 1000, { name: 's/' })),
  one('old, far larger than its data', old([[1 << 24, 5]], (1 << 24) + 5)),
];

const map00 = (pairs: Pairs): readonly [string, string][] =>
  pairs.flatMap(([offset, length]): [string, string][] => [
    ['GNU.sparse.offset', String(offset)],
    ['GNU.sparse.numbytes', String(length)],
  ]);
/** 0.0 names a key again and again, which an object cannot. */
const records = (pairs: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(pairs.map(([key, value]) => pax({ [key]: value }).subarray(512)).map(trimmed));
const trimmed = (body: Buffer): Buffer => body.subarray(0, body.lastIndexOf(0x0a) + 1);
const form00 = (pairs: Pairs, realSize: number, ...more: readonly [string, string][]): Buffer =>
  entryBytes({
    name: 'pax',
    type: 'x',
    data: records([
      ['GNU.sparse.size', String(realSize)],
      ['GNU.sparse.numblocks', String(pairs.length)],
      ...map00(pairs),
      ...more,
    ]),
  });
const form01 = (
  map: string,
  realSize: string,
  data: string,
  more: Readonly<Record<string, string>> = {},
): TestEntry =>
  file('GNUSparseFile.0/s', {
    data,
    pax: {
      'GNU.sparse.size': realSize,
      'GNU.sparse.numblocks': String(Math.floor(map.split(',').length / 2)),
      'GNU.sparse.name': 's',
      'GNU.sparse.map': map,
      ...more,
    },
  });
const form10 = (
  map: string,
  realSize: string,
  data: string,
  more: Readonly<Record<string, string>> = {},
): TestEntry =>
  file('GNUSparseFile.0/s', {
    data: `${map.padEnd(Math.ceil(Math.max(1, map.length) / 512) * 512, '\0')}${data}`,
    pax: {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 's',
      'GNU.sparse.realsize': realSize,
      ...more,
    },
  });

const paxForms = [
  one(
    '0.0',
    form00(
      [
        [100, 5],
        [900, 5],
      ],
      1000,
    ),
    file('s', { data: '0000011111' }),
  ),
  one('0.0 with a name', form00([[100, 5]], 1000, ['GNU.sparse.name', 'n']), file('s', { data: '00000' })),
  one(
    '0.0 with a wrong count',
    form00([[100, 5]], 1000, ['GNU.sparse.numblocks', '7']),
    file('s', { data: '00000' }),
  ),
  one(
    '0.0, offset twice',
    form00([], 1000, ['GNU.sparse.offset', '1'], ['GNU.sparse.offset', '2']),
    file('s', { data: '' }),
  ),
  one('0.1', form01('100,5,900,5', '1000', '0000011111')),
  one('0.1 out of order', form01('900,5,100,5', '1000', '0000011111')),
  one('0.1 with a number too many', form01('100,5,900', '1000', '00000')),
  one('0.1 with letters', form01('100,x', '1000', '00000')),
  one('0.1 with an empty map', form01('', '1000', '')),
  one('0.1 with a wrong count', form01('100,5', '1000', '00000', { 'GNU.sparse.numblocks': '3' })),
  one(
    '0.1 and major 0',
    form01('100,5', '1000', '00000', { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1' }),
  ),
  one('1.0', form10('2\n100\n5\n900\n5\n', '1000', '0000011111')),
  one('1.0 with an empty map', form10('0\n', '1000', '')),
  one(
    '1.0 with a long map',
    form10(`60\n${many.map(([o, l]) => `${String(o)}\n${String(l)}\n`).join('')}`, '60000', stored(many)),
  ),
  one('1.0 out of order', form10('2\n900\n5\n100\n5\n', '1000', '0000011111')),
  one('1.0 with letters', form10('1\nx\n5\n', '1000', '00000')),
  one('1.0 without an end', form10('5\n100\n', '1000', '')),
  one('1.0 with a negative number', form10('1\n-5\n5\n', '1000', '00000')),
  one('1.0 of another minor', form10('1\n100\n5\n', '1000', '00000', { 'GNU.sparse.minor': '5' })),
  one('1.0 without a real size', form10('1\n100\n5\n', '', '00000')),
  one(
    '1.0 and an extended header',
    pax({ mtime: '5' }),
    form10('1\n100\n5\n', '1000', '00000', { uid: '7' }),
  ),
  one('1.0 without a name', form10('1\n100\n5\n', '1000', '00000', { 'GNU.sparse.name': '' })),
  one('2.0', form10('1\n100\n5\n', '1000', '00000', { 'GNU.sparse.major': '2' })),
  one('1.0 of a directory', { ...form10('1\n100\n5\n', '1000', '00000'), type: '5' }),
];

export const sparse: readonly LayerCase[] = [...oldForms, ...paxForms];
