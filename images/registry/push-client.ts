/**
 * The pushing half of the OCI distribution protocol: asks whether a blob is there, mounts it from another repository
 * or uploads it, and puts a manifest. Source: opencontainers/distribution-spec 1.1, "Push".
 *
 * A blob is sent whole in one PUT, as containerd does: every registry takes that, and an upload that breaks off is
 * begun again. Mirrors are never pushed to. Deliberately absent: which blobs an image has (push.ts).
 */
import { ImageError } from '../errors.ts';
import { familiarRepository, type Reference } from '../reference.ts';
import { parseChallenges } from './challenge.ts';
import { openSessions, type RegistryClientOptions } from './client.ts';
import { readCredentials } from './credentials.ts';
import { describeRefusal, readErrors } from './failure.ts';
import { defaultRetryPolicy, retrying, type RetryPolicy } from './retry.ts';
import type { Session, SessionRequest } from './session.ts';
import type { TransportResponse, Upload } from './transport.ts';

export class PushClient {
  private readonly reference: Reference;
  private readonly options: RegistryClientOptions;
  private readonly session: Session;
  private readonly retry: RetryPolicy;
  private readonly scope: string;

  /** Of the repository that `reference` names. */
  constructor(reference: Reference, options: RegistryClientOptions = {}) {
    const session = openSessions(reference.domain, options).at(-1);
    if (session === undefined) {
      throw new ImageError({ code: 'NO_ENDPOINT', message: `no registry serves ${reference.domain}` });
    }
    this.reference = reference;
    this.options = options;
    this.session = session;
    this.retry = { ...defaultRetryPolicy, ...options.retry };
    this.scope = `repository:${reference.path}:pull,push`;
  }

  async hasBlob(digest: string, signal?: AbortSignal): Promise<boolean> {
    const path = `${this.repository}/blobs/${digest}`;
    const what = `blob ${digest}`;
    return await retrying(this.retry, signal, async () => {
      const response = await this.expect({ method: 'HEAD', path, signal }, what, [200, 404]);
      response.discard();
      return response.status === 200;
    });
  }

  /** False if the registry does not do it: it has no such blob there, or this user may not read it. */
  async mountBlob(digest: string, from: string, signal?: AbortSignal): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const path = `${this.repository}/blobs/uploads/?${query.toString()}`;
    const scope = `${this.scope} repository:${from}:pull`;
    try {
      // A refusal begins an ordinary upload instead, which the registry forgets by itself.
      const response = await this.session.request({ method: 'POST', path, scope, signal, ...empty });
      response.discard();
      return response.status === 201;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ImageError) return false;
      throw error;
    }
  }

  async uploadBlob(digest: string, body: Upload, signal?: AbortSignal): Promise<void> {
    const what = `blob ${digest}`;
    await retrying(this.retry, signal, async () => {
      const path = `${this.repository}/blobs/uploads/`;
      const begun = await this.expect({ method: 'POST', path, signal, ...empty }, what, [202]);
      const place = this.session.locate(begun);
      begun.discard();
      place.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream' };
      const request = { method: 'PUT', path: place, headers, body, signal } as const;
      (await this.expect(request, what, [201, 204])).discard();
    });
  }

  async putManifest(name: string, bytes: Uint8Array, type: string, signal?: AbortSignal): Promise<void> {
    const path = `${this.repository}/manifests/${name}`;
    const body = { size: bytes.length, open: () => onePiece(bytes) };
    const headers = { 'content-type': type };
    await retrying(this.retry, signal, async () => {
      const request = { method: 'PUT', path, headers, body, signal } as const;
      (await this.expect(request, `the upload of manifest ${name}`, [200, 201, 202])).discard();
    });
  }

  private get repository(): string {
    return `/v2/${this.reference.path}`;
  }

  private async expect(
    request: Omit<SessionRequest, 'scope'>,
    what: string,
    statuses: readonly number[],
  ): Promise<TransportResponse> {
    let response: TransportResponse;
    try {
      response = await this.session.request({ ...request, scope: this.scope });
    } catch (error) {
      if (error instanceof ImageError && error.code === 'UNAUTHORIZED')
        throw this.denied(error.message, error);
      throw error;
    }
    if (statuses.includes(response.status)) return response;
    if (response.status !== 401 && response.status !== 403) {
      throw await describeRefusal(response, this.reference, what);
    }
    throw this.denied(await this.whyDenied(response));
  }

  /** In the words that Docker has for it. */
  private async whyDenied(response: TransportResponse): Promise<string> {
    const said = await readErrors(response);
    const schemes = parseChallenges(response.header('www-authenticate') ?? '').map(({ scheme }) => scheme);
    if (response.status === 401 && schemes.includes('basic')) {
      const { credentials = (key: string) => readCredentials(key) } = this.options;
      if ((await credentials(this.session.endpoint.credentialsKey)) === undefined) {
        return 'no basic auth credentials';
      }
    }
    if (said !== undefined) return said;
    return response.status === 401
      ? 'unauthorized: authentication required'
      : 'denied: requested access to the resource is denied';
  }

  private denied(message: string, cause?: unknown): ImageError {
    const { domain } = this.reference;
    const login = domain === 'docker.io' ? 'minidock login' : `minidock login ${domain}`;
    return new ImageError({
      code: 'PUSH_DENIED',
      message,
      hint: `${login} as a user who may push to ${familiarRepository(this.reference)}`,
      cause,
    });
  }
}

/** A POST without content says so; some proxies refuse one without a length. */
const empty = { headers: { 'content-length': '0' } } as const;

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
