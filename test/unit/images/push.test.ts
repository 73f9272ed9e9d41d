import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pushImage, type PushEvent, type PushOptions, type PushResult } from '../../../images/push.ts';
import { pullImage } from '../../../images/pull.ts';
import { parseReference } from '../../../images/reference.ts';
import { RegistryClient } from '../../../images/registry/client.ts';
import { PushClient } from '../../../images/registry/push-client.ts';
import type { StoredImage } from '../../../images/types.ts';
import { digestOf, FakeRegistry, refuse, type SeenRequest } from '../../support/images/fake-registry.ts';
import { MemoryImageStore } from '../../support/images/memory-image-store.ts';

const quick = {
  credentials: () => Promise.resolve(undefined),
  retry: { attempts: 3, baseMs: 1, capMs: 2 },
};
let dir: string;
let registry: FakeRegistry;
let store: MemoryImageStore;
let events: PushEvent[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minidock-push-'));
  registry = await FakeRegistry.start();
  store = new MemoryImageStore(dir);
  events = [];
});
afterEach(async () => {
  await registry.close();
  await rm(dir, { recursive: true });
});

const name = (text: string): string => `${registry.host}/${text}`;

async function push(
  image: StoredImage,
  to: string,
  options: Partial<PushOptions> = {},
): Promise<PushResult | undefined> {
  const reference = parseReference(name(to));
  const client = new PushClient(reference, quick);
  const onEvent = (event: PushEvent): void => void events.push(event);
  return await pushImage({ image, reference, store, client, onEvent, ...options });
}

/** As `import` puts one into the store: a plain layer. */
async function plainImage(content: string): Promise<StoredImage> {
  const layer = await store.blobs.putBytes(Buffer.from(content));
  store.unpacked.set(layer, Buffer.from(content));
  store.layers.set(layer, layer);
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [layer] } };
  const configDigest = await store.blobs.putBytes(Buffer.from(JSON.stringify(config)));
  return await store.putImage({ manifestDigest: digestOf('none'), configDigest, tag: name('plain:1') });
}

async function pulledImage(from: string): Promise<StoredImage> {
  const reference = parseReference(name(from));
  const platform = { os: 'linux', architecture: 'amd64' };
  return (await pullImage({ reference, platform, store, client: new RegistryClient(quick) })).image;
}

const uploads = (): readonly SeenRequest[] =>
  registry.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
const phases = (): readonly string[] => events.map(({ phase }) => phase);

describe('what is sent', () => {
  test('a pulled image goes as it came, with its digest', async () => {
    const { digest, size, layers } = registry.addImage(['app:1'], ['\u001f\u008bone', 'two']);
    const image = await pulledImage('app:1');
    for (const layer of layers) registry.blobs.delete(layer.digest);
    await expect(push(image, 'copy:2')).resolves.toEqual({ digest, size });
    expect([...registry.blobs.keys()].sort()).toEqual(
      [image.id, ...layers.map((layer) => layer.digest)].sort(),
    );
    expect(registry.log.at(-1)).toBe('PUT /v2/copy/manifests/2');
    expect(store.images.get(name('app:1'))?.repoDigests).toContain(name(`copy@${digest}`));
  });

  test('what the registry has is not sent', async () => {
    registry.addImage(['app:1'], ['one', 'two']);
    const image = await pulledImage('app:1');
    registry.requests.length = 0;
    await push(image, 'app:2');
    expect(uploads()).toEqual([]);
    expect(phases()).toEqual(['preparing', 'preparing', 'exists', 'exists']);
  });

  test("a plain layer is compressed, the same way each time, under a manifest of Docker's", async () => {
    const image = await plainImage('files '.repeat(1000));
    const first = await push(image, 'plain:1');
    const sent = uploads().map(({ bytes }) => bytes);
    const layer = sent.find((bytes) => bytes[0] === 0x1f);
    expect(gunzipSync(layer ?? '').toString()).toBe('files '.repeat(1000));
    const manifest = registry.requests.at(-1);
    expect(manifest?.headers['content-type']).toBe('application/vnd.docker.distribution.manifest.v2+json');
    expect(JSON.parse(manifest?.body ?? '')).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: store.blobs.readBytes(image.id).length,
        digest: image.id,
      },
      layers: [
        {
          mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
          size: layer?.length,
          digest: digestOf(layer ?? ''),
        },
      ],
    });
    registry.blobs.clear();
    await expect(push(image, 'plain:2')).resolves.toEqual(first);
    expect(await readdir(join(dir, 'partial'))).toEqual([]);
  });

  test('pushed once, it is not compressed again to find that it is there', async () => {
    await push(await plainImage('files'), 'plain:1');
    events = [];
    const [again] = await store.list();
    await push(again as StoredImage, 'plain:2');
    expect(phases()).toEqual(['preparing', 'exists']);
  });

  test('a layer of another repository of the registry is mounted from there', async () => {
    registry.addImage(['app:1'], ['one']);
    const image = await pulledImage('app:1');
    const asked: string[] = [];
    registry.intercept = ({ method, path }, response) => {
      if (method === 'HEAD' && path.startsWith('/v2/other/blobs/'))
        return refuse(response, 404, 'BLOB_UNKNOWN');
      if (method !== 'POST' || !path.includes('mount=')) return false;
      asked.push(decodeURIComponent(path));
      response.writeHead(201).end();
      return true;
    };
    await push(image, 'other:1');
    expect(asked).toEqual([
      expect.stringMatching(/^\/v2\/other\/blobs\/uploads\/\?mount=sha256:\w+&from=app$/),
    ]);
    expect(events.at(-1)).toMatchObject({ phase: 'mounted', from: 'app' });
    // The configuration only.
    expect(uploads()).toHaveLength(1);
  });

  test('a lost blob is no trouble as long as the registry has it', async () => {
    const { layers } = registry.addImage(['app:1'], ['one']);
    const image = await pulledImage('app:1');
    const lost = layers[0]?.digest ?? '';
    await store.blobs.remove(lost);
    await push(image, 'app:2');
    registry.blobs.delete(lost);
    await expect(push(image, 'app:3')).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });
});

