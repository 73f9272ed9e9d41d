/** What stands in a header block: checksums, magic, names, numbers, types. */
import { entryBytes, type TestEntry } from '../../images/tar-bytes.ts';
import { image, type LayerCase, type Piece } from '../layer-case.ts';
import { dir, file, hardLink, symlink } from './entries.ts';

const one = (name: string, ...pieces: readonly Piece[]): LayerCase => image(`header: ${name}`, pieces);

/** The entry with its checksum written by `spell`. */
function checksum(entry: TestEntry, spell: (sum: number, block: Buffer) => string): Buffer {
  const bytes = entryBytes(entry);
  bytes.fill(' ', 148, 156);
  const block = bytes.subarray(0, 512);
  const sum = block.reduce((total, byte) => total + byte, 0);
  bytes.write(spell(sum, block), 148, 'latin1');
  return bytes;
}
const octal = (sum: number): string => sum.toString(8);
const signed = (_: number, block: Buffer): string =>
  `${octal(block.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0)).padStart(6, '0')}\0 `;

const checksums = [
  one('checksum, signed', checksum(file('ü', { data: 'x' }), signed)),
  one('checksum, signed and many high bytes', checksum(file('ÿ'.repeat(40), { data: 'x' }), signed)),
  one(
    'checksum with blanks before',
    checksum(file('a'), (sum) => `${octal(sum).padStart(6, ' ')}\0 `),
  ),
  one(
    'checksum with a blank, then zero',
    checksum(file('a'), (sum) => `${octal(sum).padStart(6, '0')} \0`),
  ),
  one(
    'checksum of eight digits',
    checksum(file('a'), (sum) => octal(sum).padStart(8, '0')),
  ),
  one(
    'checksum without zeros',
    checksum(file('a'), (sum) => octal(sum)),
  ),
  one(
    'checksum in base 256',
    checksum(file('a'), (sum) => `\x80\0\0\0\0\0${String.fromCharCode(sum >> 8, sum & 255)}`),
  ),
  one(
    'checksum empty',
    checksum(file('a'), () => '\0\0\0\0\0\0\0\0'),
  ),
  one(
    'checksum of letters',
    checksum(file('a'), () => 'abcdef\0 '),
  ),
  one('checksum wrong', file('a'), file('b', { badChecksum: true })),
];

const magics = [
  one('no magic, V7', file('a', { patch: { 257: Buffer.alloc(8) } })),
  one('no magic and a slash at the end', { ...dir('v7'), type: '\0', patch: { 257: Buffer.alloc(8) } }),
  one('no magic and a prefix', file('a', { patch: { 257: Buffer.alloc(8), 345: 'prefix' } })),
  one('GNU magic', file('a', { gnu: true })),
  one('GNU magic and a prefix', file('a', { gnu: true, prefix: 'prefix' })),
  one('magic and a prefix', file('a', { prefix: 'some/prefix' })),
  one('magic, a prefix and a long name', file('n'.repeat(100), { prefix: 'p'.repeat(155) })),
  one('magic with another version', file('a', { patch: { 257: 'ustar\0zz' }, prefix: 'prefix' })),
  one('magic of letters', file('a', { patch: { 257: 'USTAR\x0000' }, prefix: 'prefix' })),
  one('magic of star', file('a', { patch: { 508: 'tar\0' }, prefix: 'prefix' })),
  one(
    'magic of star with times',
    file('a', { patch: { 476: '14512345670 14512345670 ', 508: 'tar\0' }, prefix: 'p' }),
  ),
  one('a name and a prefix with slashes', file('a', { prefix: 'p/' }), file('/b', { prefix: 'p' })),
];

