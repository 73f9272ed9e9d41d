import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digestOf } from '../../../../images/digest.ts';
import { ownerTag } from '../../../../images/store/owner.ts';
import type { StoredImage } from '../../../../images/types.ts';
import { addImage, testStore } from '../../../support/images/stored-images.ts';
import { tarOf } from '../../../support/images/tar-bytes.ts';
import { wrongDocuments } from '../../../support/wrong-json.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const base = [
  { name: 'etc/', type: '5' },
  { name: 'etc/os', data: 'base' },
];
const hub = (name: string): string => `docker.io/library/${name}`;

describe('images and names', () => {
  test('an image is found by name, digest, id and the beginning of its id', async () => {
    const { store } = testStore(temporaryDirectory());
    const repoDigest = `${hub('web')}@sha256:${'a'.repeat(64)}`;
    const image = await addImage(store, { layers: [base], tag: hub('web:latest'), repoDigest });
    const hex = image.id.slice('sha256:'.length);
    for (const name of [
      'web',
      'web:latest',
      hub('web'),
      repoDigest,
      `web@sha256:${'a'.repeat(64)}`,
      image.id,
      hex,
      hex.slice(0, 12),
      `sha256:${hex.slice(0, 6)}`,
    ]) {
      expect((await store.find(name))?.id).toBe(image.id);
    }
    for (const name of ['other', 'web:1', 'WEB', 'localhost/web', ''])
      expect(await store.find(name)).toBeUndefined();
    expect(image).toMatchObject({ tags: [hub('web:latest')], repoDigests: [repoDigest], size: 4 });
    expect(readFileSync(join(image.layerDirs[0] ?? '', 'etc/os'), 'utf8')).toBe('base');
  });

  test('a name that is also the beginning of an id means the name', async () => {
    const { store } = testStore(temporaryDirectory());
    const first = await addImage(store, { layers: [base] });
    const second = await addImage(store, {
      layers: [[{ name: 'x' }]],
      tag: hub(`${first.id.slice(7, 11)}:latest`),
    });
    expect((await store.find(first.id.slice(7, 11)))?.id).toBe(second.id);
  });

  test('the beginning of two ids is ambiguous', async () => {
    const { store } = testStore(temporaryDirectory());
    const seen = new Map<string, string>();
    for (let i = 0; ; i++) {
      const { id } = await addImage(store, { layers: [base], config: { User: String(i) } });
      const first = id.charAt(7);
      if (seen.has(first)) {
        await expect(store.find(first)).rejects.toMatchObject({ code: 'AMBIGUOUS_ID' });
        return;
      }
      seen.set(first, id);
    }
  });

  test('a name moves to the image that gets it last', async () => {
    const { store } = testStore(temporaryDirectory());
    const old = await addImage(store, { layers: [base], tag: hub('web:latest') });
    await addImage(store, { layers: [base, [{ name: 'new' }]], tag: hub('web:latest') });
    expect((await store.find(old.id))?.tags).toEqual([]);
    await store.tag(old, 'web');
    expect((await store.find('web'))?.id).toBe(old.id);
    await expect(store.tag(old, `web@sha256:${'0'.repeat(64)}`)).rejects.toThrow(/digest reference/);
  });

  test('the same image again keeps its names', async () => {
    const { store, unpacker } = testStore(temporaryDirectory());
    await addImage(store, { layers: [base], tag: hub('one:latest') });
    const image = await addImage(store, { layers: [base], tag: hub('two:latest') });
    expect([image.tags, unpacker.unpacked]).toEqual([[hub('one:latest'), hub('two:latest')], 1]);
  });

  test('newest first', async () => {
    const { store } = testStore(temporaryDirectory());
    const ids: string[] = [];
    for (const created of ['2024-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z']) {
      ids.push((await addImage(store, { layers: [base], created })).id);
    }
    expect((await store.list()).map(({ id }) => id)).toEqual([ids[1], ids[2], ids[0]]);
  });

  test('history counts each layer where it was made', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, {
      layers: [base, [{ name: 'big', data: 'x'.repeat(100) }]],
      tag: hub('web:latest'),
      history: [
        { created_by: 'ADD base' },
        { created_by: 'ENV x', empty_layer: true },
        { created_by: 'COPY big' },
      ],
    });
    expect(store.history(image)).toEqual([
      { created_by: 'COPY big', size: 100, tags: [hub('web:latest')], id: image.id },
      { created_by: 'ENV x', empty_layer: true, size: 0, tags: [] },
      { created_by: 'ADD base', size: 4, tags: [] },
    ]);
  });

  test('an image whose layer is missing does not come into the store', async () => {
    const { store } = testStore(temporaryDirectory());
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] },
    });
    const configDigest = await store.blobs.putBytes(Buffer.from(config));
    await expect(store.putImage({ manifestDigest: configDigest, configDigest })).rejects.toMatchObject({
      code: 'LAYER_MISSING',
    });
    expect(await store.list()).toEqual([]);
  });
});

