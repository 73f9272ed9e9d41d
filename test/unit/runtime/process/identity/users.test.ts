import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { fileParts, textParts, type Parts } from '../../../../../runtime/process/identity/lines.ts';
import { resolveUser } from '../../../../../runtime/process/identity/users.ts';

const filesOf = (passwd: string, group: string) => ({ passwd: textParts(passwd), group: textParts(group) });

const files = filesOf(
  '# comment\n\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nlost:x:5:5:::\n1234:x:77:78::/n:\n',
  'root:x:0:\nstaff:x:50:app,lost\nextra:x:60:other\napp:x:1001:\n',
);

describe('a user by Docker’s rules', () => {
  test.each([
    ['', { uid: 0, gid: 0, groups: [0], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [0], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, groups: [1001, 50], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, groups: [1001, 50], home: '/home/app' }],
    ['4242', { uid: 4242, gid: 0, groups: [0], home: '/' }],
    ['app:staff', { uid: 1000, gid: 50, groups: [50], home: '/home/app' }],
    ['app:99', { uid: 1000, gid: 99, groups: [99], home: '/home/app' }],
    [':60', { uid: 0, gid: 60, groups: [60], home: '/root' }],
    ['lost', { uid: 5, gid: 5, groups: [5, 50], home: '/' }],
    ['1234', { uid: 77, gid: 78, groups: [78], home: '/n' }],
  ])('%s', (spec, expected) => {
    expect(resolveUser(spec, [], files)).toEqual(expected);
  });

  test('further groups come by name or number, each once', () => {
    expect(resolveUser('app', ['extra', '50', '77'], files).groups).toEqual([1001, 50, 60, 77]);
  });

  test('an image without the files still has numbers', () => {
    expect(resolveUser('7:8', [], filesOf('', ''))).toEqual({
      uid: 7,
      gid: 8,
      groups: [8],
      home: '/',
    });
    expect(resolveUser('', [], filesOf('', ''))).toMatchObject({ uid: 0, gid: 0 });
  });

  test('a line whose numbers are none makes nobody root, and no group', () => {
    const odd = filesOf(
      'neg:x:-5:-5::/:\nempty:x:::::\nword:x:12abc:3::/:\nhuge:x:1:99999999999::/:\nok:x:7:7::/:\n',
      'neg:x:-1:ok\nword:x:1x:ok\nempty:x::ok\nhuge:x:4294967295:ok\nreal:x:9:ok\n',
    );
    for (const name of ['neg', 'empty', 'word', 'huge']) {
      expect(() => resolveUser(name, [], odd)).toThrow(`/etc/passwd gives "${name}" the id`);
      expect(() => resolveUser(`7:${name}`, [], odd)).toThrow(`unable to find group ${name}`);
    }
    expect(resolveUser('ok', [], odd).groups).toEqual([7, 9]);
  });

  test.each([
    ['foo', [], 'unable to find user foo: no matching entries in passwd file'],
    ['app:foo', [], 'unable to find group foo: no matching entries in group file'],
    ['app', ['foo'], 'unable to find group foo: no matching entries in group file'],
    ['2147483648', [], 'uids and gids must be in range 0-2147483647'],
    ['-1', [], 'uids and gids must be in range 0-2147483647'],
  ])('%s %j is refused', (spec, groups, message) => {
    expect(() => resolveUser(spec, groups, files)).toThrow(message);
  });
});

describe('a file of 20 MB', () => {
  const dir = mkdtempSync(join(tmpdir(), 'users-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  function large(line: string, last: string): Parts {
    const path = join(dir, String(line.length));
    writeFileSync(path, `${line.repeat((20 * 2 ** 20) / line.length)}${last}`);
    return fileParts(path, () => openSync(path, 'r'));
  }

  test('of users is read to the one that is meant, without being kept in memory', () => {
    const passwd = large('u0:x:10:10::/:\n', 'app:x:1000:1001::/home/app:\n');
    const before = process.memoryUsage().rss;
    expect(resolveUser('app', [], { passwd, group: textParts('') })).toMatchObject({ uid: 1000, gid: 1001 });
    expect(resolveUser('1000', [], { passwd, group: textParts('') })).toMatchObject({ home: '/home/app' });
    expect(process.memoryUsage().rss - before).toBeLessThan(10 * 2 ** 20);
  });

  test('of groups, most of them the same', () => {
    const group = large('g:x:60:root,ap\n', 'last:x:61:app\n');
    expect(resolveUser('app', [], { passwd: files.passwd, group }).groups).toEqual([1001, 61]);
    expect(resolveUser('app', ['g', '60'], { passwd: files.passwd, group }).groups).toEqual([1001, 61, 60]);
    expect(resolveUser('app:last', [], { passwd: files.passwd, group }).groups).toEqual([61]);
  });

  test('more groups than the kernel takes are an error', () => {
    const lines = Array.from({ length: 70_000 }, (_, index) => `g:x:${String(index)}:app\n`);
    expect(() => resolveUser('app', [], { passwd: files.passwd, group: textParts(lines.join('')) })).toThrow(
      'lists "app" in more than 65536 groups',
    );
  });
});
