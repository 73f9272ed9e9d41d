/** Extended headers: PAX and GNU's, alone and one after another. */
import { image, type LayerCase, type Piece } from '../layer-case.ts';
import { dir, file, gnuLong, hardLink, pax, rawPax, symlink } from './entries.ts';

const one = (name: string, ...pieces: readonly Piece[]): LayerCase => image(`extended: ${name}`, pieces);
const with1 = (name: string, records: Readonly<Record<string, string | Buffer>>): LayerCase =>
  one(name, file('a', { pax: records }), file('after'));

const long = (text: string, length = 150): string => `long/${text.repeat(length)}`;

const names = [
  with1('path', { path: 'other' }),
  with1('path in a directory', { path: 'x/y/z' }),
  with1('path with a slash at its end', { path: 'other/' }),
  with1('path empty', { path: '' }),
  with1('path of only a dot', { path: '.' }),
  with1('path not UTF-8', { path: Buffer.from('6eff', 'hex') }),
  with1('path with a zero byte', { path: 'a\0b' }),
  with1('path of 255 bytes', { path: 'n'.repeat(255) }),
  with1('path with a name of 256 bytes', { path: 'n'.repeat(256) }),
  with1('path of 4000 bytes', { path: `${'d'.repeat(199)}/`.repeat(19) + 'n'.repeat(100) }),
  with1('path of 5000 bytes', { path: `${'d'.repeat(199)}/`.repeat(25) + 'n' }),
  with1('path outside', { path: '../x' }),
  one('path of a directory', dir('d', { pax: { path: 'x/y/' } }), file('x/y/f')),
  one('path of a directory without slash', dir('d', { pax: { path: 'x/y' } })),
  one('linkpath', file('f'), symlink('l', 'header', { pax: { linkpath: 'record' } })),
  one('linkpath empty', file('f'), symlink('l', 'f', { pax: { linkpath: '' } })),
  one('linkpath of a hard link', file('f'), hardLink('l', 'no', { pax: { linkpath: 'f' } })),
  one('linkpath of a hard link empty', file('f'), hardLink('l', 'f', { pax: { linkpath: '' } })),
  one('linkpath of a file', file('f', { pax: { linkpath: 'x' } })),
  one('linkpath long', symlink('l', 'x', { pax: { linkpath: long('t') } })),
  one('linkpath of 5000 bytes', symlink('l', 'x', { pax: { linkpath: 't'.repeat(5000) } })),
  one('linkpath with a zero byte', symlink('l', 'x', { pax: { linkpath: 'a\0b' } })),
];

const gnu = [
  one('GNU long name', gnuLong('L', long('n')), file('short'), file('after')),
  one('GNU long name without zero', gnuLong('L', long('n'), ''), file('short'), file('after')),
  one('GNU long name with text after zero', gnuLong('L', 'name\0text'), file('short')),
  one('GNU long name, empty', gnuLong('L', '', ''), file('short')),
  one('GNU long name of a zero', gnuLong('L', ''), file('short')),
  one('GNU long name with a slash at its end', gnuLong('L', 'd/'), { ...file('short'), data: '' }),
  one('GNU long link', gnuLong('K', long('t')), symlink('l', 'short')),
  one('GNU long link of a hard link', file('f'), gnuLong('K', 'f'), hardLink('l', 'no')),
  one('GNU long name and long link', gnuLong('L', long('n')), gnuLong('K', long('t')), symlink('l', 'short')),
  one('GNU long link and long name', gnuLong('K', long('t')), gnuLong('L', long('n')), symlink('l', 'short')),
  one('GNU long name twice', gnuLong('L', 'first'), gnuLong('L', 'second'), file('short')),
  one('GNU long name of a million bytes', gnuLong('L', 'n'.repeat(1_048_000)), file('short')),
  one('GNU long name of two million bytes', gnuLong('L', 'n'.repeat(2_000_000)), file('short')),
];

