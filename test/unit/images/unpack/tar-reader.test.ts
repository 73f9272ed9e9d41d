import { describe, expect, test } from '@jest/globals';
import type { TarEntry } from '../../../../images/unpack/tar-entry.ts';
import { TarReader } from '../../../../images/unpack/tar-reader.ts';
import { entryBytes, paxBody, paxRecord, tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';

interface Read {
  readonly entry: TarEntry;
  readonly data: string;
}

function read(archive: Buffer, chunkSize = archive.length): Read[] {
  const found: { entry: TarEntry; data: Buffer[]; ended: boolean }[] = [];
  const reader = new TarReader({
    entry: (entry) => found.push({ entry, data: [], ended: false }),
    data: (chunk) => found.at(-1)?.data.push(Buffer.from(chunk)),
    end: () => {
      const last = found.at(-1);
      if (last !== undefined) last.ended = true;
    },
  });
  for (let at = 0; at < archive.length; at += chunkSize) reader.write(archive.subarray(at, at + chunkSize));
  reader.finish();
  expect(found.every(({ ended }) => ended)).toBe(true);
  return found.map(({ entry, data }) => ({ entry, data: Buffer.concat(data).toString('latin1') }));
}

const one = (entry: TestEntry): TarEntry => read(tarOf(entry))[0]?.entry as TarEntry;

describe('names', () => {
  test('ustar prefix and name are joined', () => {
    expect(one({ name: 'name', prefix: 'some/dir' }).path).toBe('some/dir/name');
  });

  test("GNU's header uses the prefix's place for other things", () => {
    expect(one({ name: 'name', gnu: true, patch: { 345: '14524770000\0' } }).path).toBe('name');
  });

  test("GNU's long names and long links", () => {
    const long = `${'d/'.repeat(90)}end`;
    const archive = Buffer.concat([
      entryBytes({ name: '././@LongLink', type: 'L', data: `${long}\0` }),
      entryBytes({ name: '././@LongLink', type: 'K', data: `${long}-target\0` }),
      tarOf({ name: 'short', type: '2', link: 'short-target' }),
    ]);
    const [first] = read(archive);
    expect(first?.entry).toMatchObject({ path: long, linkpath: `${long}-target`, type: 'symlink' });
  });

  test('GNU’s names win over PAX’s, and empty ones over none', () => {
    const long = (type: string, text: string): Buffer => entryBytes({ name: 'l', type, data: `${text}\0` });
    const [first, second] = read(
      Buffer.concat([
        long('L', 'gnu'),
        entryBytes({ name: 'x', pax: { path: 'pax' } }),
        long('L', ''),
        tarOf({ name: 'own', pax: { path: '', linkpath: '' }, type: '2', link: 'link' }),
      ]),
    );
    expect(first?.entry.path).toBe('gnu');
    expect(second?.entry).toMatchObject({ path: 'own', linkpath: 'link' });
  });

  test('PAX names win, hold any character, and last for one entry', () => {
    const [first, second] = read(
      tarOf({ name: 'x', pax: { path: 'line\nbreak=1', linkpath: 'to\nthere' }, type: '2' }, { name: 'y' }),
    );
    expect(first?.entry).toMatchObject({ path: 'line\nbreak=1', linkpath: 'to\nthere' });
    expect(second?.entry.path).toBe('y');
  });

  test('names that are not UTF-8 stay bytes', () => {
    expect(one({ name: Buffer.from([0x66, 0xff, 0xfe]) }).path).toBe('f\xff\xfe');
  });
});

describe('numbers', () => {
  test('base 256 for large ones', () => {
    const uid = Buffer.from([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xfe]);
    expect(one({ name: 'a', patch: { 108: uid } }).uid).toBe(0x7ffffffe);
  });

  test('PAX numbers and times win over the header, to the nanosecond', () => {
    const entry = one({ name: 'a', pax: { uid: '4000000000', gid: '7', mtime: '1700000000.123456789' } });
    expect(entry).toMatchObject({ uid: 4_000_000_000, gid: 7, mtime: 1_700_000_000_123_456_789n });
  });

  test('times before 1970', () => {
    expect(one({ name: 'a', pax: { mtime: '-1.5' } }).mtime).toBe(-1_500_000_000n);
  });

  test('device numbers in both formats', () => {
    for (const gnu of [true, false]) {
      expect(one({ name: 'd', type: '3', gnu, major: 10, minor: 229 })).toMatchObject({
        major: 10,
        minor: 229,
      });
    }
  });

  test('setuid, setgid and sticky are kept, file type bits are not', () => {
    expect(one({ name: 'a', mode: 0o107755 }).mode).toBe(0o7755);
  });
});

describe('attributes', () => {
  test('SCHILY.xattr is binary, newlines and zeros included', () => {
    const value = Buffer.from([1, 0, 0, 2, 0x0a, 0xff, 0x3d, 0]);
    const entry = one({ name: 'ping', pax: { 'SCHILY.xattr.security.capability': value } });
    expect(Buffer.from(entry.xattrs.get('security.capability') ?? [])).toEqual(value);
  });

  test('LIBARCHIVE.xattr is left out, as in Docker', () => {
    expect(one({ name: 'a', pax: { 'LIBARCHIVE.xattr.user.a': 'aGVsbG8=' } }).xattrs.size).toBe(0);
  });
});

describe('sparse files', () => {
  const segments = [
    { offset: 0, length: 4 },
    { offset: 4096, length: 4 },
  ];
  const stored = 'headtail';

  test('old GNU', () => {
    const field = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
    const map = segments.map(({ offset, length }) => field(offset) + field(length)).join('');
    const [file] = read(
      tarOf({ name: 's', type: 'S', gnu: true, data: stored, patch: { 386: map, 483: field(5000) } }),
    );
    expect(file).toMatchObject({
      data: stored,
      entry: { type: 'file', sparse: { realSize: 5000, segments } },
    });
  });

  test('old GNU with an extension block', () => {
    const field = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
    const pieces = [0, 1, 2, 3, 4, 5].map((i) => ({ offset: i * 1000, length: 1 }));
    const fields = pieces.map(({ offset, length }) => field(offset) + field(length));
    const extension = Buffer.alloc(512);
    extension.write(fields.slice(4).join(''), 'latin1');
    const header = entryBytes({
      name: 's',
      type: 'S',
      gnu: true,
      size: 6,
      patch: { 386: fields.slice(0, 4).join(''), 482: '\x01', 483: field(9000) },
    });
    const [file, next] = read(
      Buffer.concat([header, extension, Buffer.from('abcdef'.padEnd(512, '\0')), tarOf({ name: 'next' })]),
    );
    expect(file).toMatchObject({ data: 'abcdef', entry: { sparse: { realSize: 9000, segments: pieces } } });
    expect(next?.entry.path).toBe('next');
  });

  test('PAX 0.0, whose records repeat', () => {
    const records = [
      ['GNU.sparse.size', '5000'],
      ['GNU.sparse.numblocks', '2'],
    ].concat(
      segments.flatMap(({ offset, length }) => [
        ['GNU.sparse.offset', String(offset)],
        ['GNU.sparse.numbytes', String(length)],
      ]),
    );
    const body = Buffer.concat(records.map(([key, value]) => paxRecord(key ?? '', Buffer.from(value ?? ''))));
    const [file] = read(
      Buffer.concat([entryBytes({ name: 'p', type: 'x', data: body }), tarOf({ name: 's', data: stored })]),
    );
    expect(file).toMatchObject({ data: stored, entry: { sparse: { realSize: 5000, segments } } });
  });

  test('PAX 0.1', () => {
    const pax = {
      'GNU.sparse.size': '5000',
      'GNU.sparse.numblocks': '2',
      'GNU.sparse.name': 'real',
      'GNU.sparse.map': '0,4,4096,4',
    };
    const [file] = read(tarOf({ name: 'GNUSparseFile.0/s', data: stored, pax }));
    expect(file).toMatchObject({
      data: stored,
      entry: { path: 'real', sparse: { realSize: 5000, segments } },
    });
  });

  test('PAX 1.0, whose map stands before the data', () => {
    const pax = {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 'real',
      'GNU.sparse.realsize': '5000',
    };
    const map = '2\n0\n4\n4096\n4\n'.padEnd(512, '\0');
    const archive = tarOf({ name: 'GNUSparseFile.0/s', data: map + stored, pax }, { name: 'next' });
    const [file, next] = read(archive);
    expect(file).toMatchObject({
      data: stored,
      entry: { path: 'real', sparse: { realSize: 5000, segments } },
    });
    expect(next?.entry.path).toBe('next');
  });

  test('a map that does not fit its data is corrupt', () => {
    const two = { 'GNU.sparse.size': '5000', 'GNU.sparse.numblocks': '2' };
    const pax = { ...two, 'GNU.sparse.map': '0,4,4096,400' };
    expect(() => read(tarOf({ name: 's', data: stored, pax }))).toThrow(
      /corrupt layer: the map of a sparse file/,
    );
    const back = { ...two, 'GNU.sparse.map': '4096,4,0,4' };
    expect(() => read(tarOf({ name: 's', data: stored, pax: back }))).toThrow(/out of order/);
  });
});

describe('kinds of entry', () => {
  test('a file whose name ends in a slash is a directory, as in old archives', () => {
    expect(one({ name: 'dir/', type: '\0' }).type).toBe('dir');
    expect(one({ name: 'file/' }).type).toBe('file');
  });

  test('a link with a size has no data behind it', () => {
    const archive = Buffer.concat([
      entryBytes({ name: 'l', type: '1', link: 'a', size: 700 }),
      tarOf({ name: 'b' }),
    ]);
    expect(read(archive).map(({ entry }) => entry.path)).toEqual(['l', 'b']);
  });

  test('a volume label is no file', () => {
    expect(read(tarOf({ name: 'label', type: 'V' }, { name: 'a' })).map(({ entry }) => entry.path)).toEqual([
      'a',
    ]);
  });

  test('an unknown kind is corrupt', () => {
    expect(() => read(tarOf({ name: 'a', type: 'Q' }))).toThrow(/unknown type "Q"/);
  });

  test('global records are checked and then ignored, as in Docker', () => {
    const global = (records: Record<string, string>): Buffer =>
      entryBytes({ name: 'g', type: 'g', data: paxBody(records) });
    const archive = Buffer.concat([global({ uid: '5', path: 'x' }), tarOf({ name: 'a', uid: 3 })]);
    expect(read(archive).map(({ entry }) => [entry.path, entry.uid])).toEqual([['a', 3]]);
    expect(() => read(Buffer.concat([global({ uid: 'x' }), tarOf()]))).toThrow(
      /uid=x, which is not a number/,
    );
  });
});

describe('what is broken', () => {
  test('every way to cut the stream into chunks reads the same', () => {
    const archive = tarOf(
      { name: 'a', data: 'x'.repeat(700), pax: { 'SCHILY.xattr.user.x': 'y'.repeat(600) } },
      { name: 'dir/', type: '5' },
      { name: 'b', data: 'end' },
    );
    const whole = read(archive);
    expect(whole.map(({ data }) => data.length)).toEqual([700, 0, 3]);
    for (const size of [1, 7, 511, 512, 513, 1000]) expect(read(archive, size)).toEqual(whole);
  });

  test('a truncated archive, wherever it is cut', () => {
    const archive = tarOf({ name: 'a', data: 'x'.repeat(700), pax: { path: 'b' } });
    for (const length of [100, 515, 1500, 1536, 2000, 1536 + 699]) {
      expect(() => read(archive.subarray(0, length))).toThrow(/corrupt layer/);
    }
  });

  test('an archive that ends where nothing of a file is missing', () => {
    const archive = tarOf({ name: 'a', data: 'x'.repeat(700) });
    for (const size of [1, 512, archive.length]) {
      for (const end of [512 + 700, 512 + 701, 512 + 1023, 512 + 1024, 512 + 1024 + 512]) {
        expect(read(archive.subarray(0, end), size).map(({ data }) => data.length)).toEqual([700]);
      }
    }
    const extended = tarOf({ name: 'a', pax: { path: 'b' } });
    for (const end of [512 + 10, 1024]) expect(read(extended.subarray(0, end))).toEqual([]);
  });

  test('numbers that are none', () => {
    for (const at of [100, 108, 116, 124, 136]) {
      expect(() => read(tarOf({ name: 'a', patch: { [at]: 'letters' } }))).toThrow(/impossible/);
    }
  });

  test('a checksum of signed bytes', () => {
    const archive = tarOf({ name: 'ü' });
    const sum = parseInt(archive.toString('latin1', 148, 154), 8);
    archive.write((sum - 512).toString(8).padStart(6, '0'), 148, 'latin1');
    expect(read(archive)).toHaveLength(1);
  });

  test('an empty block between entries', () => {
    const archive = Buffer.concat([entryBytes({ name: 'a' }), Buffer.alloc(512), tarOf({ name: 'b' })]);
    expect(() => read(archive)).toThrow(/an empty block stands between its entries/);
  });

  test('an archive without its two empty blocks is whole', () => {
    expect(read(entryBytes({ name: 'a', data: 'x' }))).toHaveLength(1);
  });

  test('a wrong checksum', () => {
    expect(() => read(tarOf({ name: 'a', badChecksum: true }))).toThrow(
      'corrupt layer: it is not a tar archive',
    );
    expect(() => read(tarOf({ name: 'a' }, { name: 'b', badChecksum: true }))).toThrow(/wrong checksum/);
  });

  test('what follows the end is ignored', () => {
    expect(read(Buffer.concat([tarOf({ name: 'a' }), Buffer.from('rubbish')]))).toHaveLength(1);
  });

  test('malformed records', () => {
    for (const body of ['99 path=a\n', 'x path=a\n', '8 path a\n', '9 path=a ']) {
      expect(() =>
        read(Buffer.concat([entryBytes({ name: 'p', type: 'x', data: body }), tarOf({ name: 'a' })])),
      ).toThrow(/extended header \(PAX\)/);
    }
    expect(() => read(tarOf({ name: 'a', pax: { size: '12junk' } }))).toThrow(/size=12junk/);
    expect(() => read(tarOf({ name: 'a', pax: { mtime: 'now' } }))).toThrow(/mtime=now/);
  });

  test('an extended header without end is refused before it is read', () => {
    const header = entryBytes({ name: 'p', type: 'x', size: 2 ** 30 });
    expect(() => read(header)).toThrow(/extended header of 1073741824 bytes is too long/);
  });
});
