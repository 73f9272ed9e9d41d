import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseReference, type Reference } from '../../../../images/reference.ts';
import { RegistryClient, registryOptionsFromEnvironment } from '../../../../images/registry/client.ts';
import { digestOf, FakeRegistry, manifestType, refuse } from '../../../support/images/fake-registry.ts';

const fast = {
  credentials: () => Promise.resolve(undefined),
  retry: { attempts: 3, baseMs: 1, capMs: 2 },
  timeouts: { headers: 5000, idle: 5000 },
};
let registry: FakeRegistry;
let other: FakeRegistry;
let reference: Reference;
let client: RegistryClient;

beforeEach(async () => {
  registry = await FakeRegistry.start();
  other = await FakeRegistry.start();
  registry.addImage(['app:latest'], ['layer']);
  reference = parseReference(`${registry.host}/app`);
  client = new RegistryClient(fast);
});
afterEach(async () => {
  await registry.close();
  await other.close();
});

async function readBlob(digest: string, offset = 0): Promise<{ offset: number; content: string }> {
  const body = await client.openBlob(reference, digest, offset);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks) chunks.push(chunk);
  return { offset: body.offset, content: Buffer.concat(chunks).toString() };
}

describe('manifests', () => {
  test('every kind that minidock reads is asked for', async () => {
    const manifest = await client.fetchManifest(reference);
    expect(manifest.document.kind).toBe('manifest');
    expect(digestOf(manifest.bytes)).toBe(manifest.digest);
    expect(registry.requests[1]?.headers.accept?.split(', ').sort()).toEqual([
      'application/vnd.docker.distribution.manifest.list.v2+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.oci.image.manifest.v1+json',
    ]);
  });

  test('by digest the bytes must be the ones', async () => {
    const { digest } = await client.fetchManifest(reference);
    await expect(client.fetchManifest({ ...reference, digest })).resolves.toMatchObject({ digest });
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/')) return false;
      response.writeHead(200, { 'content-type': manifestType }).end('{"layers":[],"config":{}}');
      return true;
    };
    await expect(client.fetchManifest({ ...reference, digest })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  test('by digest the digest that was asked for counts, not the one that the registry says', async () => {
    const { digest } = await client.fetchManifest(reference);
    const others = '{"schemaVersion":2,"layers":[],"config":{}}';
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/')) return false;
      const headers = { 'content-type': manifestType, 'docker-content-digest': digestOf(others) };
      response.writeHead(200, headers).end(others);
      return true;
    };
    await expect(client.fetchManifest({ ...reference, digest })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`verification failed for digest ${digest}: `),
    });
  });

  test('by tag the bytes must be those that the registry says', async () => {
    const due = digestOf('other bytes');
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/')) return false;
      const headers = { 'content-type': manifestType, 'docker-content-digest': due };
      response.writeHead(200, headers).end('{"schemaVersion":2,"layers":[],"config":{}}');
      return true;
    };
    await expect(client.fetchManifest(reference)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('a tag is resolved without fetching', async () => {
    const digest = await client.resolveTag(reference);
    expect(registry.log.at(-1)).toBe('HEAD /v2/app/manifests/latest');
    expect(digest).toBe((await client.fetchManifest(reference)).digest);
  });

  test.each([
    ['{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'MANIFEST_SCHEMA1'],
    ['{"schemaVersion":2,"mediaType":"text/x"}', 'text/x', 'MANIFEST_UNSUPPORTED'],
    ['<html>', 'text/html', 'MANIFEST_INVALID'],
  ])('%s is refused', async (body, type, code) => {
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/')) return false;
      response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    };
    await expect(client.fetchManifest(reference)).rejects.toMatchObject({ code });
  });

  test('a type that says nothing is made up for by the content', async () => {
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/')) return false;
      response.writeHead(200, { 'content-type': 'text/plain' }).end('{"schemaVersion":2,"manifests":[]}');
      return true;
    };
    await expect(client.fetchManifest(reference)).resolves.toMatchObject({ document: { kind: 'index' } });
  });
});

