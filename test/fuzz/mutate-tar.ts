/**
 * Archives that are nearly right. The layers of the comparison with Docker are cut at their blocks and put together
 * anew, and fields get values that break programs. Checksums are mended nearly always: without, no mutation of a header
 * would get past the first test of a reader.
 */
import { allCases } from '../support/layers/all-cases.ts';
import { paxRecord } from '../support/images/tar-bytes.ts';
import type { Random } from './random.ts';

const blockSize = 512;
const most = 40_000;

/** Uncompressed, and small, so that many fit into a second. */
const corpus: readonly Buffer[] = allCases
  .flatMap(({ layers }) => layers.map(({ bytes, plain = bytes }) => plain))
  .filter(({ length }) => length > 0 && length <= most);

const fields = [
  [0, 100],
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [136, 12],
  [156, 1],
  [157, 100],
  [257, 8],
  [329, 8],
  [345, 155],
  [386, 96],
  [482, 1],
  [483, 12],
] as const;

const values: readonly (string | Buffer)[] = [
  ...[
    '',
    '0',
    '7',
    '1777',
    '77777777777',
    '-1',
    'zzz',
    ' 644 ',
    '../..',
    '/',
    '.',
    'a/',
    'd/../../x',
    '.wh.',
    '.wh.d',
  ],
  ...[
    '.wh..wh..opq',
    '.wh..wh.plnk',
    'd',
    'f',
    'l',
    's',
    'ustar\x0000',
    'ustar  \0',
    'x'.repeat(100),
    '\xff\xfe',
  ],
  ...['0', '1', '2', '3', '4', '5', '6', '7', 'S', 'L', 'K', 'x', 'g', 'D', 'V', '\0', 'Q'],
  Buffer.from('80000000000000000000000a', 'hex'),
  Buffer.from('ffffffffffffffffffffffff', 'hex'),
  Buffer.from('807fffffffffffffffffffff', 'hex'),
];

const paxKeys = [
  ...[
    'path',
    'linkpath',
    'size',
    'uid',
    'gid',
    'mtime',
    'atime',
    'SCHILY.xattr.user.a',
    'SCHILY.xattr.trusted.b',
  ],
  ...['GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.map', 'GNU.sparse.size', 'GNU.sparse.realsize'],
  ...[
    'GNU.sparse.name',
    'GNU.sparse.numblocks',
    'GNU.sparse.offset',
    'GNU.sparse.numbytes',
    '__proto__',
    '',
    'a\0b',
  ],
];
const paxValues = [
  ...[
    '',
    '0',
    '1',
    '-1',
    '5',
    '512',
    '4294967296',
    '99999999999999999999',
    '1.5',
    '-0.5',
    'x',
    '1,2,3,4',
    '0,5',
  ],
  ...['../x', '/', 'd/x', '.wh.d', 'n'.repeat(300), '\xff', 'a\0b', '9'.repeat(400), '-9223372036854775808'],
];

export function randomTar(random: Random): Buffer {
  let bytes = Buffer.from(random.pick(corpus));
  for (let left = 1 + random.int(6); left > 0; left--) bytes = mutate(bytes, random);
  if (random.chance(0.95)) mendChecksums(bytes);
  return bytes.subarray(0, 4 * most);
}

function mutate(bytes: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = random.int(Math.floor(bytes.length / blockSize) + 1) * blockSize;
  switch (random.int(8)) {
    case 0:
      return splice(bytes, at, 0, pieceOf(random.pick(corpus), random));
    case 1:
      return splice(bytes, at, blockSize * random.int(4), Buffer.alloc(0));
    case 2:
      return splice(bytes, at, 0, pieceOf(bytes, random));
    case 3:
      return splice(
        bytes,
        random.int(bytes.length + 1),
        random.int(700),
        Buffer.alloc(random.int(700), random.int(256)),
      );
    case 4:
      return splice(bytes, at, 0, paxHeader(random));
    case 5:
      return Buffer.from(random.chance(0.3) ? bytes.subarray(0, random.int(bytes.length + 1)) : bytes);
    case 6: {
      const changed = Buffer.from(bytes);
      if (changed.length > 0) changed[random.int(changed.length)] = random.int(256);
      return changed;
    }
    default:
      return changeField(bytes, at, random);
  }
}

function splice(bytes: Buffer, at: number, remove: number, insert: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

function pieceOf(bytes: Buffer, random: Random): Buffer {
  const start = random.int(Math.floor(bytes.length / blockSize) + 1) * blockSize;
  return bytes.subarray(start, start + blockSize * (1 + random.int(6)));
}

function changeField(bytes: Buffer, at: number, random: Random): Buffer<ArrayBuffer> {
  const changed = Buffer.from(bytes);
  const [offset, length] = random.pick(fields);
  if (at + blockSize > changed.length) return changed;
  const value = Buffer.from(random.pick(values) as string, 'latin1');
  changed.fill(0, at + offset, at + offset + length);
  value.copy(changed, at + offset, 0, length);
  return changed;
}

function paxHeader(random: Random): Buffer {
  const records = Array.from({ length: 1 + random.int(4) }, () =>
    paxRecord(random.pick(paxKeys), Buffer.from(random.pick(paxValues), 'latin1')),
  );
  const body = Buffer.concat(records);
  const block = Buffer.alloc(blockSize);
  block.write('pax', 0);
  block.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  block.write(random.pick(['x', 'x', 'x', 'g', 'X']), 156);
  block.write('ustar\x0000', 257);
  return Buffer.concat([block, body, Buffer.alloc((blockSize - (body.length % blockSize)) % blockSize)]);
}

/** Of all blocks that look like headers. */
function mendChecksums(bytes: Buffer): void {
  for (let at = 0; at + blockSize <= bytes.length; at += blockSize) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    bytes.fill(' ', at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + blockSize; i++) sum += bytes[i] ?? 0;
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
}
