import { describe, expect, test } from '@jest/globals';
import { resolveUser } from '../../../../runtime/process/users.ts';

const files = {
  passwd:
    '# comment\n\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nlost:x:5:5:::\n1234:x:77:78::/n:\n',
  group: 'root:x:0:\nstaff:x:50:app,lost\nextra:x:60:other\napp:x:1001:\n',
};

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
    expect(resolveUser('7:8', [], { passwd: '', group: '' })).toEqual({
      uid: 7,
      gid: 8,
      groups: [8],
      home: '/',
    });
    expect(resolveUser('', [], { passwd: '', group: '' })).toMatchObject({ uid: 0, gid: 0 });
  });

  test('a line whose numbers are none makes nobody root, and no group', () => {
    const odd = {
      passwd: 'neg:x:-5:-5::/:\nempty:x:::::\nword:x:12abc:3::/:\nhuge:x:1:99999999999::/:\nok:x:7:7::/:\n',
      group: 'neg:x:-1:ok\nword:x:1x:ok\nempty:x::ok\nhuge:x:4294967295:ok\nreal:x:9:ok\n',
    };
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