describe('refusals in the words of Docker', () => {
  const refuseAll = (status: number, code: string, headers = {}): void => {
    registry.intercept = (request, response) =>
      request.path !== '/v2/' && refuse(response, status, code, headers);
  };

  test.each([
    [404, 'MANIFEST_UNKNOWN', 'manifest for HOST/app:latest not found: manifest unknown: manifest unknown'],
    [404, 'NAME_UNKNOWN', 'repository HOST/app not found: name unknown: name unknown'],
    [
      403,
      'DENIED',
      "pull access denied for HOST/app, repository does not exist or may require 'minidock login': denied: denied",
    ],
    [
      401,
      'UNAUTHORIZED',
      "pull access denied for HOST/app, repository does not exist or may require 'minidock login': unauthorized: unauthorized",
    ],
    [429, 'TOOMANYREQUESTS', 'toomanyrequests: toomanyrequests'],
    [503, 'UNAVAILABLE', 'received unexpected HTTP status: 503 from http://HOST: unavailable: unavailable'],
  ])('%i %s', async (status, code, message) => {
    refuseAll(status, code);
    await expect(client.fetchManifest(reference)).rejects.toThrow(message.replaceAll('HOST', registry.host));
  });

  test('nobody listens', async () => {
    const { host } = registry;
    await registry.close();
    await expect(client.fetchManifest(reference)).rejects.toThrow(
      `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`,
    );
    registry = await FakeRegistry.start();
  });

  test('nobody answers', async () => {
    client = new RegistryClient({ ...fast, retry: { attempts: 1 }, timeouts: { headers: 50 } });
    registry.intercept = (request) => request.path !== '/v2/';
    await expect(client.fetchManifest(reference)).rejects.toMatchObject({ code: 'REGISTRY_TIMEOUT' });
  });
});

