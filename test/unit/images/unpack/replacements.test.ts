/**
 * Layers whose entries replace one another, each kind by each: what comes out is what Docker makes of them, nothing is
 * written outside, and what cannot be written is the layer's own fault. Then the same across the layers of an image.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { digestOf } from '../../../../images/digest.ts';
import { LayerWriter } from '../../../../images/unpack/layer-writer.ts';
import { TarReader } from '../../../../images/unpack/tar-reader.ts';
import { unpackAsDocker } from '../../../support/images/docker-unpack.ts';
import { recordingCalls } from '../../../support/kernel/recording-calls.ts';
import { testStore } from '../../../support/images/stored-images.ts';
import { tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { memoryDirectory } from '../../../support/temporary-directory.ts';

const file = (name: string): TestEntry => ({ name, data: `content of ${name}` });
const dir = (name: string): TestEntry => ({ name: `${name}/`, type: '5' });
const symlink = (name: string, link: string): TestEntry => ({ name, type: '2', link });
const hardLink = (name: string, link: string): TestEntry => ({ name, type: '1', link });

/** What a path may become. */
const kinds: readonly (readonly TestEntry[])[] = [
  [file('a')],
  [dir('a')],
  [dir('a'), file('a/in')],
  [file('a/in')],
  [symlink('a', 'other')],
  [symlink('a', '/other')],
  [symlink('a', 'a')],
  [symlink('a', 'nowhere')],
  [symlink('a', '../../../../../secret')],
  [hardLink('a', 'other/f')],
  [hardLink('a', 'other')],
  [hardLink('a', 'a/in')],
  [hardLink('a', 'a')],
  [hardLink('a/in', 'other/f')],
  [hardLink('h', 'a')],
  [hardLink('h', 'a/in')],
];
const whiteouts: readonly (readonly TestEntry[])[] = [
  [{ name: '.wh.a' }],
  [{ name: 'a/.wh..wh..opq' }],
  [{ name: 'a/.wh.in' }],
];
const base = [dir('other'), file('other/f')];

/** Every file with what it is; names of one file share a number. */
function treeOf(root: string): readonly string[] {
  const inodes = new Map<number, number>();
  const lines: string[] = [];
  const walk = (at: string): void => {
    for (const name of readdirSync(join(root, at)).sort()) {
      const path = join(at, name);
      const stats = lstatSync(join(root, path));
      if (!inodes.has(stats.ino)) inodes.set(stats.ino, inodes.size);
      const what = stats.isDirectory()
        ? 'dir'
        : stats.isSymbolicLink()
          ? `-> ${readlinkSync(join(root, path))}`
          : `file ${String(inodes.get(stats.ino))} ${readFileSync(join(root, path), 'utf8')}`;
      lines.push(`${path} ${what}`);
      if (stats.isDirectory()) walk(path);
    }
  };
  walk('');
  return lines;
}

/** The tree, or the refusal; `secret` beside the layer must stay as it is. */
function attempt(unpack: (root: string) => void): readonly string[] | string {
  const around = memoryDirectory();
  const root = join(around, 'layer');
  mkdirSync(root);
  writeFileSync(join(around, 'secret'), 'untouched');
  let outcome: readonly string[] | string;
  try {
    unpack(root);
    outcome = treeOf(root);
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    outcome = `${code}: ${message}`;
  }
  expect(readdirSync(around).sort()).toEqual(['layer', 'secret']);
  expect(readFileSync(join(around, 'secret'), 'utf8')).toBe('untouched');
  return outcome;
}

function unpackHere(root: string, entries: readonly TestEntry[]): void {
  const writer = new LayerWriter(root, recordingCalls(root));
  const reader = new TarReader(writer);
  try {
    reader.write(tarOf(...entries));
    reader.finish();
    writer.finish();
  } finally {
    writer.abort();
  }
}

test('within one layer, as in Docker', () => {
  let same = 0;
  for (const first of kinds) {
    for (const second of kinds) {
      for (const last of [[], [file('a/after')], [dir('a')]]) {
        const entries = [...base, ...first, ...second, ...last];
        const docker = attempt((root) => {
          unpackAsDocker(root, entries);
        });
        const ours = attempt((root) => {
          unpackHere(root, entries);
        });
        const show = JSON.stringify([...first, ...second, ...last]);
        if (typeof docker === 'string') {
          // Where the layers below may have what a link leads to, Docker fails and this goes on.
          const mayPass = entries.some(
            ({ type, link }) => type === '1' || link === 'nowhere' || String(link).endsWith('secret'),
          );
          expect([show, ours]).toEqual([
            show,
            mayPass && typeof ours !== 'string'
              ? expect.anything()
              : expect.stringMatching(/^LAYER_CORRUPT: /),
          ]);
        } else {
          expect([show, ours]).toEqual([show, docker]);
          same += 1;
        }
      }
    }
  }
  expect(same).toBeGreaterThan(300);
});

/** Stores an image of these layers; what is wrong with it, if anything. */
async function stack(layers: readonly (readonly TestEntry[])[]): Promise<string> {
  const { store } = testStore(memoryDirectory());
  try {
    const tars = layers.map((entries) => tarOf(...entries));
    const diffIds = tars.map(digestOf);
    for (const tar of tars) {
      const digest = await store.blobs.putBytes(tar);
      await store.ensureLayer({ descriptor: { mediaType: 'x', digest, size: tar.length }, diffId: digest });
    }
    const config = Buffer.from(JSON.stringify({ rootfs: { type: 'layers', diff_ids: diffIds } }));
    const configDigest = await store.blobs.putBytes(config);
    await store.putImage({ manifestDigest: configDigest, configDigest });
    return 'fine';
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
}

test('across layers nothing but the layer’s own fault goes wrong', async () => {
  const all = [...kinds, ...whiteouts];
  for (const first of all) {
    for (const second of all) {
      for (const layers of [
        [[...base, ...first], second],
        [base, [...first, ...second]],
      ]) {
        const said = await stack(layers);
        const show = JSON.stringify(layers);
        if (said !== 'fine') expect([show, said]).toEqual([show, expect.stringMatching(/^LAYER_CORRUPT: /)]);
      }
    }
  }
});