const names = [
  ...['a//b', './a', '././a/./b', '/a', '//a/b', 'a/../b', '/../a', 'a/b/../../c', 'a/.', 'a/..'].map(
    (name) => one(`name ${name}`, file(name)),
  ),
  ...['../a', 'a/../../b', '..', '../', './../x'].map((name) => one(`name ${name}`, file('ok'), file(name))),
  ...['.', './', '/', '', 'a/..'].map((name) =>
    one(
      `root directory as "${name}"`,
      { ...dir('x'), name, mode: 0o700, uid: 7, gid: 8, mtime: 5 },
      file('f'),
    ),
  ),
  ...['.', './', '/', ''].map((name) => one(`root as a file "${name}"`, file('f'), { ...file('x'), name })),
  one('root as a link', file('f'), symlink('.', 'f')),
  one('names not UTF-8', { ...file('x'), name: Buffer.from('6eff', 'hex') }),
  one(
    'directory not UTF-8',
    { ...dir('x'), name: Buffer.from('6eff2f', 'hex') },
    {
      ...file('x'),
      name: Buffer.from('6eff2f6e', 'hex'),
    },
  ),
  one('name of 100 bytes', file('n'.repeat(100))),
  one('name with a newline, a quote, a backslash', file('a\nb"c\\d')),
  one('name with blanks at its ends', file(' a ')),
  one('names .. in the middle', dir('d'), file('d/..x'), file('d/...')),
  one('file with a slash', { ...file('x'), name: 'x/' }),
  one('file with two slashes', { ...file('x'), name: 'x//', data: '' }),
  one('old file with a slash', { ...file('x'), name: 'x/', type: '\0', data: '' }),
  one('contiguous file with a slash', { ...file('x'), name: 'x/', type: '7', data: '' }),
  one('link with a slash', file('f'), symlink('l/', 'f')),
  one('link that leads to a name with a slash', dir('d'), symlink('l', 'd/'), file('l/x')),
  one('hard link with a slash', file('f'), hardLink('l/', 'f')),
  one('hard link to a name with a slash', file('f'), hardLink('l', 'f/')),
  one('fifo with a slash', { ...file('p/', { data: '' }), type: '6' }),
  one('directory without a slash', { ...dir('x'), name: 'd' }, file('d/x')),
  one('directory with slashes', { ...dir('x'), name: 'd///' }, file('d/x')),
];

const at = (offset: number, bytes: string | Buffer): LayerCase['layers'][number]['bytes'] =>
  entryBytes(file('a', { patch: { [offset]: bytes } }));
