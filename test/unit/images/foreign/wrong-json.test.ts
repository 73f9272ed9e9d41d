/**
 * Images whose JSON holds the wrong kind of value somewhere: every place of every document, every kind. Each is
 * either an image all the same, which then can be looked at, or is refused with an error of ours: one with a code,
 * which the command line prints as a sentence. A TypeError would be printed as an internal error with its stack.
 */
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadImages } from '../../../../images/archives/load.ts';
import { digestOf } from '../../../../images/digest.ts';
import { pullImage } from '../../../../images/pull.ts';
import { parseReference } from '../../../../images/reference.ts';
import { RegistryClient } from '../../../../images/registry/client.ts';
import type { ImageStore } from '../../../../images/store/image-store.ts';
import type { StoredImage } from '../../../../images/types.ts';
import { mountRequests } from '../../../../src/engine/spec/mount-flags.ts';
import { historyRow } from '../../../../src/docker/history-row.ts';
import { imageEntries, imageRow } from '../../../../src/docker/image-row.ts';
import { inspectImage } from '../../../../src/docker/inspect/image.ts';
import { renderError } from '../../../../src/ui/errors.ts';
import { FakeRegistry, indexType, manifestType } from '../../../support/images/fake-registry.ts';
import { testStore } from '../../../support/images/stored-images.ts';
import { tarOf, type TestEntry } from '../../../support/images/tar-bytes.ts';
import { memoryDirectory } from '../../../support/temporary-directory.ts';
import { wrongDocuments } from '../../../support/wrong-json.ts';

const layer = tarOf({ name: 'etc/os', data: 'base' });
const packed = gzipSync(layer);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');
const blob = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length });
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

const config = {
  created: '2026-01-01T00:00:00Z',
  author: 'ann',
  architecture,
  os: 'linux',
  variant: 'v1',
  config: {
    User: 'app',
    ExposedPorts: { '80/tcp': {} },
    Env: ['PATH=/bin'],
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c'],
    Volumes: { '/data': {} },
    WorkingDir: '/srv',
    Labels: { maker: 'test' },
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['NONE'], Interval: 30e9, Retries: 3 },
    OnBuild: ['RUN true'],
    Shell: ['/bin/sh', '-c'],
    ArgsEscaped: true,
  },
  rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  history: [
    { created: '2026-01-01T00:00:00Z', created_by: 'x', author: 'a', comment: 'c', empty_layer: false },
  ],
};
const manifestOf = (configBytes: Buffer) => ({
  schemaVersion: 2,
  mediaType: manifestType,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(configBytes) },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...blob(packed) }],
  annotations: { 'org.opencontainers.image.created': 'today' },
});
const indexOf = (manifestBytes: Buffer) => ({
  schemaVersion: 2,
  mediaType: indexType,
  manifests: [
    {
      mediaType: manifestType,
      ...blob(manifestBytes),
      platform: { os: 'linux', architecture, variant: 'v1' },
      annotations: {
        'io.containerd.image.name': 'docker.io/library/web:1',
        'org.opencontainers.image.ref.name': '1',
      },
    },
  ],
});
const dockerManifest = [{ Config: 'c.json', RepoTags: ['web:1'], Layers: ['l.tar'] }];

const ociArchive = (index: unknown, blobs: readonly Buffer[], ...more: readonly TestEntry[]): Buffer =>
  tarOf(
    { name: 'index.json', data: json(index) },
    ...blobs.map((bytes) => ({ name: `blobs/sha256/${digestOf(bytes).slice(7)}`, data: bytes })),
    ...more,
  );
const dockerArchive = (manifest: unknown, image: unknown): Buffer =>
  tarOf(
    { name: 'manifest.json', data: json(manifest) },
    { name: 'c.json', data: json(image) },
    { name: 'l.tar', data: layer },
  );