const sequences = [
  one('PAX, then GNU', pax({ path: 'pax' }), gnuLong('L', 'gnu'), file('plain'), file('after')),
  one('GNU, then PAX', gnuLong('L', 'gnu'), pax({ path: 'pax' }), file('plain'), file('after')),
  one('GNU, then PAX without path', gnuLong('L', 'gnu'), pax({ mtime: '5' }), file('plain')),
  one('PAX without path, then GNU', pax({ mtime: '5' }), gnuLong('L', 'gnu'), file('plain')),
  one('PAX linkpath, then GNU', pax({ linkpath: 'pax' }), gnuLong('K', 'gnu'), symlink('l', 'plain')),
  one('GNU, then PAX linkpath', gnuLong('K', 'gnu'), pax({ linkpath: 'pax' }), symlink('l', 'plain')),
  one('PAX empty path, then GNU', pax({ path: '' }), gnuLong('L', 'gnu'), file('plain')),
  one('GNU, then PAX empty path', gnuLong('L', 'gnu'), pax({ path: '' }), file('plain')),
  one('PAX twice, other keys', pax({ path: 'first' }), pax({ mtime: '5' }), file('plain')),
  one('PAX twice, the same key', pax({ path: 'first' }), pax({ path: 'second' }), file('plain')),
  one('PAX three times', pax({ uid: '5' }), pax({ gid: '6' }), pax({ mtime: '7' }), file('plain')),
  one('PAX, global, file', pax({ path: 'x' }), pax({ mtime: '5' }, 'g'), file('plain'), file('after')),
  one('GNU, global, file', gnuLong('L', 'x'), pax({ mtime: '5' }, 'g'), file('plain'), file('after')),
  one('PAX for a PAX', pax({ size: '3' }), pax({ path: 'x' }), file('plain')),
  one(
    'PAX with a size for a GNU name',
    pax({ size: '3' }),
    gnuLong('L', 'abcdef'),
    file('plain', { data: 'abc' }),
  ),
  one(
    'PAX with a long name of its own',
    gnuLong('L', 'name-of-the-header'),
    pax({ mtime: '5' }),
    file('plain'),
  ),
  one('PAX for a volume label', pax({ path: 'x' }), { ...file('V', { data: '' }), type: 'V' }, file('plain')),
];

const globals = [
  one('global comment', pax({ comment: 'abc' }, 'g'), file('a')),
  one('global path', pax({ path: 'global' }, 'g'), file('a'), file('b')),
  one('global mtime', pax({ mtime: '5' }, 'g'), file('a'), dir('d')),
  one('global mtime and own', pax({ mtime: '5' }, 'g'), file('a', { pax: { mtime: '7.5' } }), file('b')),
  one('global owner', pax({ uid: '5', gid: '6' }, 'g'), file('a'), dir('d')),
  one('global linkpath', pax({ linkpath: 'global' }, 'g'), symlink('l', 'own')),
  one('global size', pax({ size: '3' }, 'g'), file('a', { data: 'abc' }), file('b', { data: 'bcdef' })),
  one('global attribute', pax({ 'SCHILY.xattr.user.a': 'x' }, 'g'), file('a'), file('b')),
  one('global in the middle', file('a'), pax({ mtime: '5' }, 'g'), file('b')),
  one('global twice', pax({ mtime: '5' }, 'g'), pax({ uid: '5' }, 'g'), file('a')),
  one('global empty', rawPax('', 'g'), file('a')),
  one('global malformed', rawPax('nonsense', 'g'), file('a')),
  one('global with a bad number', pax({ uid: 'abc' }, 'g'), file('a')),
  one('global for a sparse file', pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }, 'g'), file('a')),
  one('global named like a path', pax({ comment: 'x' }, 'g', { mode: 0o600 }), file('a')),
];

const forms = [
  one('X as in Solaris', pax({ path: 'solaris' }, 'X'), file('plain'), file('after')),
  one('empty header', rawPax(''), file('a')),
  ...Object.entries({
    'without a newline': '9 path=b',
    'with a length too small': '5 path=b\n',
    'with a length too large': '90 path=b\n',
    'without a length': 'path=b\n',
    'without "="': '9 pathxb\n',
    'with a length of zero': '0 path=b\n',
    'with a sign': '+9 path=b\n',
    'with a zero before': '010 path=b\n',
    'with a blank before': ' 10 path=b\n',
    'with two blanks': '11  path=b\n',
    'with an empty key': '5 =b\n',
    'with a zero byte in its key': '10 pa\0th=b\n',
    'with a newline in its value': '12 path=b\nc\n',
    'with "=" in its value': '11 path=b=c\n',
    'with bytes after the last': '10 path=b\nrest',
    'with zeros after the last': '10 path=b\n\0\0\0\0',
    'with a newline after the last': '10 path=b\n\n',
    'with an upper-case key': '10 PATH=b\n',
    'that are the same twice': '10 path=b\n10 path=c\n',
    'with a key twice, the second empty': '10 path=b\n9 path=\n',
    'with a charset': '21 hdrcharset=BINARY\n10 path=b\n',
  }).map(([name, body]) => one(`record ${name}`, rawPax(body), file('plain'), file('after'))),
  one('of a million bytes', pax({ comment: 'x'.repeat(1_048_500) }), file('a')),
  one('of two million bytes', pax({ comment: 'x'.repeat(2_000_000) }), file('a')),
  one('unknown keys', file('a', { pax: { 'VENDOR.key': 'x', comment: 'y', atime: '1', ctime: '2' } })),
];

