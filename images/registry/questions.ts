/**
 * Questions to a registry about a repository as a whole, apart from pulling and pushing: which tags it has.
 * Source: opencontainers/distribution-spec 1.1, "Listing Tags". Mirrors are not asked: they know what they were asked
 * for before.
 */
import { ImageError } from '../errors.ts';
import { readForeign } from '../foreign/read.ts';
import { tagList } from '../foreign/registry-shapes.ts';
import { repositoryName, type Reference } from '../reference.ts';
import { openSessions, type RegistryClientOptions } from './client.ts';
import { describeRefusal, pullDenied } from './failure.ts';
import { defaultRetryPolicy, retrying } from './retry.ts';
import type { TransportResponse } from './transport.ts';

const MAX_PAGE = 8 << 20;
/** Of a thousand tags each. */
const MAX_PAGES = 100;

/** In the registry's order. */
export async function listTags(
  reference: Reference,
  options: RegistryClientOptions = {},
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const session = openSessions(reference.domain, options).at(-1);
  if (session === undefined) {
    throw new ImageError({ code: 'NO_ENDPOINT', message: `no registry serves ${reference.domain}` });
  }
  const scope = `repository:${reference.path}:pull`;
  const ask = async (path: string | URL): Promise<TransportResponse> => {
    try {
      const response = await session.request({ method: 'GET', path, scope, signal });
      if (response.status === 200) return response;
      throw await describeRefusal(response, reference, 'manifest');
    } catch (error) {
      if (error instanceof ImageError && error.code === 'UNAUTHORIZED')
        throw pullDenied(reference, error.message, error);
      throw error;
    }
  };
  const what = `the list of tags of ${repositoryName(reference)}`;
  const tags = new Set<string>();
  let next: string | URL | undefined = `/v2/${reference.path}/tags/list?n=1000`;
  for (let page = 0; next !== undefined && page < MAX_PAGES; page++) {
    const path: string | URL = next;
    const { names, link, url } = await retrying(
      { ...defaultRetryPolicy, ...options.retry },
      signal,
      async () => {
        const response = await ask(path);
        const bytes = await response.bytes(MAX_PAGE);
        const document = readForeign(tagList, bytes, { what, code: 'TAGS_INVALID' });
        return { names: document.tags ?? [], link: response.header('link'), url: response.url };
      },
    );
    for (const name of names) tags.add(name);
    next = nextPage(link, url);
  }
  return [...tags];
}

/** `<URL>; rel="next"` (RFC 5988), on the same server only: the token goes with the question. */
function nextPage(link: string | undefined, from: URL): URL | undefined {
  const target = /^\s*<([^>]*)>\s*;.*\brel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, from.href)) return undefined;
  const url = new URL(target, from);
  return url.origin === from.origin ? url : undefined;
}
