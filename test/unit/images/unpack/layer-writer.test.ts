import { describe, expect, test } from '@jest/globals';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LayerWriter } from '../../../../images/unpack/layer-writer.ts';
import { TarReader } from '../../../../images/unpack/tar-reader.ts';
import { recordingCalls } from '../../../support/kernel/recording-calls.ts';
import { tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** Unpacks below a directory that has neighbours, and looks at both. */
function unpack(...entries: readonly TestEntry[]) {
  const around = temporaryDirectory();
  const root = join(around, 'layer');
  mkdirSync(root);
  writeFileSync(join(around, 'secret'), 'untouched');
  const calls = recordingCalls(root);
  const writer = new LayerWriter(root, calls);
  const reader = new TarReader(writer);
  try {
    reader.write(tarOf(...entries));
    reader.finish();
  } finally {
    writer.abort();
    expect(readdirSync(around).sort()).toEqual(['layer', 'secret']);
    expect(readFileSync(join(around, 'secret'), 'utf8')).toBe('untouched');
  }
  const report = writer.finish();
  return {
    root,
    report,
    made: calls.made,
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
    stat: (path: string) => lstatSync(join(root, path)),
    exists: (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined,
  };
}

describe('names that are none', () => {
  const long = 'x/'.repeat(1 << 18);
  test.each([
    [{ name: 'a', pax: { path: 'a\0b' } }, 'a record that holds a zero byte'],
    [{ name: 'a', pax: { path: long } }, "an entry's name is too long"],
    [{ name: 'a', type: '2', link: '' }, 'the symbolic link "a" leads nowhere'],
    [{ name: 'a', type: '2', pax: { linkpath: 'a\0b' } }, 'a record that holds a zero byte'],
    [{ name: 'a', type: '2', pax: { linkpath: long } }, 'the symbolic link "a" leads nowhere'],
    [{ name: 'a', type: '1', pax: { linkpath: 'a\0b' } }, 'holds a zero byte'],
    [{ name: 'a', type: '1', pax: { linkpath: long } }, "an entry's name is too long"],
  ])('%#', (entry, message) => {
    let said = '';
    try {
      unpack(entry);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain(message);
    expect(said.length).toBeLessThan(500);
  });
});

describe('nothing gets out of the layer', () => {
  test.each(['../secret', 'a/../../secret', './../secret'])('%s counts from the layer', (name) => {
    expect(unpack({ name, data: 'ours' }).read('secret')).toBe('ours');
  });

  test.each(['.', './', 'a/..'])('%s is the directory that was packed, not the root', (name) => {
    const { stat, report } = unpack({ name, type: '5', mode: 0o700 });
    expect([stat('').mode & 0o777, report.impliedDirs]).toEqual([0o755, ['']]);
  });

  test('/ is the root', () => {
    expect(unpack({ name: '/', type: '5', mode: 0o700 }).stat('').mode & 0o777).toBe(0o700);
    expect(() => unpack({ name: '/' })).toThrow(/would replace the root directory/);
    expect(() => unpack({ name: '..' })).toThrow(/would replace the root directory/);
  });

  test('an absolute name counts from the layer', () => {
    expect(unpack({ name: '/etc/passwd', data: 'mine' }).read('etc/passwd')).toBe('mine');
  });

  test('an absolute symbolic link leads within the layer', () => {
    const { read, root } = unpack(
      { name: 'out', type: '2', link: '/etc' },
      { name: 'out/minidock-test-evil', data: 'evil' },
    );
    expect(read('etc/minidock-test-evil')).toBe('evil');
    expect(readlinkSync(join(root, 'out'))).toBe('/etc');
    expect(existsSync('/etc/minidock-test-evil')).toBe(false);
  });

  test('an absolute symbolic link in a directory counts from the layer, not from there', () => {
    const { read } = unpack(
      { name: 'a/b/', type: '5' },
      { name: 'a/b/out', type: '2', link: '/etc' },
      { name: 'a/b/out/file', data: 'x' },
    );
    expect(read('etc/file')).toBe('x');
  });

  test('a relative one counts from the directory it is in', () => {
    const { read } = unpack(
      { name: 'a/real/', type: '5' },
      { name: 'a/link', type: '2', link: 'real' },
      { name: 'a/link/f', data: 'inside' },
    );
    expect(read('a/real/f')).toBe('inside');
  });

  test('a relative symbolic link cannot climb out either', () => {
    const { read } = unpack(
      { name: 'a/b/', type: '5' },
      { name: 'a/b/up', type: '2', link: '../../../../../..' },
      { name: 'a/b/up/secret', data: 'evil' },
    );
    expect(read('secret')).toBe('evil');
  });

  test('a chain of links is followed link by link', () => {
    const { read } = unpack(
      { name: 'one', type: '2', link: 'two' },
      { name: 'two', type: '2', link: '../../three' },
      { name: 'three/', type: '5' },
      { name: 'one/file', data: 'here' },
    );
    expect(read('three/file')).toBe('here');
  });

  test('links in a circle are an error, not a hang', () => {
    const entries = [
      { name: 'a', type: '2', link: 'b' },
      { name: 'b', type: '2', link: 'a' },
      { name: 'a/file', data: 'x' },
    ];
    expect(() => unpack(...entries)).toThrow(/leads in a circle/);
  });

  test('a symbolic link at the very path of a file is replaced, not written through', () => {
    const { read, stat } = unpack(
      { name: 'target', data: 'old' },
      { name: 'link', type: '2', link: 'target' },
      { name: 'link', data: 'new' },
    );
    expect([read('target'), read('link'), stat('link').isFile()]).toEqual(['old', 'new', true]);
  });

  test('a hard link to a file outside counts from the layer', () => {
    const { read } = unpack({ name: 'f', data: 'ours' }, { name: 'x', type: '1', link: '../../../f' });
    expect(read('x')).toBe('ours');
    const { report } = unpack({ name: 'x', type: '1', link: '../../../etc/passwd' });
    expect(report.danglingLinks).toEqual([{ path: 'x', target: 'etc/passwd' }]);
  });

  test('a hard link through a symbolic link stays inside', () => {
    const out = { name: 'out', type: '2', link: '/etc' };
    const link = { name: 'x', type: '1', link: 'out/passwd' };
    expect(() => unpack(out, link)).toThrow('"x" is a hard link to "out/passwd", which does not exist');
    const { read } = unpack(out, { name: 'etc/passwd', data: 'mine' }, link);
    expect(read('x')).toBe('mine');
  });

  test('a hard link to a symbolic link is a second name of the link', () => {
    const { root } = unpack(
      { name: 'l', type: '2', link: '/etc/passwd' },
      { name: 'h', type: '1', link: 'l' },
    );
    expect(readlinkSync(join(root, 'h'))).toBe('/etc/passwd');
  });

  test.each(['.wh.', '.wh..', '.wh...'])('the whiteout %s is refused', (name) => {
    expect(() => unpack({ name: `a/${name}` })).toThrow(/names no file/);
  });

  test('a zero byte in a name is refused', () => {
    expect(() => unpack({ name: 'x', pax: { path: 'a\0b' } })).toThrow(/zero byte/);
  });
});

describe('the last entry of a path wins', () => {
  test('a file replaces a directory with all it holds', () => {
    const { read, report } = unpack(
      { name: 'd/', type: '5' },
      { name: 'd/sub/file', data: 'x' },
      { name: 'd', data: 'file' },
    );
    expect(read('d')).toBe('file');
    expect(report.impliedDirs).toEqual(['']);
  });

  test('a directory replaces a file', () => {
    const { stat, read } = unpack(
      { name: 'd', data: 'file' },
      { name: 'd/', type: '5', mode: 0o711 },
      { name: 'd/f', data: 'in it' },
    );
    expect([stat('d').mode & 0o7777, read('d/f')]).toEqual([0o711, 'in it']);
  });

  test('a directory again keeps what it holds and takes the later attributes', () => {
    const { stat, read } = unpack(
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/f', data: 'kept' },
      { name: 'd/', type: '5', mode: 0o700, mtime: 1_600_000_000 },
    );
    expect([stat('d').mode & 0o7777, stat('d').mtimeMs, read('d/f')]).toEqual([0o700, 1.6e12, 'kept']);
  });

  test('a link that moves takes later entries with it', () => {
    const { read } = unpack(
      { name: 'one/', type: '5' },
      { name: 'two/', type: '5' },
      { name: 'l', type: '2', link: 'one' },
      { name: 'l/a', data: '1' },
      { name: 'l', type: '2', link: 'two' },
      { name: 'l/b', data: '2' },
    );
    expect([read('one/a'), read('two/b')]).toEqual(['1', '2']);
  });

  test('rewriting a hard-linked file leaves its other name alone', () => {
    const { read } = unpack(
      { name: 'a', data: 'old' },
      { name: 'b', type: '1', link: 'a' },
      { name: 'a', data: 'new' },
    );
    expect([read('a'), read('b')]).toEqual(['new', 'old']);
  });

  test('a hard link to itself does not lose the file', () => {
    expect(unpack({ name: 'a', data: 'x' }, { name: 'a', type: '1', link: 'a' }).read('a')).toBe('x');
  });

  test('something below a file is corrupt', () => {
    expect(() => unpack({ name: 'a', data: 'x' }, { name: 'a/b', data: 'y' })).toThrow(
      'corrupt layer: an entry lies below "a", which is not a directory',
    );
  });
});

describe('attributes', () => {
  test('a directory’s time survives the files put into it afterwards', () => {
    const { stat } = unpack({ name: 'd/', type: '5', mtime: 1_500_000_000 }, { name: 'd/f', data: 'x' });
    expect(stat('d').mtimeMs).toBe(1.5e12);
  });

  test('a read-only directory can still be filled', () => {
    const { stat, read } = unpack({ name: 'd/', type: '5', mode: 0o555 }, { name: 'd/f', data: 'x' });
    expect([stat('d').mode & 0o7777, read('d/f')]).toEqual([0o555, 'x']);
  });

  test('setuid, setgid and sticky bits, links’ and files’ times', () => {
    const { stat } = unpack(
      { name: 'su', data: 'x', mode: 0o4755, mtime: 1_400_000_000 },
      { name: 'sg', data: 'x', mode: 0o2755 },
      { name: 't/', type: '5', mode: 0o1777 },
      { name: 'l', type: '2', link: 'su', mtime: 1_300_000_000 },
    );
    const modes = ['su', 'sg', 't'].map((path) => stat(path).mode & 0o7777);
    expect([...modes, stat('su').mtimeMs, stat('l').mtimeMs]).toEqual([
      0o4755, 0o2755, 0o1777, 1.4e12, 1.3e12,
    ]);
  });

  test('attributes are set as bytes, overlayfs’s own are not taken from a layer', () => {
    const { made } = unpack({
      name: 'f',
      pax: {
        'SCHILY.xattr.security.capability': Buffer.from([1, 0, 0x0a, 0xff]),
        'SCHILY.xattr.trusted.overlay.redirect': '/etc',
        'SCHILY.xattr.trusted.overlay.opaque': 'y',
      },
    });
    expect(made).toEqual(['setxattr f security.capability=01000aff']);
  });

  test('an attribute the file system does not know is left out, any other failure is not', () => {
    const root = temporaryDirectory();
    const failing = (code: string) => ({
      ...recordingCalls(root),
      setXattr: () => {
        throw Object.assign(new Error(code), { code });
      },
    });
    const archive = tarOf({ name: 'f', pax: { 'SCHILY.xattr.user.x': 'y' } });
    expect(() => {
      new TarReader(new LayerWriter(root, failing('ENOTSUP'))).write(archive);
    }).not.toThrow();
    expect(() => {
      new TarReader(new LayerWriter(root, failing('EIO'))).write(archive);
    }).toThrow(/unpacking "f": EIO/);
  });

  test('names with newlines, and names that are not UTF-8', () => {
    const bytes = Buffer.from([0x66, 0xff, 0xfe]);
    const { root, read } = unpack(
      { name: 'line\nbreak', data: 'n' },
      { name: bytes, data: 'b', pax: { mtime: '1700000000.5' } },
      { name: Buffer.concat([bytes, Buffer.from('d/')]), type: '5' },
    );
    expect(read('line\nbreak')).toBe('n');
    const names = readdirSync(root, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    expect(names.sort()).toEqual(['f\xff\xfe', 'f\xff\xfed', 'line\nbreak']);
  });

  test('a directory keeps its time when one in it has no plain name', () => {
    const { stat } = unpack(
      { name: 'p/', type: '5', mtime: 1_500_000_000 },
      { name: Buffer.from([0x70, 0x2f, 0xff, 0x2f]), type: '5', pax: { mtime: '1400000000.5' } },
    );
    expect(stat('p').mtimeMs).toBe(1.5e12);
  });

  test('a sparse file has holes and the right length', () => {
    const pax = {
      'GNU.sparse.size': '10000000',
      'GNU.sparse.numblocks': '2',
      'GNU.sparse.map': '1048576,4,9999996,4',
    };
    const { stat, root } = unpack({ name: 's', data: 'headtail', pax });
    const content = readFileSync(join(root, 's'));
    expect([stat('s').size, stat('s').blocks * 512 < 1_000_000]).toEqual([10_000_000, true]);
    expect([content.toString('latin1', 1048576, 1048580), content.toString('latin1', 9999996)]).toEqual([
      'head',
      'tail',
    ]);
  });

  test('a sparse file whose end is a hole', () => {
    const pax = { 'GNU.sparse.size': '5000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,4' };
    const { stat, report } = unpack({ name: 's', data: 'head', pax });
    // To a user it is as large as it looks, with holes or without.
    expect([stat('s').size, report.size]).toEqual([5000, 5000]);
  });

  test('devices and FIFOs are made as they are', () => {
    const { made } = unpack(
      { name: 'null', type: '3', major: 1, minor: 3, mode: 0o666 },
      { name: 'sda', type: '4', major: 8, minor: 0, mode: 0o660 },
      { name: 'pipe', type: '6', mode: 0o600 },
    );
    expect(made).toEqual(['mknod null c 666 1:3', 'mknod sda b 660 8:0', 'mknod pipe p 600 0:0']);
  });
});

describe('whiteouts', () => {
  const opaque = (path: string) => `setxattr ${path} trusted.overlay.opaque=79`;

  test('a file that is gone becomes a device 0:0', () => {
    expect(unpack({ name: 'etc/.wh.passwd' }).made).toEqual(['mknod etc/passwd c 0 0:0']);
  });

  test('a directory that starts afresh is opaque', () => {
    const { made, exists } = unpack({ name: 'd/', type: '5' }, { name: 'd/.wh..wh..opq' });
    expect([made, exists('d/.wh..wh..opq')]).toEqual([[opaque('d')], false]);
  });

  test.each([['before'], ['after']])(
    'a whiteout %s a file of the same layer hides only what is below',
    (order) => {
      const entries = [{ name: '.wh.f' }, { name: 'f', data: 'mine' }];
      const { read } = unpack(...(order === 'before' ? entries : entries.reverse()));
      expect(read('f')).toBe('mine');
    },
  );

  test.each([['before'], ['after']])(
    'a whiteout %s a directory of the same layer makes it opaque',
    (order) => {
      const entries = [{ name: '.wh.d' }, { name: 'd/', type: '5' }];
      const { made, stat } = unpack(...(order === 'before' ? entries : entries.reverse()));
      expect([made.at(-1), stat('d').isDirectory()]).toEqual([opaque('d'), true]);
    },
  );

  test('a whiteout gives way to a directory that the layer does not even list', () => {
    const { made, read, report } = unpack({ name: '.wh.d' }, { name: 'd/f', data: 'new' });
    expect([read('d/f'), made.at(-1), report.impliedDirs]).toEqual(['new', opaque('d'), ['']]);
  });

  test('the whole layer starting afresh is for the store to know', () => {
    const { made, report } = unpack({ name: '.wh..wh..opq' }, { name: 'f' });
    expect([made, report.opaqueRoot]).toEqual([[], true]);
  });

  test('what AUFS kept for itself is left out, but for the files that its hard links lead to', () => {
    const { root, read } = unpack(
      { name: '.wh..wh.plnk/', type: '5' },
      { name: '.wh..wh.plnk/1', data: 'x' },
      { name: '.wh..wh.aufs' },
      { name: 'l', type: '1', link: '.wh..wh.plnk/1' },
    );
    expect([readdirSync(root).sort(), read('l')]).toEqual([['.wh..wh.plnk', 'l'], 'x']);
  });
});

describe('what the layers below must say', () => {
  test('directories that are used but not listed are reported, listed ones are not', () => {
    const { report } = unpack(
      { name: '/', type: '5' },
      { name: 'usr/share/x/file', data: 'x' },
      { name: 'usr/share/', type: '5' },
    );
    expect(report.impliedDirs).toEqual(['usr', 'usr/share/x']);
  });

  test('below an opaque directory nothing is asked of them', () => {
    const { report } = unpack({ name: 'd/.wh..wh..opq' }, { name: 'd/sub/f', data: 'x' });
    expect(report.impliedDirs).toEqual(['', 'd']);
  });

  test('hard links to files that are not there are reported; those that come later are made', () => {
    const { report, read } = unpack(
      { name: 'early', type: '1', link: 'late' },
      { name: 'below', type: '1', link: 'usr/lib/x' },
      { name: 'late', data: 'x' },
    );
    expect([report.danglingLinks, read('early')]).toEqual([[{ path: 'below', target: 'usr/lib/x' }], 'x']);
  });

  test('a whiteout does not take the place of a hard link whose file is still to come', () => {
    const { made, read } = unpack(
      { name: 'early', type: '1', link: 'late' },
      { name: '.wh.early' },
      { name: 'late', data: 'x' },
    );
    expect([made, read('early')]).toEqual([[], 'x']);
  });

  test('a hard link that something else replaced is forgotten', () => {
    const { report } = unpack({ name: 'x', type: '1', link: 'gone' }, { name: 'x', data: 'file' });
    expect(report.danglingLinks).toEqual([]);
  });

  test('size counts each file’s content once', () => {
    const { report } = unpack(
      { name: 'a', data: 'four' },
      { name: 'b', type: '1', link: 'a' },
      { name: 'c', data: 'ab' },
    );
    expect(report.size).toBe(6);
  });
});

test('an obstacle in the target directory itself is no way out either', () => {
  const around = temporaryDirectory();
  const root = join(around, 'layer');
  mkdirSync(root);
  symlinkSync(around, join(root, 'planted'));
  const writer = new LayerWriter(root, recordingCalls(root));
  // The planted link is absolute, so it is looked up below the root, where there is no such directory.
  new TarReader(writer).write(tarOf({ name: 'planted/file', data: 'x' }));
  expect(readdirSync(around)).toEqual(['layer']);
});
