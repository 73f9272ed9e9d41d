/** How archives end, and what they are compressed with. */
import { gzipSync } from 'node:zlib';
import { image, layerOf, unended, type Layer, type LayerCase } from '../layer-case.ts';
import { dir, file, gnuLong, pax } from './entries.ts';

const cut = (layer: Layer, by: number): Layer => ({
  bytes: layer.bytes.subarray(0, layer.bytes.length - by),
});
const plus = (layer: Layer, ...more: readonly Buffer[]): Layer => ({
  bytes: Buffer.concat([layer.bytes, ...more]),
});
const zeros = (length: number): Buffer => Buffer.alloc(length);
const some = [dir('d'), file('d/first'), file('last', { data: 'x'.repeat(100) })] as const;
const whole = unended(...some);

const endings: readonly LayerCase[] = [
  image('end: no padding after the last file and no end', cut(whole, 412)),
  image('end: half of the padding', cut(whole, 200)),
  image('end: all of the padding but a byte', cut(whole, 1)),
  image('end: no empty blocks', whole),
  image('end: one empty block', plus(whole, zeros(512))),
  image('end: half an empty block', plus(whole, zeros(256))),
  image('end: one and a half', plus(whole, zeros(768))),
  image('end: twenty blocks', plus(whole, zeros(10240))),
  image('end: a single empty block between entries', [some[0], zeros(512), some[2]]),
  image('end: a single empty block first', [zeros(512), some[2]]),
  image('end: single empty blocks between all', [
    some[0],
    zeros(512),
    some[1],
    zeros(512),
    some[2],
    zeros(512),
  ]),
  image('end: entries after two empty blocks', [some[0], zeros(1024), some[2]]),
  image('end: text after the end', plus(layerOf(...some), Buffer.from('garbage'))),
  image('end: a block of text after the end', plus(layerOf(...some), Buffer.alloc(512, 'x'))),
  image('end: a block of text after one empty block', plus(whole, zeros(512), Buffer.alloc(512, 'x'))),
  image('end: a block of text', plus(whole, Buffer.alloc(512, 'x'))),
  image('end: a few bytes of text', plus(whole, Buffer.from('garbage'))),
  image('end: half a header', cut(unended(...some, dir('e')), 256)),
  image('end: a file cut off', cut(whole, 413)),
  image('end: a file without its data', cut(whole, 512)),
  image('end: a big file cut off', cut(unended(file('big', { data: 'x'.repeat(70_000) })), 5000)),
  image('end: a big file without padding', cut(unended(file('big', { data: 'x'.repeat(70_000) })), 144)),
  image('end: the data end with a block', unended(file('block', { data: 'x'.repeat(512) }))),
  image('end: only a directory, no end', unended(dir('only'))),
  image('end: an empty file, no end', unended(file('empty', { data: '' }))),
  image('end: nothing at all', unended()),
  image('end: only the two empty blocks', layerOf()),
  image('end: only one empty block', plus(unended(), zeros(512))),
  image('end: a few zero bytes', plus(unended(), zeros(100))),
  image('end: an extended header without an entry', [file('a'), pax({ path: 'b' })]),
  image('end: an extended header without an entry or end', unended(file('a'), pax({ path: 'b' }))),
  image('end: a long name without an entry', [file('a'), gnuLong('L', 'b')]),
  image('end: a long name without an entry or end', unended(file('a'), gnuLong('L', 'b'))),
  image('end: an extended header cut off', cut(unended(file('a'), pax({ path: 'b' })), 505)),
  image('end: an extended header without its padding', cut(unended(file('a'), pax({ path: 'b' })), 400)),
  image('end: global headers only', unended(pax({ comment: 'x' }, 'g'))),
  image('end: not an archive', { bytes: Buffer.from('just some text\n') }),
  image('end: not an archive, a block long', { bytes: Buffer.alloc(512, 'text\n') }),
];

/** A frame of zstd (RFC 8878) with its content as it is: one raw block. */
function zstdFrame(content: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0;
  head.writeUInt32LE(content.length, 5);
  head.writeUIntLE(1 | (content.length << 3), 9, 3);
  return Buffer.concat([head, content]);
}

function skippable(text: string, nibble = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50 + nibble, 0);
  head.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** An archive of its own for each case: Docker does not read a layer that it has by its diff id. */
function packed(name: string, pack: (plain: Buffer) => Buffer): LayerCase {
  const plain = layerOf(...some, file('case', { data: name })).bytes;
  return image(`compressed: ${name}`, { bytes: pack(plain), plain });
}

const gzip = (plain: Buffer): Buffer => gzipSync(plain);
const halves = (plain: Buffer): readonly [Buffer, Buffer] => [plain.subarray(0, 1000), plain.subarray(1000)];
const less = (bytes: Buffer, by: number): Buffer => bytes.subarray(0, bytes.length - by);

const compressions: readonly LayerCase[] = [
  packed('gzip', gzip),
  packed('gzip in two members', (plain) => Buffer.concat(halves(plain).map(gzip))),
  packed('gzip, then zeros', (plain) => Buffer.concat([gzip(plain), zeros(100)])),
  packed('gzip, then text', (plain) => Buffer.concat([gzip(plain), Buffer.from('text')])),
  packed('gzip cut off', (plain) => less(gzip(plain), 40)),
  packed('gzip without the end of its data', (plain) => less(gzip(plain), 12)),
  packed('gzip without its checksum', (plain) => less(gzip(plain), 8)),
  packed('gzip with a wrong checksum', (plain) => Buffer.concat([less(gzip(plain), 8), zeros(8)])),
  packed('gzip of gzip', (plain) => gzip(gzip(plain))),
  packed('gzip of another archive', () => gzip(layerOf(file('x')).bytes)),
  image('compressed: gzip of nothing', { bytes: gzip(Buffer.alloc(0)), plain: Buffer.alloc(0) }),
  packed('zstd', zstdFrame),
  packed('zstd in two frames', (plain) => Buffer.concat(halves(plain).map(zstdFrame))),
  packed('zstd after a skippable frame', (plain) => Buffer.concat([skippable('note'), zstdFrame(plain)])),
  packed('zstd after the last kind', (plain) => Buffer.concat([skippable('note', 15), zstdFrame(plain)])),
  packed('zstd after two', (plain) => Buffer.concat([skippable('a'), skippable('', 3), zstdFrame(plain)])),
  packed('zstd before a skippable frame', (plain) => Buffer.concat([zstdFrame(plain), skippable('note')])),
  packed('zstd around a skippable frame', (plain) => {
    const [first, second] = halves(plain).map(zstdFrame);
    return Buffer.concat([first ?? zeros(0), skippable('note', 7), second ?? zeros(0)]);
  }),
  packed('only a skippable frame', () => skippable('note')),
  packed('a long skippable frame', (plain) =>
    Buffer.concat([skippable('x'.repeat(70_000)), zstdFrame(plain)]),
  ),
  packed('zstd cut off', (plain) => less(zstdFrame(plain), 1700)),
  packed('zstd cut off at its end', (plain) => less(zstdFrame(plain), 700)),
  packed('zstd, then zeros', (plain) => Buffer.concat([zstdFrame(plain), zeros(100)])),
];

export const ends: readonly LayerCase[] = [...endings, ...compressions];
