import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePlatform } from '../../../images/platform.ts';
import { pullImage, type PullEvent, type PullOptions, type PullResult } from '../../../images/pull.ts';
import { parseReference } from '../../../images/reference.ts';
import { RegistryClient } from '../../../images/registry/client.ts';
import {
  digestOf,
  FakeRegistry,
  indexType,
  refuse,
  type FakeImage,
} from '../../support/images/fake-registry.ts';
import { waitFor } from '../../support/host/processes.ts';
import { MemoryImageStore } from '../../support/images/memory-image-store.ts';

const amd64 = parsePlatform('linux/amd64');
let dir: string;
let registry: FakeRegistry;
let store: MemoryImageStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minidock-pull-'));
  registry = await FakeRegistry.start();
  store = new MemoryImageStore(dir);
});
afterEach(async () => {
  await registry.close();
  await rm(dir, { recursive: true });
});

async function pull(name: string, options: Partial<PullOptions> = {}): Promise<PullResult> {
  const client = new RegistryClient({
    credentials: () => Promise.resolve(undefined),
    retry: { attempts: 2, baseMs: 1, capMs: 2 },
  });
  const reference = parseReference(`${registry.host}/${name}`);
  return await pullImage({ reference, platform: amd64, store, client, ...options });
}

function addIndex(name: string, entries: readonly (readonly [string, FakeImage])[]): string {
  const manifests = entries.map(([text, { digest, size, mediaType }]) => {
    const [os, architecture, variant] = text.split('/');
    return { mediaType, digest, size, platform: { os, architecture, variant } };
  });
  return registry.addManifest([name], { schemaVersion: 2, mediaType: indexType, manifests }, indexType)
    .digest;
}

test('a plain image', async () => {
  const image = registry.addImage(['app:1'], ['one', 'two']);
  const result = await pull('app:1');
  expect(result).toMatchObject({ status: 'downloaded', digest: image.digest });
  expect(result.image).toMatchObject({
    id: image.configDigest,
    manifestDigest: image.digest,
    tags: [`${registry.host}/app:1`],
    repoDigests: [`${registry.host}/app@${image.digest}`],
  });
  expect([...store.unpacked.values()].map(String).sort()).toEqual(['one', 'two']);
});

test('again, one HEAD shows that there is nothing to do', async () => {
  registry.addImage(['app:latest'], ['one']);
  await pull('app');
  registry.requests.length = 0;
  await expect(pull('app')).resolves.toMatchObject({ status: 'up-to-date' });
  expect(registry.log).toEqual(['GET /v2/', 'HEAD /v2/app/manifests/latest']);
});

test('a newer one under the same name: only what is new is fetched and unpacked', async () => {
  registry.addImage(['app:latest'], ['base', 'old']);
  await pull('app');
  registry.requests.length = 0;
  registry.addImage(['app:latest'], ['base', 'new']);
  const events: PullEvent[] = [];
  await expect(pull('app', { onEvent: (event) => events.push(event) })).resolves.toMatchObject({
    status: 'downloaded',
  });
  expect(registry.log).not.toContain(`GET /v2/app/blobs/${digestOf('base')}`);
  expect(registry.log).toContain(`GET /v2/app/blobs/${digestOf('new')}`);
  const base = digestOf('base').slice(7, 19);
  expect(events.filter(({ layer }) => layer === base).map(({ phase }) => phase)).toEqual(['exists']);
});

test('a blob that is there is unpacked without being fetched', async () => {
  registry.addImage(['app:latest'], ['one']);
  await store.blobs.putBytes(Buffer.from('one'));
  await pull('app');
  expect(registry.log).not.toContain(`GET /v2/app/blobs/${digestOf('one')}`);
  expect(store.unpacked.size).toBe(1);
});

test('a layer is unpacked while it downloads', async () => {
  registry.addImage(['app:latest'], ['one and two']);
  registry.intercept = ({ path }, response) => {
    const blob = registry.blobs.get(/\/blobs\/(.*)$/.exec(path)?.[1] ?? '');
    if (String(blob) !== 'one and two') return false;
    response.setHeader('content-length', '11');
    response.write('one ');
    // The rest comes only when someone reads what is there.
    void waitFor(() => store.ensured.length > 0, 'the unpacking').then(() => response.end('and two'));
    return true;
  };
  await pull('app');
  expect([...store.unpacked.values()].map(String)).toEqual(['one and two']);
});