const oldArchive = (repositories: unknown, v1: unknown): Buffer =>
  tarOf(
    { name: 'repositories', data: json(repositories) },
    { name: `${'a'.repeat(64)}/json`, data: json(v1) },
    { name: `${'a'.repeat(64)}/layer.tar`, data: layer },
  );
const repositories = { web: { 1: 'a'.repeat(64) } };
const v1 = {
  created: '2026-01-01T00:00:00Z',
  author: 'ann',
  parent: '',
  os: 'linux',
  architecture,
  config: config.config,
  container_config: { Cmd: ['x'] },
};

/** Everything minidock makes of an image's configuration before a container starts. */
function look(store: ImageStore, image: StoredImage): void {
  const now = new Date(0);
  inspectImage(image);
  for (const entry of imageEntries([image])) void imageRow(entry, { noTrunc: false, now }).CreatedAt;
  for (const line of store.history(image)) historyRow(line, { noTrunc: false, human: true, now });
  mountRequests({ image: 'web', args: [] } as never, image.config.config ?? {});
}

/** What the command line would print; undefined if all went well. */
async function outcome(store: ImageStore, images: () => Promise<readonly StoredImage[]>): Promise<string> {
  try {
    for (const image of await images()) look(store, image);
    await store.list();
    return 'fine';
  } catch (error) {
    return renderError(error);
  }
}

async function loaded(archive: Buffer): Promise<string> {
  const { store } = testStore(memoryDirectory());
  return await outcome(store, async () =>
    (await loadImages({ store, input: Readable.from([archive]) })).map(({ image }) => image),
  );
}

/** Refusals by change; every one must be a sentence. */
async function refusals(
  document: unknown,
  attempt: (wrong: unknown) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  expect(await attempt(document)).toBe('fine');
  const refused = new Map<string, string>();
  for (const wrong of wrongDocuments(document)) {
    const said = await attempt(wrong.document);
    if (said === 'fine') continue;
    const [first = ''] = said.split('\n');
    expect([wrong.change, first]).toEqual([
      wrong.change,
      expect.stringMatching(/^minidock: (?!internal error)/),
    ]);
    expect([wrong.change, said.includes('    at ')]).toEqual([wrong.change, false]);
    refused.set(wrong.change, first);
  }
  return refused;
}

describe('archives', () => {
  test('the configuration in an OCI layout', async () => {
    const refused = await refusals(config, async (wrong) => {
      const manifest = json(manifestOf(json(wrong)));
      return await loaded(ociArchive(indexOf(manifest), [packed, json(wrong), manifest]));
    });
    expect(refused.get('config.Env = 5')).toMatch(
      /^minidock: the configuration of sha256:\S+ is not valid: config\.Env must be a list of strings \(got a number\)$/,
    );
    expect(refused.get('it = null')).toContain('is not valid: it must be an object (got null)');
    expect(refused.get('config.Env.0 = null')).toContain('config.Env[0] must be a string (got null)');
    // What Go takes for nothing is nothing here too.
    for (const place of ['config', 'config.Env', 'config.Labels', 'history', 'created', 'os']) {
      expect([place, refused.get(`${place} = null`)]).toEqual([place, undefined]);
    }
  });

  test('the manifest in an OCI layout', async () => {
    const image = json(config);
    const refused = await refusals(manifestOf(image), async (wrong) => {
      const manifest = json(wrong);
      return await loaded(ociArchive(indexOf(manifest), [packed, image, manifest]));
    });
    expect(refused.get('layers = {}')).toContain('layers must be a list of objects (got an object)');
    expect(refused.has('annotations = null')).toBe(false);
  });

  test('index.json, and an index that it leads to', async () => {
    const image = json(config);
    const manifest = json(manifestOf(image));
    const blobs = [packed, image, manifest];
    const refused = await refusals(
      indexOf(manifest),
      async (wrong) => await loaded(ociArchive(wrong, blobs)),
    );
    expect(refused.get('manifests.0.annotations = 5')).toContain(
      'manifests[0].annotations must be an object of strings (got a number)',
    );
    const nested = await refusals(indexOf(manifest), async (wrong) => {
      const inner = json(wrong);
      const top = { schemaVersion: 2, manifests: [{ mediaType: indexType, ...blob(inner) }] };
      return await loaded(ociArchive(top, [...blobs, inner]));
    });
    expect(nested.get('manifests = null')).toContain('manifests must be a list of objects (got null)');
  });

  test('manifest.json, alone and beside an index.json', async () => {
    const refused = await refusals(
      dockerManifest,
      async (wrong) => await loaded(dockerArchive(wrong, config)),
    );
    expect(refused.get('0.RepoTags = 5')).toContain(
      '"manifest.json" is not valid: [0].RepoTags must be a list of strings (got a number)',
    );
    expect(refused.has('0.RepoTags = null')).toBe(false);
    const image = json(config);
    const manifest = json(manifestOf(image));
    const items = [{ ...dockerManifest[0], Config: `blobs/sha256/${digestOf(image).slice(7)}` }];
    await refusals(items, async (wrong) => {
      const beside = { name: 'manifest.json', data: json(wrong) };
      return await loaded(ociArchive(indexOf(manifest), [packed, image, manifest], beside));
    });
  });

  test('the configuration in a Docker archive', async () => {
    await refusals(config, async (wrong) => await loaded(dockerArchive(dockerManifest, wrong)));
  });

  test('the form of before Docker 1.10', async () => {
    await refusals(repositories, async (wrong) => await loaded(oldArchive(wrong, v1)));
    const refused = await refusals(v1, async (wrong) => await loaded(oldArchive(repositories, wrong)));
    expect(refused.get('config.Cmd = {}')).toContain('config.Cmd must be a list of strings (got an object)');
  });
});

