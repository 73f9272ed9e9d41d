import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { bzip2Sync, xzSync } from '../../../support/images/compressors.ts';
import { gzipSync } from 'node:zlib';
import { importRootfs } from '../../../../images/archives/import.ts';
import { loadImages } from '../../../../images/archives/load.ts';
import { saveImages } from '../../../../images/archives/save.ts';
import { TarWriter } from '../../../../images/archives/tar-writer.ts';
import { digestOf } from '../../../../images/digest.ts';
import type { ImageStore } from '../../../../images/store/image-store.ts';
import type { StoredImage } from '../../../../images/types.ts';
import { addImage, testStore } from '../../../support/images/stored-images.ts';
import { tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const layer = [{ name: 'etc/os', data: 'base' }];
const upper = [{ name: 'new', data: 'x'.repeat(5000) }];
const web = 'docker.io/library/web:latest';

const newStore = (): ImageStore => testStore(temporaryDirectory()).store;

async function save(
  store: ImageStore,
  ...requests: readonly { image: StoredImage; tags: readonly string[] }[]
) {
  const output = new PassThrough();
  const whole = buffer(output);
  await saveImages(store, requests, output);
  output.end();
  return await whole;
}

const load = (store: ImageStore, archive: Buffer) => loadImages({ store, input: Readable.from([archive]) });

/** An archive as `docker save` wrote it from 1.10 to 24: no OCI layout. */
function dockerArchive(): { archive: Buffer; configDigest: string } {
  const layers = [tarOf(...layer), tarOf(...upper)];
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    }),
  );
  const name = `${digestOf(config).slice(7)}.json`;
  const manifest = [
    { Config: name, RepoTags: ['web:latest', 'x/y:2'], Layers: ['one/layer.tar', 'two/layer.tar'] },
  ];
  const archive = tarOf(
    { name: 'one/', type: '5' },
    { name: 'one/layer.tar', data: layers[0] ?? '' },
    { name: 'elsewhere/layer.tar', data: layers[1] ?? '' },
    // Layers that several images share were written once and linked to.
    { name: 'two/layer.tar', type: '2', link: '../elsewhere/layer.tar' },
    { name, data: config },
    { name: 'manifest.json', data: JSON.stringify(manifest) },
  );
  return { archive, configDigest: digestOf(config) };
}

describe('save and load', () => {
  test('an image comes back the same, in another store', async () => {
    const from = newStore();
    const image = await addImage(from, { layers: [layer, upper], tag: web, config: { Cmd: ['x'] } });
    const to = newStore();
    const loaded = await load(to, await save(from, { image, tags: image.tags }));
    expect(loaded.map(({ tags }) => tags)).toEqual([[web]]);
    const again = await to.find('web');
    expect([again?.id, again?.config, again?.size]).toEqual([image.id, image.config, image.size]);
    expect(readFileSync(join(again?.layerDirs[0] ?? '', 'etc/os'), 'utf8')).toBe('base');
  });

  test('layers are written as their diff ids say, once, whatever the store holds them compressed with', async () => {
    const store = newStore();
    const one = await addImage(store, { layers: [layer], tag: web });
    const two = await addImage(store, { layers: [layer, upper], tag: 'docker.io/x/y:2' });
    const archive = await save(store, { image: one, tags: one.tags }, { image: two, tags: [] });
    const target = newStore();
    const loaded = await load(target, archive);
    expect(loaded.map(({ image, tags }) => [image.id, tags])).toEqual([
      [one.id, [web]],
      [two.id, []],
    ]);
    const name = `blobs/sha256/${(one.config.rootfs.diff_ids[0] ?? '').slice(7)}\0`;
    expect(archive.indexOf(name)).toBe(archive.lastIndexOf(name));
  });

  test('saving twice gives the same bytes', async () => {
    const store = newStore();
    const image = await addImage(store, { layers: [layer], tag: web });
    expect(await save(store, { image, tags: [web] })).toEqual(await save(store, { image, tags: [web] }));
  });

  test('a layer whose blob is gone is said before anything is written', async () => {
    const store = newStore();
    const image = await addImage(store, { layers: [layer], tag: web });
    await store.blobs.remove(store.layer(image.config.rootfs.diff_ids[0] ?? '').blob);
    const output = new PassThrough();
    await expect(saveImages(store, [{ image, tags: [] }], output)).rejects.toMatchObject({
      code: 'BLOB_MISSING',
    });
    expect(output.readableLength).toBe(0);
  });

  test.each([
    ['as it is', (archive: Buffer) => archive],
    ['gzip', (archive: Buffer) => gzipSync(archive)],
    ['xz', xzSync],
    ['bzip2', bzip2Sync],
  ])('a Docker archive, %s', async (_, compress) => {
    const { archive, configDigest } = dockerArchive();
    const store = newStore();
    const [loaded] = await load(store, compress(archive));
    expect([loaded?.image.id, loaded?.tags]).toEqual([configDigest, [web, 'docker.io/x/y:2']]);
    expect((await store.find('x/y:2'))?.layerDirs.map((dir) => readdirSync(dir))).toEqual([['etc'], ['new']]);
  });

  test('from before Docker 1.10', async () => {
    const ids = ['a'.repeat(64), 'b'.repeat(64)];
    const layers = [tarOf(...layer), tarOf(...upper)];
    const archive = tarOf(
      ...ids.flatMap((id, i): TestEntry[] => [
        { name: `${id}/layer.tar`, data: layers[i] ?? '' },
        {
          name: `${id}/json`,
          data: JSON.stringify({
            id,
            ...(i === 0 ? {} : { parent: ids[0], config: { Cmd: ['old'] } }),
            os: 'linux',
          }),
        },
      ]),
      { name: 'repositories', data: JSON.stringify({ web: { latest: ids[1] } }) },
    );
    const [loaded] = await load(newStore(), archive);
    expect(loaded?.image).toMatchObject({
      tags: [web],
      config: { config: { Cmd: ['old'] }, rootfs: { diff_ids: layers.map(digestOf) } },
    });
  });
});