describe('a registry in trouble', () => {
  test.each([
    ['is busy', (): number => 503],
    ['has a limit', (): number => 429],
  ])('one that %s is asked again', async (_, status) => {
    const image = await plainImage('files');
    let refusals = 0;
    registry.intercept = ({ method }, response) => {
      if (method !== 'PUT' || refusals++ >= 2) return false;
      return refuse(response, status(), 'UNAVAILABLE');
    };
    await push(image, 'plain:1');
    expect(refusals).toBeGreaterThan(2);
  });

  test('one that stays so ends the push with its words, and no manifest', async () => {
    const image = await plainImage('files');
    registry.intercept = ({ method }, response) => method === 'PUT' && refuse(response, 503, 'UNAVAILABLE');
    await expect(push(image, 'plain:1')).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      message: expect.stringContaining('unexpected HTTP status: 503'),
    });
    expect(registry.log.some((line) => line.includes('/manifests/'))).toBe(false);
    expect(await readdir(join(dir, 'partial'))).toEqual([]);
  });

  test('a connection that breaks off is made again', async () => {
    const image = await plainImage('files');
    let broken = 0;
    registry.intercept = ({ method, path }, response) => {
      if (method !== 'PUT' || !path.includes('/blobs/') || broken++ > 0) return false;
      response.socket?.destroy();
      return true;
    };
    await push(image, 'plain:1');
    expect(broken).toBeGreaterThan(1);
  });

  test("denied, in the registry's words", async () => {
    const image = await plainImage('files');
    registry.intercept = (_, response) => {
      const errors = [{ code: 'DENIED', message: 'requested access to the resource is denied' }];
      response.writeHead(403).end(JSON.stringify({ errors }));
      return true;
    };
    // A HEAD has no body: the words are minidock's own.
    await expect(push(image, 'plain:1')).rejects.toMatchObject({
      code: 'PUSH_DENIED',
      message: 'denied: requested access to the resource is denied',
      hint: expect.stringContaining(`minidock login ${registry.host}`),
    });
  });
});

describe('who may push', () => {
  test('a token is asked for with the scope of a push, and of the repository to mount from', async () => {
    registry.addImage(['app:1'], ['one']);
    const image = await pulledImage('app:1');
    const scopes: string[] = [];
    registry.intercept = ({ method, path, headers }, response) => {
      if (path.startsWith('/token')) {
        const asked = new URL(path, 'http://x').searchParams.getAll('scope');
        scopes.push(asked.join(' + '));
        response.end(JSON.stringify({ token: `t${String(scopes.length)}` }));
        return true;
      }
      if (headers.authorization === undefined) {
        const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
        return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
      }
      return method === 'HEAD' && refuse(response, 404, 'BLOB_UNKNOWN');
    };
    await push(image, 'other:1');
    expect(scopes).toEqual([
      'repository:other:pull,push',
      'repository:other:pull,push + repository:app:pull',
    ]);
  });

  test('an upload that goes to another server goes without the token', async () => {
    const elsewhere = await FakeRegistry.start();
    try {
      const image = await plainImage('files');
      registry.intercept = ({ method, path, headers }, response) => {
        if (path.startsWith('/token')) {
          response.end('{"token":"secret"}');
          return true;
        }
        if (headers.authorization === undefined) {
          const challenge = `Bearer realm="http://${registry.host}/token"`;
          return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
        }
        if (method !== 'POST') return false;
        response.writeHead(202, { location: `http://${elsewhere.host}/bucket/blobs/x?signature=1` }).end();
        return true;
      };
      await push(image, 'plain:1');
      expect(elsewhere.requests).toHaveLength(2);
      for (const { headers } of elsewhere.requests) expect(headers.authorization).toBeUndefined();
    } finally {
      await elsewhere.close();
    }
  });

  test('an upload is not sent to something that is no place for it', async () => {
    const image = await plainImage('files');
    registry.intercept = ({ method }, response) => {
      if (method !== 'POST') return false;
      response.writeHead(202, { location: 'file:///etc/shadow' }).end();
      return true;
    };
    await expect(push(image, 'plain:1')).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
  });
});