describe('registries', () => {
  let registry: FakeRegistry;
  beforeAll(async () => {
    registry = await FakeRegistry.start();
  });
  afterAll(async () => {
    await registry.close();
  });

  async function pulled(tag: string): Promise<string> {
    const { store } = testStore(memoryDirectory());
    const client = new RegistryClient({
      credentials: () => Promise.resolve(undefined),
      retry: { attempts: 1, baseMs: 1, capMs: 1 },
    });
    const reference = parseReference(`${registry.host}/app:${tag}`);
    return await outcome(store, async () => [(await pullImage({ reference, store, client })).image]);
  }

  test('the configuration', async () => {
    registry.addBlob(packed);
    await refusals(config, async (wrong) => {
      const image = json(wrong);
      registry.addBlob(image);
      registry.addManifest(['app:config'], manifestOf(image), manifestType);
      return await pulled('config');
    });
  });

  test('the manifest', async () => {
    const image = json(config);
    registry.addBlob(image);
    await refusals(manifestOf(image), async (wrong) => {
      registry.addManifest(['app:manifest'], wrong as object, manifestType);
      return await pulled('manifest');
    });
  });

  test('the index', async () => {
    const image = json(config);
    registry.addManifest(['app:one'], manifestOf(image), manifestType);
    await refusals(indexOf(json(manifestOf(image))), async (wrong) => {
      registry.addManifest(['app:index'], wrong as object, indexType);
      return await pulled('index');
    });
  });
});

test('the error for an image that came into the store unchecked has its name', async () => {
  const { store } = testStore(memoryDirectory());
  const [image] = await loadImages({ store, input: Readable.from([dockerArchive(dockerManifest, config)]) });
  const id = image?.image.id ?? '';
  for (const wrong of wrongDocuments(config)) {
    writeFileSync(store.blobs.path(id), json(wrong.document));
    const said = await outcome(store, async () => {
      const found = await store.find('web:1');
      return found === undefined ? [] : [found];
    });
    if (said !== 'fine')
      expect(said).toMatch(
        /^minidock: the configuration of web:1 is not .*\nremove the image \(minidock rmi web:1\), then pull or load it again\n$/,
      );
  }
});