describe('OCI layouts', () => {
  const blob = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length });
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const indexType = 'application/vnd.oci.image.index.v1+json';

  function oneImage(architecture: string) {
    const tar = tarOf({ name: architecture });
    const packed = gzipSync(tar);
    const config = json({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } });
    const manifest = json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(config) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...blob(packed) }],
    });
    return {
      blobs: [packed, config, manifest],
      entry: { mediaType: manifestType, ...blob(manifest) },
      id: digestOf(config),
    };
  }

  function layout(
    manifests: readonly object[],
    blobs: readonly Buffer[],
    ...more: readonly TestEntry[]
  ): Buffer {
    return tarOf(
      { name: 'oci-layout', data: json({ imageLayoutVersion: '1.0.0' }) },
      { name: 'index.json', data: json({ schemaVersion: 2, manifests }) },
      ...blobs.map((bytes) => ({ name: `./blobs/sha256/${digestOf(bytes).slice(7)}`, data: bytes })),
      ...more,
    );
  }

  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
  const own = process.arch === 'x64' ? 'amd64' : process.arch;

  test('of a nested index the image for this machine is taken', async () => {
    const mine = oneImage(own);
    const other = oneImage('s390x');
    const index = json({
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [
        { ...other.entry, platform: { os: 'linux', architecture: 's390x' } },
        { ...mine.entry, platform: { os: 'linux', architecture: own } },
        { ...other.entry, platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    });
    const archive = layout(
      [{ mediaType: indexType, ...blob(index), ...named('registry.example/web:1') }],
      [...mine.blobs, ...other.blobs, index],
    );
    const loaded = await load(newStore(), archive);
    expect(loaded.map(({ image, tags }) => [image.id, tags])).toEqual([
      [mine.id, ['registry.example/web:1']],
    ]);
  });

  test('a bare tag names nothing, containerd’s annotation does, and so does a manifest.json beside it', async () => {
    const mine = oneImage(own);
    const bare = await load(newStore(), layout([{ ...mine.entry, ...named('latest') }], mine.blobs));
    expect(bare[0]?.tags).toEqual([]);
    const full = { annotations: { 'io.containerd.image.name': web } };
    const docker = json([{ Config: `blobs/sha256/${mine.id.slice(7)}`, RepoTags: ['other:1'], Layers: [] }]);
    const both = await load(
      newStore(),
      layout([{ ...mine.entry, ...full }], mine.blobs, { name: 'manifest.json', data: docker }),
    );
    expect(both[0]?.tags).toEqual([web, 'docker.io/library/other:1']);
    const pinned = { annotations: { 'io.containerd.image.name': `web@sha256:${'a'.repeat(64)}` } };
    const nameless = await load(newStore(), layout([{ ...mine.entry, ...pinned }], mine.blobs));
    expect(nameless[0]?.tags).toEqual([]);
  });

  test('a blob that is not what its name says', async () => {
    const mine = oneImage(own);
    const [packed = Buffer.alloc(0)] = mine.blobs;
    const archive = layout([mine.entry], mine.blobs, {
      name: `blobs/sha256/${digestOf(packed).slice(7)}`,
      data: Buffer.from('changed'),
    });
    const store = newStore();
    await expect(load(store, archive)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(await store.list()).toEqual([]);
  });

  test('a digest that would lead out of the layout', async () => {
    const archive = layout([{ mediaType: manifestType, digest: 'sha256:../../../etc/passwd', size: 1 }], []);
    await expect(load(newStore(), archive)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('manifests[0].digest must be a digest (got a string)'),
    });
  });
});

