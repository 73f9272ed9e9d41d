/** Archives that mean harm by their size: each is refused, or read, in little time and memory. */
import { describe, expect, test } from '@jest/globals';
import { TarReader } from '../../../../images/unpack/tar-reader.ts';
import { entryBytes, tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';

/** Reads an archive piece by piece; what is wrong with it. */
function read(pieces: Iterable<Buffer>): string {
  const reader = new TarReader({ entry: () => undefined, data: () => undefined, end: () => undefined });
  try {
    for (const piece of pieces) reader.write(piece);
    reader.finish();
    return 'fine';
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
}

const sparse1 = (data: Buffer): TestEntry => ({
  name: 's',
  data,
  pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9007199254740991' },
});

describe('the map of a sparse file', () => {
  test('of 32 MB is read once, not once a block', () => {
    // Of the processor, which a busy machine shares out.
    const begin = process.cpuUsage();
    const lines = Buffer.from(`900000\n${'1\n'.repeat(16 << 20)}`.slice(0, 32 << 20));
    expect(read([tarOf(sparse1(lines))])).toBe(
      'LAYER_CORRUPT: corrupt layer: the map of a sparse file is out of order',
    );
    const { user, system } = process.cpuUsage(begin);
    expect((user + system) / 1000).toBeLessThan(10_000);
  });

  test('that never ends', () => {
    const header = entryBytes({ ...sparse1(Buffer.alloc(0)), size: 2 ** 32 });
    function* pieces(): Generator<Buffer> {
      yield header;
      for (let i = 0; i < 70; i++) yield Buffer.alloc(1 << 20, '1');
    }
    expect(read(pieces())).toContain('the map of a sparse file has no end');
  });

  test('of GNU that never ends', () => {
    const field = `${'0'.repeat(10)}1\0`;
    const header = entryBytes({
      name: 's',
      type: 'S',
      gnu: true,
      patch: { 386: (field + field).repeat(4), 482: '\x01', 483: field },
    });
    const extension = Buffer.alloc(512);
    extension.write((field + field).repeat(21));
    extension[504] = 1;
    function* pieces(): Generator<Buffer> {
      yield header;
      const many = Buffer.concat(Array<Buffer>(2048).fill(extension));
      for (let i = 0; i < 100; i++) yield many;
    }
    expect(read(pieces())).toContain('the map of a sparse file has no end');
  });

  test('in one record of a megabyte', () => {
    const map = `${'1,'.repeat(499_999)}1`;
    const pax = { 'GNU.sparse.size': '5', 'GNU.sparse.numblocks': '250000', 'GNU.sparse.map': map };
    expect(read([tarOf({ name: 's', pax })])).toMatch(
      /^LAYER_CORRUPT: corrupt layer: the map of a sparse file/,
    );
  });
});

test.each([
  [
    'a size beyond every disk',
    { name: 'a', patch: { 124: Buffer.from([0x80, 0, 0, 0, 0x7f, ...Array<number>(7).fill(0xff)]) } },
  ],
  ['a negative size', { name: 'a', patch: { 124: Buffer.alloc(12, 0xff) } }],
  ['a size that is no number', { name: 'a', patch: { 124: 'zzzzzzzzzzz' } }],
  ['a size in a record that is no number', { name: 'a', pax: { size: '1e999' } }],
  ['a size in a record beyond every number', { name: 'a', pax: { size: '9'.repeat(30) } }],
  ['an extension of a gigabyte', { name: 'x', type: 'x', size: 1 << 30 }],
  ['a record longer than its header', { name: 'x', type: 'x', data: '999 a=b\n' }],
  ['a record without an end', { name: 'x', type: 'x', data: '7 a=bcd' }],
  ['a record of length 0', { name: 'x', type: 'x', data: '0 a=b\n' }],
])('%s', (_, entry) => {
  expect(read([tarOf(entry)])).toMatch(/^LAYER_CORRUPT: /);
});