describe('layers', () => {
  test('one that turns out wrong leaves nothing', async () => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    const digest = await store.blobs.putBytes(tarOf({ name: 'f', data: 'x' }));
    const descriptor = { mediaType: '', digest, size: 0 };
    const wrong = store.ensureLayer({ descriptor, diffId: digestOf(Buffer.from('other')) });
    await expect(wrong).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' });
    expect([existsSync(join(dir, 'layers')), readdirSync(join(dir, 'tmp'))]).toEqual([false, []]);
  });

  test('what a crashed process left half unpacked is cleared by the next', async () => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    const left = join(dir, 'tmp', '999999999.1.1', 'fs');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'half'), '');
    await addImage(store, { layers: [base] });
    expect(readdirSync(join(dir, 'tmp'))).toEqual([]);
  });

  test('the same layer asked for by many at once is unpacked once', async () => {
    const { store, unpacker } = testStore(temporaryDirectory());
    const archive = tarOf(...base);
    const digest = await store.blobs.putBytes(archive);
    const layer = { descriptor: { mediaType: '', digest, size: archive.length }, diffId: digest };
    await Promise.all(Array.from({ length: 5 }, () => store.ensureLayer(layer)));
    expect(unpacker.unpacked).toBe(1);
  });
});

describe('what a layer leaves to those below', () => {
  const lower = [
    { name: './', type: '5' },
    { name: 'srv/', type: '5', mode: 0o750, mtime: 1_500_000_000 },
    { name: 'srv/data/', type: '5', mode: 0o700, mtime: 1_400_000_000 },
    { name: 'srv/data/tool', data: 'tool', mode: 0o4755, mtime: 1_300_000_000 },
  ];
  const mode = (path: string): number => lstatSync(path).mode & 0o7777;
  const names = (image: StoredImage): string[] => image.layerDirs.map((dir) => basename(join(dir, '../..')));

  test('an unlisted directory keeps the attributes it had below', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, { layers: [lower, [{ name: 'srv/data/new', data: 'x' }]] });
    expect(names(image)).toEqual(['layers', 'layers', 'overrides']);
    const top = image.layerDirs[2] ?? '';
    expect([mode(join(top, 'srv')), mode(join(top, 'srv/data'))]).toEqual([0o750, 0o700]);
    expect(lstatSync(join(top, 'srv/data')).mtimeMs).toBe(1.4e12);
  });

  test('a listed parent keeps its own', async () => {
    const { store } = testStore(temporaryDirectory());
    const upper = [{ name: 'srv/', type: '5', mode: 0o711 }, { name: 'srv/data/new' }];
    const top = (await addImage(store, { layers: [lower, upper] })).layerDirs[2] ?? '';
    expect([mode(join(top, 'srv')), mode(join(top, 'srv/data'))]).toEqual([0o711, 0o700]);
  });

  test('a directory that is new needs nothing', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, { layers: [lower, [{ name: 'opt/new/file' }]] });
    expect(names(image)).toEqual(['layers', 'layers']);
  });

  test('the same layer on another base gets that base’s attributes', async () => {
    const { store, unpacker } = testStore(temporaryDirectory());
    const upper = [{ name: 'srv/new' }];
    const other = [{ name: 'srv/', type: '5', mode: 0o777 }];
    const first = await addImage(store, { layers: [lower, upper] });
    const second = await addImage(store, { layers: [other, upper] });
    expect(first.layerDirs[1]).toBe(second.layerDirs[1]);
    expect([first, second].map((image) => mode(join(image.layerDirs[2] ?? '', 'srv')))).toEqual([
      0o750, 0o777,
    ]);
    expect(unpacker.unpacked).toBe(3);
  });

  test('a hard link to a file below is made with the file it links to', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, {
      layers: [lower, [{ name: 'srv/link', type: '1', link: 'srv/data/tool' }]],
    });
    const top = image.layerDirs[2] ?? '';
    const [link, tool] = ['srv/link', 'srv/data/tool'].map((path) => lstatSync(join(top, path)));
    expect(link?.ino).toBe(tool?.ino);
    expect([readFileSync(join(top, 'srv/link'), 'utf8'), mode(join(top, 'srv/link')), tool?.mtimeMs]).toEqual(
      ['tool', 0o4755, 1.3e12],
    );
    expect(mode(join(top, 'srv/data'))).toBe(0o700);
  });

  test('a hard link to nothing is corrupt, and the image stays out', async () => {
    const { store } = testStore(temporaryDirectory());
    const bad = addImage(store, { layers: [lower, [{ name: 'l', type: '1', link: 'no/such' }]] });
    await expect(bad).rejects.toMatchObject({
      code: 'LAYER_CORRUPT',
      message: /which no layer of the image has/,
    });
    await expect(
      addImage(store, { layers: [[{ name: 'l', type: '1', link: 'gone' }]] }),
    ).rejects.toMatchObject({ code: 'LAYER_CORRUPT' });
    expect(await store.list()).toEqual([]);
  });

  test('a layer that is listed again stands in the stack once, where it is topmost', async () => {
    const { store, unpacker } = testStore(temporaryDirectory());
    const file = [{ name: 'f', data: 'x' }];
    const empty: never[] = [];
    const image = await addImage(store, { layers: [file, empty, [{ name: '.wh.f' }], empty, file, empty] });
    expect(image.layerDirs.map((dir) => readdirSync(dir))).toEqual([['f'], ['f'], []]);
    expect(new Set(image.layerDirs).size).toBe(3);
    expect([unpacker.unpacked, image.config.rootfs.diff_ids.length]).toEqual([3, 6]);
  });

  test('what a layer takes from below differs each time that it is listed', async () => {
    const { store } = testStore(temporaryDirectory());
    const upper = [{ name: 'srv/link', type: '1', link: 'srv/data/tool' }];
    const between = [
      { name: 'srv/', type: '5', mode: 0o711 },
      { name: 'srv/data/tool', data: 'changed' },
    ];
    const { layerDirs } = await addImage(store, { layers: [lower, upper, between, upper] });
    const top = layerDirs.at(-1) ?? '';
    expect([readFileSync(join(top, 'srv/link'), 'utf8'), mode(join(top, 'srv'))]).toEqual(['changed', 0o711]);
    expect(new Set(layerDirs).size).toBe(layerDirs.length);
  });

  test('a layer that starts afresh leaves the ones below out', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, {
      layers: [lower, [{ name: '.wh..wh..opq' }, { name: 'only', data: 'x' }]],
    });
    expect(image.layerDirs.map((dir) => readdirSync(dir))).toEqual([['only']]);
  });
});

