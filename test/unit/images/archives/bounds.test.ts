/** Archives of a few megabytes that would cost gigabytes of memory or minutes: each is refused at once. */
import { readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { digestOf } from '../../../../images/digest.ts';
import { loadImages } from '../../../../images/archives/load.ts';
import { testStore } from '../../../support/images/stored-images.ts';
import { entryBytes, tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { memoryDirectory } from '../../../support/temporary-directory.ts';

/** What is wrong with the archive; what was written of it must be gone. */
async function refusal(pieces: Iterable<Buffer>): Promise<string> {
  const dir = memoryDirectory();
  try {
    await loadImages({ store: testStore(dir).store, input: Readable.from(pieces) });
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => /-\d+$/.test(name))).toEqual([]);
    return `${code}: ${message}`;
  }
  return 'fine';
}

const start = 'ARCHIVE_INVALID: not an image archive that can be loaded: ';
const layer = tarOf({ name: 'f' });
const config = JSON.stringify({ rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } });

/** As Docker has it, with this list of images. */
const docker = (images: readonly unknown[], configuration = config): Buffer =>
  tarOf(
    { name: 'c.json', data: configuration },
    { name: 'l.tar', data: layer },
    { name: 'manifest.json', data: JSON.stringify(images) },
  );
const image = (tags: readonly string[]) => ({ Config: 'c.json', RepoTags: tags, Layers: ['l.tar'] });
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `image:${String(i)}`);

test.each<[string, TestEntry]>([
  ['a name', { name: 'l', type: '2', pax: { path: `${'A'.repeat(500_000)}${'/b/..'.repeat(100_000)}` } }],
  ['what a link leads to', { name: 'l', type: '2', pax: { linkpath: 'x/'.repeat(500_000) } }],
  ['what a hard link leads to', { name: 'l', type: '1', pax: { linkpath: 'x/'.repeat(500_000) } }],
])('%s is no longer than a path', async (_, entry) => {
  const said = await refusal([tarOf(entry)]);
  expect(said).toContain(`${start}it has a name that is too long: "`);
  expect(said.length).toBeLessThan(500);
});

test('links are bounded together', async () => {
  function* pieces(): Generator<Buffer> {
    const linkpath = 'x'.repeat(4000);
    for (let i = 0; i < 9000; i++) yield entryBytes({ name: `l${String(i)}`, type: '2', pax: { linkpath } });
  }
  expect(await refusal(pieces())).toBe(`${start}it has more files and links than any image archive has`);
});

test('images are counted before any is read', async () => {
  const many = Array<unknown>(1001).fill(image([]));
  expect(await refusal([docker(many)])).toContain('must have at most 1000 entries (got 1001)');
});

test('names are counted before any is given', async () => {
  expect(await refusal([docker([image(names(1001))])])).toContain('RepoTags must have at most 1000 entries');
  expect(await refusal([docker([image(names(1000)), image(['other:1'])])])).toBe(
    `${start}it has 1001 names for images, and at most 1000 are loaded`,
  );
});

test('a long configuration is not read once for each image', async () => {
  const long = JSON.stringify({ ...(JSON.parse(config) as object), x: 'x'.repeat(15 << 20) });
  expect(await refusal([docker(Array<unknown>(9).fill(image([])), long)])).toBe(
    `${start}the documents of its images are longer than 128 MB together`,
  );
});

test('images in the form of before Docker 1.10', async () => {
  const tags = Object.fromEntries(names(1001).map((name, i) => [name.slice(6), String(i).padStart(64, '0')]));
  const data = JSON.stringify({ web: tags });
  expect(await refusal([tarOf({ name: 'repositories', data })])).toBe(
    `${start}it has 1001 images, and at most 1000 are loaded`,
  );
});