test('a layer that an image has twice is unpacked once', async () => {
  registry.addImage(['app:latest'], ['same', 'same', 'other']);
  await pull('app');
  expect(registry.log.filter((line) => line.endsWith(digestOf('same')))).toHaveLength(1);
  expect(store.ensured).toHaveLength(2);
});

test('the events of a layer, in their order', async () => {
  registry.addImage(['app:latest'], ['one']);
  const events: PullEvent[] = [];
  await pull('app', { onEvent: (event) => events.push(event) });
  expect(new Set(events.map(({ layer }) => layer))).toEqual(new Set([digestOf('one').slice(7, 19)]));
  const phases = events.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
  expect(phases).toEqual(['pulling', 'downloading', 'verifying', 'extracting', 'complete']);
  expect(events.at(-1)).toMatchObject({ current: 3, total: 3 });
});

test('three layers at a time, the others wait', async () => {
  const layers = ['a', 'b', 'c', 'd', 'e'];
  registry.addImage(['app:latest'], layers);
  let open = 0;
  let most = 0;
  const held: (() => void)[] = [];
  registry.intercept = ({ path }, response) => {
    const blob = registry.blobs.get(/\/blobs\/(.*)$/.exec(path)?.[1] ?? '');
    if (blob?.length !== 1) return false;
    most = Math.max(most, ++open);
    held.push(() => {
      open--;
      response.end(blob);
    });
    // Only with three of them waiting, or the last ones, does the first get its answer.
    if (held.length === 3) for (const release of held.splice(0)) setImmediate(release);
    if (registry.log.filter((line) => line.includes('/blobs/')).length === 6) {
      for (const release of held.splice(0)) setImmediate(release);
    }
    return true;
  };
  const events: PullEvent[] = [];
  await pull('app', { onEvent: (event) => events.push(event) });
  expect(most).toBe(3);
  expect(events.filter(({ phase }) => phase === 'waiting')).toHaveLength(2);
  expect(store.unpacked.size).toBe(5);
});

describe('an index', () => {
  let arm: FakeImage;
  let amd: FakeImage;
  beforeEach(() => {
    arm = registry.addImage(['app:arm'], ['arm'], { os: 'linux', architecture: 'arm64', variant: 'v8' });
    amd = registry.addImage(['app:amd'], ['amd']);
  });

  test.each([
    ['linux/amd64', () => amd],
    ['linux/arm64', () => arm],
  ])('for %s', async (platform, expected) => {
    const digest = addIndex('app:latest', [
      ['linux/arm64/v8', arm],
      ['linux/amd64', amd],
    ]);
    const result = await pull('app', { platform: parsePlatform(platform) });
    expect(result.image.manifestDigest).toBe(expected().digest);
    expect(result.digest).toBe(digest);
    expect(result.image.repoDigests).toEqual([`${registry.host}/app@${digest}`]);
    await expect(pull('app', { platform: parsePlatform(platform) })).resolves.toMatchObject({
      status: 'up-to-date',
    });
  });

  test('without this platform', async () => {
    addIndex('app:latest', [
      ['linux/arm64/v8', arm],
      ['unknown/unknown', amd],
    ]);
    await expect(pull('app')).rejects.toMatchObject({
      message: 'no matching manifest for linux/amd64 in the manifest list entries',
      hint: `${registry.host}/app:latest is there for: linux/arm64/v8`,
    });
  });

  test('whose entry is not what it says', async () => {
    addIndex('app:latest', [['linux/amd64', { ...amd, digest: arm.digest.replace(/.$/, 'x') }]]);
    await expect(pull('app')).rejects.toMatchObject({ code: 'INVALID_DIGEST' });
  });
});