const base256 = (value: bigint, length: number): Buffer => {
  const bytes = Buffer.alloc(length, value < 0n ? 0xff : 0);
  bytes.writeBigInt64BE(value, length - 8);
  if (value >= 0n) bytes[0] = 0x80;
  return bytes;
};
const numbers = [
  one('mode with the kind of file', file('a', { mode: 0o100755 })),
  one('mode with all bits', file('a', { mode: 0o7777 }), dir('d', { mode: 0o7777 })),
  one('mode of none', file('a', { mode: 0 }), dir('d', { mode: 0 })),
  one('mode of a FIFO on a file', file('a', { mode: 0o10644 })),
  one('mode of a link', file('f'), symlink('l', 'f', { mode: 0o600 })),
  one('mode as blanks', at(100, '        ')),
  one('mode as letters', at(100, 'rwxr-x\0')),
  one('mode with blanks before', at(100, '   644 \0')),
  one('mode negative', at(100, '-000644\0')),
  one('mode in base 256', at(100, Buffer.from('80000000000001ed', 'hex'))),
  one(
    'owner',
    file('a', { uid: 1000, gid: 50 }),
    dir('d', { uid: 7, gid: 8 }),
    symlink('l', 'a', { uid: 5, gid: 6 }),
  ),
  one('owner as letters', at(108, 'root\0\0\0\0')),
  one('owner empty', at(108, Buffer.alloc(16))),
  one('owner of eight digits', at(108, '00001750' + '00001750')),
  one('owner in base 256', at(108, base256(100_000n, 8))),
  one('owner of more than 32 bits', at(108, base256(5_000_000_000n, 8))),
  one('owner negative', at(108, base256(-1n, 8))),
  one('owner nobody knows', at(108, base256(4_294_967_294n, 8))),
  one('owner -1 in 32 bits', at(108, base256(4_294_967_295n, 8))),
  one('size in base 256', file('a', { data: 'abc', patch: { 124: base256(3n, 12) } })),
  one('size negative', at(124, base256(-1n, 12))),
  one('size as letters', at(124, 'abcdefghijkl')),
  one('size empty', file('a', { data: '', patch: { 124: Buffer.alloc(12) } })),
  one('size as blanks', file('a', { data: '', patch: { 124: '            ' } })),
  one('size with blanks before', file('a', { data: 'abc', patch: { 124: '          3\0' } })),
  one('size of 12 digits', file('a', { data: 'abc', patch: { 124: '000000000003' } })),
  one('size of more than an archive holds', at(124, base256(1n << 62n, 12))),
  one('time as letters', at(136, 'abcdefghijk\0')),
  one('time empty', at(136, Buffer.alloc(12))),
  one('time with a sign', at(136, '-0000000001\0')),
  one('device numbers as letters', { ...file('a', { data: '', patch: { 329: 'abcdefg\0' } }), type: '3' }),
  one('device numbers as letters of a file', at(329, 'abcdefg\0')),
  one('device numbers empty', { ...file('a', { data: '', patch: { 329: Buffer.alloc(16) } }), type: '4' }),
  one('device numbers, large', { ...file('a', { data: '', major: 300, minor: 70_000 }), type: '3' }),
  one('device numbers in base 256', {
    ...file('a', { data: '', patch: { 329: base256(7n, 8), 337: base256(300n, 8) } }),
    type: '4',
  }),
  one('device 0:0 by name of a file', { ...file('a', { data: '' }), type: '3' }),
  one('device 0:0 over a file below', { ...file('c', { data: '' }), type: '3' }),
];

const kinds = [
  ...['\0', '0', '7', 'A', 'Z', '8', 'M', 'V', 'N', 'D', 'I', 'E', ' '].map((type) =>
    one(`type ${JSON.stringify(type)}`, file('before'), { ...file('a'), type }, file('after')),
  ),
  one('directory with data', { ...dir('d'), data: 'x'.repeat(600) }, file('after')),
  one('directory with a size alone', { ...dir('d'), size: 600 }, file('after')),
  one('link with data', { ...symlink('l', 'x'), data: 'x'.repeat(600) }, file('after')),
  one('link with a size alone', { ...symlink('l', 'x'), size: 600 }, file('after')),
  one('hard link with data', file('f'), { ...hardLink('l', 'f'), data: 'new content' }, file('after')),
  one('hard link with a size alone', file('f'), { ...hardLink('l', 'f'), size: 600 }, file('after')),
  one('fifo with data', { ...file('p'), type: '6', data: 'x'.repeat(600) }, file('after')),
  one('fifo with a size alone', { ...file('p', { data: '' }), type: '6', size: 600 }, file('after')),
  one(
    'device with a size alone',
    { ...file('p', { data: '' }), type: '3', major: 1, minor: 3, size: 600 },
    file('after'),
  ),
  one('fifo', { ...file('p', { data: '', mode: 0o640, uid: 3 }), type: '6' }),
  one(
    'devices',
    { ...file('null', { data: '', mode: 0o666, major: 1, minor: 3 }), type: '3' },
    {
      ...file('sda', { data: '', mode: 0o660, major: 8, minor: 1 }),
      type: '4',
    },
  ),
  one('link that leads nowhere', symlink('l', 'no/such')),
  one('link that is empty', symlink('l', '')),
  one('link of 100 bytes', symlink('l', 't'.repeat(100))),
  one('link out of the root', symlink('l', '../../../../etc/passwd')),
];

export const headers: readonly LayerCase[] = [...checksums, ...magics, ...names, ...numbers, ...kinds];