const numbers = ['uid', 'gid'].flatMap((key) =>
  [
    '',
    '0',
    '1000',
    '4294967294',
    '4294967295',
    '4294967296',
    '-1',
    'abc',
    '1.5',
    '1e3',
    '0x10',
    '+5',
    ' 5',
  ].map((value) => with1(`${key}=${value}`, { [key]: value })),
);
const sizes = ['', '3', '03', '-1', 'abc', '3.0', '+3', '99999999999999999999'].map((value) =>
  one(`size=${value}`, file('a', { data: 'abc', pax: { size: value } }), file('after')),
);
const more = [
  one(
    'size in place of the header’s',
    file('a', { data: 'abcdef', size: 0, pax: { size: '6' } }),
    file('after'),
  ),
  one('size of a directory', dir('d', { pax: { size: '700' } }), file('after')),
  one('uname and gname', file('a', { uid: 5, pax: { uname: 'root', gname: 'root' } })),
  one('device numbers', {
    ...file('a', { data: '', pax: { 'SCHILY.devmajor': '1' } }),
    type: '3',
    major: 1,
    minor: 5,
  }),
  one('another kind', file('a', { pax: { 'SCHILY.filetype': 'dir' } })),
];

const attribute = (name: string, records: Readonly<Record<string, string | Buffer>>): LayerCase =>
  one(`attribute ${name}`, file('a', { pax: records }), file('after'));
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const attributes = [
  attribute('user', { 'SCHILY.xattr.user.a': 'value' }),
  attribute('user, empty', { 'SCHILY.xattr.user.a': '' }),
  attribute('user, binary', { 'SCHILY.xattr.user.a': Buffer.from([0, 10, 255, 61]) }),
  attribute('trusted', { 'SCHILY.xattr.trusted.a': 'value' }),
  attribute('capability', { 'SCHILY.xattr.security.capability': capability }),
  attribute('capability, wrong', { 'SCHILY.xattr.security.capability': 'nonsense' }),
  attribute('of an unknown kind', { 'SCHILY.xattr.foo.bar': 'x' }),
  attribute('without a kind', { 'SCHILY.xattr.foo': 'x' }),
  attribute('without a name', { 'SCHILY.xattr.': 'x' }),
  attribute('of a name too long', { [`SCHILY.xattr.user.${'n'.repeat(251)}`]: 'x' }),
  attribute('of a value too long', { 'SCHILY.xattr.user.a': 'x'.repeat(65_537) }),

  attribute('of overlayfs', { 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
  attribute('of libarchive', { 'LIBARCHIVE.xattr.user.a': 'dmFsdWU=' }),
  attribute('of libarchive and star', {
    'LIBARCHIVE.xattr.user.a': 'dmFsdWU=',
    'SCHILY.xattr.user.a': 'star',
  }),
  attribute('of libarchive, not base64', { 'LIBARCHIVE.xattr.user.a': '!!' }),
  attribute('selinux', { 'SCHILY.xattr.security.selinux': 'system_u:object_r:etc_t:s0\0' }),
  attribute('of Red Hat', { 'RHT.security.selinux': 'system_u:object_r:etc_t:s0' }),
  attribute('ACL of star', { 'SCHILY.acl.access': 'user::rw-,group::r--,other::r--' }),
  attribute('ACL', {
    'SCHILY.xattr.system.posix_acl_access': Buffer.from(
      '0200000001000600ffffffff020007000100000004000400ffffffff10000700ffffffff20000400ffffffff',
      'hex',
    ),
  }),
  attribute('twice', { 'SCHILY.xattr.user.a': 'x', 'SCHILY.xattr.user.b': 'y' }),
  one('attribute of a directory', dir('d', { pax: { 'SCHILY.xattr.user.a': 'x' } }), file('d/f')),
  one('attribute user of a link', symlink('l', 'x', { pax: { 'SCHILY.xattr.user.a': 'x' } })),
  one('attribute trusted of a link', symlink('l', 'x', { pax: { 'SCHILY.xattr.trusted.a': 'x' } })),
  one('attribute user of a FIFO', {
    ...file('p', { data: '', pax: { 'SCHILY.xattr.user.a': 'x' } }),
    type: '6',
  }),
  one(
    'attributes and setuid',
    file('a', { mode: 0o4755, uid: 5, pax: { 'SCHILY.xattr.security.capability': capability } }),
  ),
];

export const extended: readonly LayerCase[] = [
  ...names,
  ...gnu,
  ...sequences,
  ...globals,
  ...forms,
  ...numbers,
  ...sizes,
  ...more,
  ...attributes,
];
