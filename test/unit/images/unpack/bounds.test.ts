/** Layers of a few megabytes that would cost gigabytes of memory or minutes: refused, or unpacked as fast as others. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { LayerWriter } from '../../../../images/unpack/layer-writer.ts';
import { TarReader } from '../../../../images/unpack/tar-reader.ts';
import type { LayerReport } from '../../../../images/unpack/types.ts';
import { recordingCalls } from '../../../support/kernel/recording-calls.ts';
import { entryBytes, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { memoryDirectory } from '../../../support/temporary-directory.ts';

interface Outcome {
  readonly said: string;
  readonly root: string;
  readonly report?: Partial<LayerReport>;
}

function unpack(entries: Iterable<TestEntry>): Outcome {
  const root = memoryDirectory();
  const writer = new LayerWriter(root, { ...recordingCalls(root), setXattr: () => undefined });
  const reader = new TarReader(writer);
  try {
    for (const entry of entries) reader.write(entryBytes(entry));
    reader.finish();
    return { said: 'fine', root, report: writer.finish() };
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return { said: `${code}: ${message}`, root };
  } finally {
    writer.abort();
  }
}

const times = (count: number, make: (i: number) => readonly TestEntry[]): TestEntry[] =>
  Array.from({ length: count }, (_, i) => make(i)).flat();
const dir = (name: string, pax?: Readonly<Record<string, string>>): TestEntry => ({
  name,
  type: '5',
  ...(pax === undefined ? {} : { pax }),
});

describe('extended attributes', () => {
  const value = 'x'.repeat(1 << 16);

  test('no longer than the kernel takes them', () => {
    expect(unpack([dir('d', { 'SCHILY.xattr.user.x': value })]).said).toBe('fine');
    expect(unpack([dir('d', { 'SCHILY.xattr.user.x': `${value}x` })]).said).toBe(
      'LAYER_CORRUPT: corrupt layer: the extended attribute "user.x" is longer than Linux allows (65537 bytes)',
    );
    expect(unpack([dir('d', { [`SCHILY.xattr.user.${'n'.repeat(255)}`]: 'x' })]).said).toContain(
      'is longer than Linux allows',
    );
  });

  test('of directories are bounded together, because they wait', () => {
    const entries = times(1100, (i) => [dir(`d${String(i)}`, { 'SCHILY.xattr.user.x': value })]);
    expect(unpack(entries).said).toBe(
      'LAYER_CORRUPT: corrupt layer: the extended attributes of its directories are longer than 64 MB together',
    );
  });

  test('of files, and of directories that are replaced, do not wait', () => {
    const pax = { 'SCHILY.xattr.user.x': value };
    const entries = times(550, (i) => [
      dir('again', pax),
      dir('gone', pax),
      { name: 'gone' },
      { name: `f${String(i)}`, pax },
    ]);
    expect(unpack(entries).said).toBe('fine');
  });
});

describe('hard links to files that do not come', () => {
  test('are bounded in number', () => {
    const link = (i: number): TestEntry => ({ name: `l${String(i)}`, type: '1', link: `gone${String(i)}` });
    expect(unpack(times(10_000, (i) => [link(i)])).report?.danglingLinks).toHaveLength(10_000);
    expect(unpack(times(10_001, (i) => [link(i)])).said).toBe(
      'LAYER_CORRUPT: corrupt layer: it has too many hard links to files that it does not have, such as "l10000" to "gone10000"',
    );
  });

  test('are bounded in bytes', () => {
    const linkpath = 'x/'.repeat(2000);
    const entries = times(1000, (i) => [
      { name: `l${String(i)}`, type: '1', pax: { linkpath: `${linkpath}${String(i)}` } },
    ]);
    expect(unpack(entries).said).toContain('too many hard links to files that it does not have');
  });

  test('count no more once they are replaced', () => {
    const linkpath = 'x/'.repeat(2000);
    const entries = times(600, (i) => [
      { name: 'l', type: '1', pax: { linkpath: `${linkpath}${String(i)}` } },
      dir('d'),
      { name: 'd/l', type: '1', pax: { linkpath } },
      { name: 'd' },
    ]);
    const { said, report } = unpack(entries);
    expect([said, report?.danglingLinks]).toEqual(['fine', [{ path: 'l', target: `${linkpath}599` }]]);
  });
});

test('the names of directories that are not listed are bounded together', () => {
  const deep = `${'y'.repeat(200)}/`.repeat(15);
  const entries = times(6000, (i) => [{ name: 'f', pax: { path: `${deep}${String(i)}/f` } }]);
  expect(unpack(entries).said).toBe(
    'LAYER_CORRUPT: corrupt layer: the names of the directories that it does not list are longer than 16 MB together',
  );
});

describe('replacing a directory over and over costs no more for what lies elsewhere:', () => {
  test.each<[string, (i: string) => readonly TestEntry[], readonly TestEntry[]]>([
    ['whiteouts', (i) => [{ name: `.wh.w${i}` }], []],
    [
      'directories',
      (i) => [{ name: `k${i}/f`, type: '2', link: 'x' }],
      [{ name: 'd/f', type: '2', link: 'x' }],
    ],
  ])('%s', (_, elsewhere, inside) => {
    const once = Buffer.concat([dir('d'), ...inside, { name: 'd', type: '2', link: 'x' }].map(entryBytes));
    const root = memoryDirectory();
    const reader = new TarReader(new LayerWriter(root, recordingCalls(root)));
    for (let i = 0; i < 20_000; i++) {
      for (const entry of elsewhere(String(i))) reader.write(entryBytes(entry));
    }
    const begin = performance.now();
    for (let i = 0; i < 3000; i++) reader.write(once);
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(lstatSync(join(root, 'd')).isSymbolicLink()).toBe(true);
  });
});