describe('names that an archive may not give', () => {
  const pinned = `nginx@sha256:${'a'.repeat(64)}`;
  const renamed = (name: string): Buffer => {
    const manifest = [{ Config: 'c.json', RepoTags: [name], Layers: ['l.tar'] }];
    const tar = tarOf(...layer);
    const config = { rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } };
    return tarOf(
      { name: 'manifest.json', data: JSON.stringify(manifest) },
      { name: 'c.json', data: JSON.stringify(config) },
      { name: 'l.tar', data: tar },
    );
  };

  test.each([
    [pinned, 'and only a registry gives names with a digest'],
    ['../../x', 'which is no image name (invalid reference format)'],
    ['x/UPPER:1', 'which is no image name (invalid reference format: repository name'],
    ['a\u001b[2J', 'it names an image "a\\u001b[2J", which is no image name'],
    ['', 'it names an image "", which is no image name'],
  ])('%s', async (name, message) => {
    const store = newStore();
    await expect(load(store, renamed(name))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(message),
    });
    expect([await store.list(), await store.find(pinned)]).toEqual([[], undefined]);
  });

  test('a name with a digest in the form of before Docker 1.10', async () => {
    const id = 'a'.repeat(64);
    const archive = tarOf(
      { name: 'repositories', data: JSON.stringify({ 'nginx@sha256': { ['a'.repeat(64)]: id } }) },
      { name: `${id}/json`, data: '{}' },
      { name: `${id}/layer.tar`, data: tarOf(...layer) },
    );
    await expect(load(newStore(), archive)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe('what is no image archive leaves nothing behind', () => {
  test.each([
    ['a root filesystem', tarOf(...layer), /neither an index.json nor a manifest.json/],
    ['something else', Buffer.from('hello'), /it is not a tar archive/],
    ['half of one', dockerArchive().archive.subarray(0, 3000), /truncated/],
    ['half a gzip file', gzipSync(dockerArchive().archive).subarray(0, 200), /unexpected end of file/],
    [
      'a list of nothing usable',
      tarOf({ name: 'manifest.json', data: '{}' }),
      /"manifest.json" is not valid: it must be a list of objects \(got an object\)/,
    ],
    ['no JSON', tarOf({ name: 'manifest.json', data: 'x' }), /"manifest.json" is not JSON/],
  ])('%s', async (_, archive, message) => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    await expect(load(store, archive)).rejects.toThrow(message);
    expect(existsSync(join(dir, 'blobs/partial')) ? readdirSync(join(dir, 'blobs/partial')) : []).toEqual([]);
  });

  test('a file that is not there', async () => {
    const missing = join(temporaryDirectory(), 'missing.tar');
    await expect(loadImages({ store: newStore(), input: missing })).rejects.toMatchObject({
      code: 'ARCHIVE_UNREADABLE',
    });
  });

  test('a file that is', async () => {
    const path = join(temporaryDirectory(), 'web.tar');
    writeFileSync(path, dockerArchive().archive);
    expect(await loadImages({ store: newStore(), input: path })).toHaveLength(1);
  });
});

describe('import', () => {
  test.each([
    ['as it is', (archive: Buffer) => archive],
    ['gzip', (archive: Buffer) => gzipSync(archive)],
    ['xz', xzSync],
  ])('a root filesystem, %s', async (_, compress) => {
    const store = newStore();
    const image = await importRootfs({
      store,
      input: Readable.from([compress(tarOf(...layer))]),
      reference: 'demo/web',
      changes: ['CMD ["/bin/sh"]', 'EXPOSE 80'],
      message: 'made by hand',
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    });
    expect(image).toMatchObject({
      tags: ['docker.io/demo/web:latest'],
      size: 4,
      config: {
        architecture: 'arm64',
        variant: 'v8',
        config: { Cmd: ['/bin/sh'], ExposedPorts: { '80/tcp': {} } },
        rootfs: { diff_ids: [digestOf(tarOf(...layer))] },
        history: [{ comment: 'made by hand' }],
      },
    });
    expect(readFileSync(join(image.layerDirs[0] ?? '', 'etc/os'), 'utf8')).toBe('base');
  });

  test('a bad change or name is refused before the input is touched', async () => {
    const store = newStore();
    const input = new PassThrough();
    await expect(importRootfs({ store, input, changes: ['RUN x'] })).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
    });
    await expect(importRootfs({ store, input, reference: 'UPPER' })).rejects.toMatchObject({
      code: 'INVALID_REFERENCE',
    });
    expect(input.readableFlowing).toBeNull();
  });

  test('what is no archive makes no image', async () => {
    const dir = temporaryDirectory();
    const { store } = testStore(dir);
    const bad = importRootfs({ store, input: Readable.from([Buffer.from('no archive at all')]) });
    await expect(bad).rejects.toMatchObject({ code: 'LAYER_CORRUPT' });
    expect([await store.list(), readdirSync(join(dir, 'tmp'))]).toEqual([[], []]);
  });
});

test('a file that turns out longer or shorter than announced is an error', async () => {
  for (const content of ['abc', 'abcde']) {
    const output = new PassThrough();
    output.resume();
    const writing = new TarWriter(output).stream('f', 4, [Buffer.from(content)]);
    await expect(writing).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  }
});
