import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { parseReference, type Reference } from '../../../../images/reference.ts';
import { Authorizer } from '../../../../images/registry/auth.ts';
import { RegistryClient } from '../../../../images/registry/client.ts';
import type { Credentials } from '../../../../images/registry/docker-config.ts';
import type { TransportResponse } from '../../../../images/registry/transport.ts';
import { FakeRegistry, refuse, type SeenRequest } from '../../../support/images/fake-registry.ts';

const scope = 'repository:app:pull';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
let registry: FakeRegistry;
let reference: Reference;

beforeEach(async () => {
  registry = await FakeRegistry.start();
  registry.addImage(['app:latest'], ['layer']);
  reference = parseReference(`${registry.host}/app`);
});
afterEach(async () => {
  await registry.close();
});

function clientFor(credentials?: Credentials): RegistryClient {
  return new RegistryClient({ credentials: () => Promise.resolve(credentials), retry: { attempts: 1 } });
}

/** Wants a token from /token, which `grant` gives or refuses. */
function requireToken(grant: (request: SeenRequest, response: ServerResponse) => void): void {
  const challenge = `Bearer realm="http://${registry.host}/token",service="test",scope="${scope}"`;
  registry.intercept = (request, response) => {
    if (request.path.startsWith('/token')) {
      grant(request, response);
      return true;
    }
    if (request.headers.authorization === 'Bearer good') return false;
    return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
  };
}

const grantGood = (_request: SeenRequest, response: ServerResponse): void => {
  response.end(JSON.stringify({ token: 'good', expires_in: 300 }));
};
const tokenRequests = (): readonly SeenRequest[] =>
  registry.requests.filter(({ path }) => path.startsWith('/token'));