describe('trying again', () => {
  const failing = (times: number, status: number, headers = {}): void => {
    let failures = 0;
    registry.intercept = (request, response) =>
      request.path !== '/v2/' && failures++ < times && refuse(response, status, 'UNAVAILABLE', headers);
  };

  test.each([429, 500, 502, 503])('after a %i', async (status) => {
    failing(2, status);
    await expect(client.fetchManifest(reference)).resolves.toMatchObject({ document: { kind: 'manifest' } });
    expect(registry.log.filter((line) => line.includes('manifests'))).toHaveLength(3);
  });

  test('after as long as the registry says', async () => {
    failing(1, 429, { 'retry-after': '1' });
    const start = performance.now();
    await client.fetchManifest(reference);
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  test('not when it wants an hour', async () => {
    failing(1, 429, { 'retry-after': '3600' });
    await expect(client.fetchManifest(reference)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  });

  test('after a connection that broke', async () => {
    let failures = 0;
    registry.intercept = (request, response) => {
      if (!request.path.includes('/manifests/') || failures++ > 0) return false;
      response.socket?.destroy();
      return true;
    };
    await expect(client.fetchManifest(reference)).resolves.toMatchObject({ document: { kind: 'manifest' } });
  });

  test('not after a 404', async () => {
    failing(9, 404);
    await expect(client.fetchManifest(reference)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(registry.log.filter((line) => line.includes('manifests'))).toHaveLength(1);
  });
});

describe('blobs', () => {
  test('from the beginning, and from the middle', async () => {
    const { digest } = registry.addBlob('0123456789');
    await expect(readBlob(digest)).resolves.toEqual({ offset: 0, content: '0123456789' });
    await expect(readBlob(digest, 4)).resolves.toEqual({ offset: 4, content: '456789' });
  });

  test('a server without ranges starts over', async () => {
    const { digest } = registry.addBlob('0123456789');
    registry.intercept = (request, response) => {
      if (!request.path.includes('/blobs/')) return false;
      response.end('0123456789');
      return true;
    };
    await expect(readBlob(digest, 4)).resolves.toEqual({ offset: 0, content: '0123456789' });
  });

  test.each([416, 206])('a server that answers %i to everything is refused', async (status) => {
    registry.intercept = (request, response) => {
      if (!request.path.includes('/blobs/')) return false;
      response.writeHead(status, { 'content-range': 'bytes 3-9/10' }).end('3456789');
      return true;
    };
    await expect(readBlob(digestOf('x'), 1)).rejects.toThrow(`HTTP status ${String(status)}`);
  });

  test('beyond the end starts over', async () => {
    const { digest } = registry.addBlob('0123456789');
    await expect(readBlob(digest, 10)).resolves.toEqual({ offset: 0, content: '0123456789' });
  });

  test('a redirect to another host goes without the Authorization header', async () => {
    const { digest } = registry.addBlob('0123456789');
    other.blobs.set(digest, Buffer.from('0123456789'));
    const expected = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
    registry.intercept = (request, response) => {
      if (request.headers.authorization !== expected) {
        return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic' });
      }
      if (!request.path.includes('/blobs/')) return false;
      response.writeHead(307, { location: `http://${other.host}/store/blobs/${digest}?sig=1` }).end();
      return true;
    };
    other.intercept = (request, response) => {
      if (request.path.includes('?')) {
        response.writeHead(302, { location: `/elsewhere/blobs/${digest}` }).end();
        return true;
      }
      return false;
    };
    client = new RegistryClient({
      ...fast,
      credentials: () => Promise.resolve({ username: 'ann', password: 'pw' }),
    });
    await expect(readBlob(digest, 4)).resolves.toEqual({ offset: 4, content: '456789' });
    expect(other.requests.map(({ path, headers }) => [path, headers.authorization, headers.range])).toEqual([
      [`/store/blobs/${digest}?sig=1`, undefined, 'bytes=4-'],
      [`/elsewhere/blobs/${digest}`, undefined, 'bytes=4-'],
    ]);
  });

  test.each([
    ['ftp://127.0.0.1/x', 'redirects to ftp:, not HTTP'],
    ['http://', 'not a URL'],
  ])('a redirect to %s is refused', async (location, message) => {
    registry.intercept = (request, response) => {
      if (!request.path.includes('/blobs/')) return false;
      response.writeHead(307, { location }).end();
      return true;
    };
    await expect(readBlob(digestOf('x'))).rejects.toThrow(message);
  });

  describe('from TLS', () => {
    let secure: FakeRegistry;
    beforeEach(async () => {
      secure = await FakeRegistry.start({ tls: true });
      reference = parseReference(`${secure.host}/app`);
    });
    afterEach(() => secure.close());
    const redirectTo = (location: string): void => {
      secure.intercept = (request, response) => {
        if (!request.path.includes('/blobs/')) return false;
        response.writeHead(307, { location }).end();
        return true;
      };
    };

    test('a redirect to clear text is refused: somebody on the way could read the blob', async () => {
      const { digest } = secure.addBlob('0123456789');
      await expect(readBlob(digest)).resolves.toMatchObject({ content: '0123456789' });
      redirectTo('http://registry.invalid/blob');
      await expect(readBlob(digest)).rejects.toMatchObject({
        code: 'REDIRECT_REFUSED',
        message: `https://${secure.host} redirects from TLS to clear text at registry.invalid`,
      });
    });

    test('one to a host that may be spoken to in clear text is followed', async () => {
      const { digest } = other.addBlob('0123456789');
      redirectTo(`http://${other.host}/v2/app/blobs/${digest}`);
      await expect(readBlob(digest)).resolves.toMatchObject({ content: '0123456789' });
    });
  });

  test('a redirect to itself ends', async () => {
    registry.intercept = (request, response) => {
      if (!request.path.includes('/blobs/')) return false;
      response.writeHead(307, { location: request.path }).end();
      return true;
    };
    await expect(readBlob(digestOf('x'))).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
  });
});

describe('mirrors', () => {
  const hub = parseReference('app/web');
  const mirrored = (): RegistryClient =>
    new RegistryClient({ ...fast, mirrors: [`http://${registry.host}/base`, `http://${other.host}`] });

  test('the first one that has it serves it', async () => {
    other.addImage(['app/web:latest'], ['x']);
    await expect(mirrored().fetchManifest(hub)).resolves.toMatchObject({ document: { kind: 'manifest' } });
    expect(registry.log).toEqual(['GET /base/v2/', 'GET /base/v2/app/web/manifests/latest']);
    expect(other.log).toEqual(['GET /v2/', 'GET /v2/app/web/manifests/latest']);
  });

  test('one that fails is passed over without waiting', async () => {
    other.addImage(['app/web:latest'], ['x']);
    registry.intercept = (_request, response) =>
      refuse(response, 503, 'UNAVAILABLE', { 'retry-after': '30' });
    await expect(mirrored().fetchManifest(hub)).resolves.toMatchObject({ document: { kind: 'manifest' } });
  });

  test('other registries are not mirrored', async () => {
    await expect(mirrored().fetchManifest(reference)).resolves.toMatchObject({
      document: { kind: 'manifest' },
    });
    expect(registry.log).toEqual(['GET /v2/', 'GET /v2/app/manifests/latest']);
  });
});

test('settings from the environment', () => {
  expect(
    registryOptionsFromEnvironment({
      MINIDOCK_INSECURE_REGISTRIES: 'a:5000, 192.0.2.0/24',
      MINIDOCK_REGISTRY_MIRROR: 'https://m.example',
    }),
  ).toEqual({ insecureRegistries: ['a:5000', '192.0.2.0/24'], mirrors: ['https://m.example'] });
});