describe('removal', () => {
  const files = (dir: string) => [
    readdirSync(join(dir, 'layers')).length,
    readdirSync(join(dir, 'blobs/sha256')).length,
  ];

  test('names go one by one, the image and what only it had go with the last', async () => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    await addImage(store, { layers: [base], tag: hub('base:latest') });
    const image = await addImage(store, { layers: [base, [{ name: 'x' }]], tag: hub('web:latest') });
    await store.tag(image, 'web:2');
    expect(files(dir)).toEqual([2, 6]);
    expect(await store.remove('web')).toEqual({ untagged: ['web:latest'], deleted: [] });
    expect(await store.remove('web:2')).toMatchObject({
      untagged: ['web:2'],
      deleted: [image.id, expect.any(String)],
    });
    expect(files(dir)).toEqual([1, 3]);
    expect((await store.find('base'))?.id).toBeDefined();
    await expect(store.remove('web')).rejects.toMatchObject({
      code: 'NO_SUCH_IMAGE',
      message: 'No such image: web:latest',
    });
  });

  test('by id one tag goes with the digests of its repository, more only when forced', async () => {
    const { store } = testStore(temporaryDirectory());
    const single = await addImage(store, { layers: [base], tag: hub('web:1') });
    const repoDigest = hub(`web@sha256:${'1'.repeat(64)}`);
    await store.notePushed(single, {
      manifestDigest: digestOf('{}'),
      manifestBytes: Buffer.from('{}'),
      repoDigest,
    });
    expect((await store.remove(single.id)).untagged).toEqual(['web:1', `web@sha256:${'1'.repeat(64)}`]);
    const several = await addImage(store, { layers: [base], tag: hub('web:1') });
    await store.tag(several, 'web:2');
    await expect(store.remove(several.id)).rejects.toThrow(/must be forced/);
  });

  test('by id the names of several repositories go when forced', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, { layers: [base], tag: hub('web:1') });
    await store.tag(image, 'web:2');
    await store.tag(image, 'other');
    await expect(store.remove(image.id)).rejects.toThrow(/image is referenced in multiple repositories/);
    expect((await store.remove(image.id, { force: true })).untagged).toEqual([
      'web:1',
      'web:2',
      'other:latest',
    ]);
  });

  test('a repository’s digest goes with its last tag', async () => {
    const { store } = testStore(temporaryDirectory());
    const repoDigest = `${hub('web')}@sha256:${'b'.repeat(64)}`;
    const image = await addImage(store, { layers: [base], tag: hub('web:latest'), repoDigest });
    const { untagged, deleted } = await store.remove('web');
    expect([untagged, deleted[0]]).toEqual([['web:latest', `web@sha256:${'b'.repeat(64)}`], image.id]);
  });

  test('an image in use', async () => {
    const { store } = testStore(temporaryDirectory());
    const image = await addImage(store, { layers: [base], tag: hub('web:latest') });
    const short = image.id.slice(7, 19);
    const running = new Map([[image.id, 'running container 0123456789ab']]);
    const stopped = new Map([[image.id, 'stopped container 0123456789ab']]);
    await expect(store.remove('web', { inUse: stopped })).rejects.toThrow(
      `conflict: unable to remove repository reference "web" (must force) - container 0123456789ab is using its referenced image ${short}`,
    );
    await expect(store.remove(short, { inUse: running, force: true })).rejects.toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container 0123456789ab`,
    );
    await expect(store.remove(short, { inUse: stopped })).rejects.toThrow(
      /\(must be forced\) - image is being used by stopped/,
    );
    expect(await store.remove('web', { inUse: running, force: true })).toEqual({
      untagged: ['web:latest'],
      deleted: [],
    });
    expect((await store.find(short))?.tags).toEqual([]);
  });

  test('prune takes what has no name, with all what has no container', async () => {
    const { store } = testStore(temporaryDirectory());
    const nameless = await addImage(store, { layers: [[{ name: 'a', data: '12345' }], base] });
    const used = await addImage(store, { layers: [base], tag: hub('used:latest') });
    const unused = await addImage(store, {
      layers: [[{ name: 'b', data: '123' }]],
      tag: hub('unused:latest'),
    });
    const inUse = new Map([[used.id, 'stopped container 0123456789ab']]);
    expect(await store.prune({ inUse })).toMatchObject({
      untagged: [],
      deleted: expect.arrayContaining([nameless.id]) as unknown,
      bytes: 5,
    });
    const all = await store.prune({ all: true, inUse });
    expect([all.untagged, all.deleted[0], all.bytes]).toEqual([['unused:latest'], unused.id, 3]);
    expect((await store.list()).map(({ id }) => id)).toEqual([used.id]);
  });

  test('content that another process is adding is left alone until that process ends', async () => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    await addImage(store, { layers: [base], tag: hub('web:latest') });
    const other = spawn('sh', ['-c', 'echo $(cut -d " " -f 1,22 /proc/$$/stat | tr " " .).1; read x'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [tag] = (await once(other.stdout, 'data')) as [Buffer];
    writeFileSync(join(dir, 'leases', tag.toString().trim()), '');
    expect((await store.remove('web')).deleted).toHaveLength(1);
    expect(files(dir)).toEqual([1, 3]);
    other.stdin.end();
    await once(other, 'close');
    await store.prune({});
    expect(files(dir)).toEqual([0, 0]);
  });
});

test('what a killed writer of the list of images has left goes with the next change, a living one’s stays', async () => {
  const dir = temporaryDirectory();
  const { store } = testStore(dir);
  const image = await addImage(store, { layers: [base], tag: hub('web:latest') });
  const dead = ['.images.json.4194305.1.1', '..images.json.copy.4194305.1.2'];
  const others = [`.images.json.${ownerTag()}`, '.images.json.other', '.other.4194305.1.1'];
  for (const name of [...dead, ...others]) writeFileSync(join(dir, name), '');
  await store.tag(image, 'other');
  const left = readdirSync(dir);
  expect(dead.filter((name) => left.includes(name))).toEqual([]);
  expect(others.filter((name) => !left.includes(name))).toEqual([]);
});

test('a damaged list of images is reported, whatever is wrong with it', async () => {
  const dir = temporaryDirectory();
  const { store } = testStore(dir);
  await addImage(store, { layers: [[{ name: 'a' }]], tag: 'docker.io/library/web:1' });
  const path = join(dir, 'images.json');
  const good: unknown = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, 'damaged');
  expect((await store.list()).map(({ tags }) => tags)).toEqual([['docker.io/library/web:1']]);
  rmSync(join(dir, '.images.json.copy'));
  let refused = 0;
  for (const { change, document } of wrongDocuments(good)) {
    writeFileSync(path, JSON.stringify(document) ?? '');
    const code = await store.list().then(
      () => 'fine',
      (error: unknown) => (error as { code?: string }).code,
    );
    expect([change, code]).toEqual([
      change,
      expect.stringMatching(/^(fine|INDEX_CORRUPT|BLOB_MISSING|CONFIG_INVALID)$/),
    ]);
    if (code === 'INDEX_CORRUPT') refused += 1;
  }
  expect(refused).toBeGreaterThan(50);
});