describe('by digest', () => {
  test('the content counts, and no tag is taken', async () => {
    const image = registry.addImage(['app:1'], ['one']);
    const result = await pull(`app:moved@${image.digest}`);
    expect(result.image).toMatchObject({ manifestDigest: image.digest, tags: [] });
    await expect(pull(`app@${image.digest}`)).resolves.toMatchObject({ status: 'up-to-date' });
  });

  test('what is here needs no registry', async () => {
    const image = registry.addImage(['app:1'], ['one']);
    await pull('app:1');
    registry.requests.length = 0;
    await pull(`app@${image.digest}`);
    expect(registry.log).toEqual([]);
  });

  test('another algorithm is refused', async () => {
    await expect(pull(`app@sha512:${'0'.repeat(128)}`)).rejects.toMatchObject({ code: 'INVALID_DIGEST' });
  });
});

describe('the platform of an image without an index', () => {
  beforeEach(() => {
    registry.addImage(['app:latest'], ['arm'], { os: 'linux', architecture: 'riscv64' });
  });

  test('is refused if another one was asked for', async () => {
    await expect(pull('app')).rejects.toMatchObject({ code: 'PLATFORM_MISMATCH' });
    expect(store.images.size).toBe(0);
  });

  test('is warned of if none was', async () => {
    const { warning } = await pull('app', { platform: undefined });
    expect(warning).toMatch(/^The requested image's platform \(linux\/riscv64\) does not match/);
  });
});

describe('nothing is half there', () => {
  test.each([
    ['a layer that is missing', 404, 'BLOB_UNKNOWN'],
    ['a layer that is refused', 403, 'PULL_DENIED'],
    ['a layer that does not come', 503, 'REGISTRY_ERROR'],
  ])('after %s', async (_what, status, code) => {
    registry.addImage(['app:latest'], ['good', 'bad']);
    registry.intercept = ({ path }, response) =>
      path.endsWith(digestOf('bad')) && refuse(response, status, 'SOMETHING');
    await expect(pull('app')).rejects.toMatchObject({ code });
    expect(store.images.size).toBe(0);
    registry.intercept = () => false;
    await expect(pull('app')).resolves.toMatchObject({ status: 'downloaded' });
  });

  test('after the user stopped it', async () => {
    registry.addImage(['app:latest'], ['one']);
    const stop = new AbortController();
    registry.intercept = ({ path }) => {
      if (!path.endsWith(digestOf('one'))) return false;
      stop.abort();
      return true;
    };
    await expect(pull('app', { signal: stop.signal })).rejects.toThrow('aborted');
    expect(store.images.size).toBe(0);
    expect(existsSync(store.blobs.path(digestOf('one')))).toBe(false);
  });
});

describe('manifests that are not to be believed', () => {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 };
  const type = 'application/vnd.oci.image.manifest.v1+json';
  test.each([
    [{ config: { ...config, digest: 'sha256:../../etc/passwd' }, layers: [] }, 'MANIFEST_INVALID'],
    [{ config, layers: [{ mediaType: 'x', digest: '../x', size: 1 }] }, 'MANIFEST_INVALID'],
    [{ config, layers: [{ mediaType: 'x', digest: digestOf('x'), size: -1 }] }, 'MANIFEST_INVALID'],
    [{ config: { ...config, size: 1e12 }, layers: [] }, 'MANIFEST_INVALID'],
    [
      { config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' }, layers: [] },
      'NOT_AN_IMAGE',
    ],
    [{ config, layers: [] }, 'CONFIG_INVALID'],
  ])('%j', async (manifest, code) => {
    registry.addBlob('{}');
    registry.addManifest(['app:latest'], { schemaVersion: 2, mediaType: type, ...manifest }, type);
    await expect(pull('app')).rejects.toMatchObject({ code });
  });
});

test('a foreign layer that the registry does not have has an error of its own', async () => {
  const image = registry.addImage(['app:latest'], ['one']);
  const layer = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: digestOf('x'),
    size: 1,
  };
  const config = registry.addBlob(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf('y')] },
    }),
  );
  const type = image.mediaType;
  const mediaType = 'application/vnd.oci.image.config.v1+json';
  registry.addManifest(
    ['app:latest'],
    { schemaVersion: 2, config: { mediaType, ...config }, layers: [layer] },
    type,
  );
  await expect(pull('app')).rejects.toMatchObject({ code: 'FOREIGN_LAYER' });
});
