/**
 * Searching a registry for repositories, by the first version of the protocol, which Docker Hub still answers below
 * index.docker.io and most other registries never had. Source: Docker's registry/search and docker/docker-ce's
 * documentation of `GET /v1/search`.
 */
import { ImageError } from '../errors.ts';
import { readForeign } from '../foreign/read.ts';
import { searchAnswer, type FoundRepository } from '../foreign/registry-shapes.ts';
import { DEFAULT_DOMAIN } from '../reference.ts';
import { openSession, openSessions, type RegistryClientOptions } from './client.ts';
import { DOCKER_HUB_CREDENTIALS_KEY } from './endpoints.ts';
import { defaultRetryPolicy, retrying } from './retry.ts';
import type { Session } from './session.ts';

const MAX_ANSWER = 8 << 20;

/** `term` as a user writes it: 'nginx', 'quay.io/nginx'. @throws ImageError 'SEARCH_UNSUPPORTED'. */
export async function searchRegistry(
  term: string,
  limit: number,
  options: RegistryClientOptions = {},
): Promise<readonly FoundRepository[]> {
  const { domain, rest } = splitTerm(term);
  const session = sessionFor(domain, options);
  const path = `/v1/search?${new URLSearchParams({ q: rest, n: String(limit) }).toString()}`;
  return await retrying({ ...defaultRetryPolicy, ...options.retry }, undefined, async () => {
    const headers = { accept: 'application/json' };
    const response = await session.request({ method: 'GET', path, scope: '', headers });
    if (response.status !== 200) {
      response.discard();
      throw new ImageError({
        code: 'SEARCH_UNSUPPORTED',
        message: `Unexpected status code ${String(response.status)}`,
        hint: `${domain} does not offer a search, which is a thing of Docker Hub and a few others`,
      });
    }
    const foreign = { what: `the answer of ${domain} to the search`, code: 'SEARCH_INVALID' };
    return readForeign(searchAnswer, await response.bytes(MAX_ANSWER), foreign).results ?? [];
  });
}

function sessionFor(domain: string, options: RegistryClientOptions): Session {
  if (domain === DEFAULT_DOMAIN) {
    const base = new URL('https://index.docker.io');
    return openSession(
      { base, insecure: false, mirror: false, credentialsKey: DOCKER_HUB_CREDENTIALS_KEY },
      options,
    );
  }
  const session = openSessions(domain, options).at(-1);
  if (session !== undefined) return session;
  throw new ImageError({ code: 'NO_ENDPOINT', message: `no registry serves ${domain}` });
}

function splitTerm(term: string): { readonly domain: string; readonly rest: string } {
  const [first = '', ...more] = term.split('/');
  const isDomain = more.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (!isDomain || first === DEFAULT_DOMAIN || first === 'index.docker.io') {
    return { domain: DEFAULT_DOMAIN, rest: isDomain ? more.join('/') : term };
  }
  if (/^[A-Za-z0-9.-]+(:\d+)?$|^\[[0-9a-fA-F:]+\](:\d+)?$/.test(first)) {
    return { domain: first, rest: more.join('/') };
  }
  throw new ImageError({ code: 'INVALID_REFERENCE', message: `invalid registry name: ${first}` });
}