describe('bearer tokens', () => {
  test('anonymously: a 401, a token, the manifest', async () => {
    requireToken(grantGood);
    await clientFor().fetchManifest(reference);
    expect(registry.log).toEqual([
      'GET /v2/',
      'GET /token?service=test&scope=repository%3Aapp%3Apull',
      'GET /v2/app/manifests/latest',
    ]);
    expect(tokenRequests()[0]?.headers.authorization).toBeUndefined();
  });

  test('one token serves every request for its scope', async () => {
    requireToken(grantGood);
    const client = clientFor();
    const blobs = [...registry.blobs.keys()];
    await client.fetchManifest(reference);
    const bodies = await Promise.all(blobs.map((digest) => client.openBlob(reference, digest, 0)));
    for (const body of bodies) body.discard();
    expect(tokenRequests()).toHaveLength(1);
  });

  test('requests side by side ask for one token, not for one each', async () => {
    requireToken(grantGood);
    const client = clientFor();
    await Promise.all([1, 2, 3].map(() => client.fetchManifest(reference)));
    expect(tokenRequests()).toHaveLength(1);
  });

  test('with a name and a password they go to the token server, not to the registry', async () => {
    requireToken(grantGood);
    await clientFor({ username: 'ann', password: 'pw' }).fetchManifest(reference);
    expect(tokenRequests()[0]?.headers.authorization).toBe(basic('ann:pw'));
    expect(tokenRequests()[0]?.path).toContain('account=ann');
    const others = registry.requests.filter(({ path }) => path.startsWith('/v2/'));
    expect(others.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer good']);
  });

  test('an identity token is exchanged', async () => {
    requireToken((_request, response) => response.end(JSON.stringify({ access_token: 'good' })));
    await clientFor({ username: '', password: '', identityToken: 'refresh' }).fetchManifest(reference);
    expect(tokenRequests()[0]?.method).toBe('POST');
    expect(Object.fromEntries(new URLSearchParams(tokenRequests()[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      service: 'test',
      client_id: 'minidock',
      scope,
      refresh_token: 'refresh',
    });
  });

  test('a token that is refused midway is renewed', async () => {
    let valid = 'first';
    const challenge = `Bearer realm="http://${registry.host}/token",service="test"`;
    registry.intercept = ({ path, headers }, response) => {
      if (path.startsWith('/token')) {
        response.end(JSON.stringify({ token: valid }));
        return true;
      }
      if (headers.authorization === `Bearer ${valid}`) return false;
      return refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
    };
    const client = clientFor();
    await client.fetchManifest(reference);
    valid = 'second';
    await client.fetchManifest(reference);
    expect(tokenRequests()).toHaveLength(2);
  });

  test.each([
    [undefined, 'unauthorized: authentication required'],
    [{ username: 'ann', password: 'wrong' }, 'unauthorized: incorrect username or password'],
  ])('%j refused by the token server', async (credentials, why) => {
    requireToken((_request, response) => void response.writeHead(401).end('{}'));
    await expect(clientFor(credentials).fetchManifest(reference)).rejects.toThrow(
      `pull access denied for ${registry.host}/app, repository does not exist or may require 'minidock login': ${why}`,
    );
  });

  test.each([
    ['{}', 'gave no token'],
    ['no json', 'to the request for a token is not JSON'],
    ['{"token":5}', 'is not valid: token must be a token in visible ASCII (got a number)'],
    ['{"token":"a\\r\\nb"}', 'token must be a token in visible ASCII (got a string)'],
    ['[]', 'is not valid: it must be an object (got a list)'],
  ])('the token server says %s', async (body, message) => {
    requireToken((_request, response) => response.end(body));
    await expect(clientFor().fetchManifest(reference)).rejects.toThrow(message);
  });
});

describe('a realm in the clear', () => {
  const respond = (): Promise<TransportResponse> => Promise.reject(new Error('nothing may be sent'));
  const authorizer = (credentials: Credentials | undefined): Authorizer =>
    new Authorizer({
      credentials: () => Promise.resolve(credentials),
      send: respond,
      mayBeClear: () => false,
    });

  test('gets no password', async () => {
    const auth = authorizer({ username: 'ann', password: 'pw' });
    auth.learn('Bearer realm="http://elsewhere.example/token"', scope);
    await expect(auth.header(scope)).rejects.toThrow('asks to send your password unencrypted');
  });

  test.each(['file:///etc/passwd', 'nonsense'])('%s is no realm', async (realm) => {
    const auth = authorizer(undefined);
    auth.learn(`Bearer realm="${realm}"`, scope);
    await expect(auth.header(scope)).rejects.toThrow('not a URL');
  });
});

test('a token is asked for again when it is about to expire', async () => {
  let now = 0;
  let given = 0;
  const send = (): Promise<TransportResponse> =>
    Promise.resolve({
      status: 200,
      bytes: () =>
        Promise.resolve(Buffer.from(JSON.stringify({ token: `t${String(++given)}`, expires_in: 100 }))),
    } as unknown as TransportResponse);
  const auth = new Authorizer({
    credentials: () => Promise.resolve(undefined),
    send,
    mayBeClear: () => false,
    now: () => now,
  });
  auth.learn('Bearer realm="https://auth.example/token"', scope);
  const header = async (at: number): Promise<string | undefined> => {
    now = at;
    return await auth.header(scope);
  };
  expect(await header(0)).toBe('Bearer t1');
  expect(await header(94_000)).toBe('Bearer t1');
  expect(await header(96_000)).toBe('Bearer t2');
});

describe('basic authentication', () => {
  beforeEach(() => {
    registry.intercept = (request, response) =>
      request.headers.authorization === basic('ann:pw')
        ? false
        : refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="test"' });
  });

  test('with the right name and password', async () => {
    await clientFor({ username: 'ann', password: 'pw' }).fetchManifest(reference);
    expect(registry.log).toEqual(['GET /v2/', 'GET /v2/app/manifests/latest']);
  });

  test.each([[undefined], [{ username: 'ann', password: 'wrong' }]])('with %j', async (credentials) => {
    await expect(clientFor(credentials).fetchManifest(reference)).rejects.toThrow(
      "repository does not exist or may require 'minidock login': unauthorized: unauthorized",
    );
    expect(registry.log).toEqual(['GET /v2/', 'GET /v2/app/manifests/latest']);
  });
});
