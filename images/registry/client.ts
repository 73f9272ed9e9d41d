/**
 * The pulling half of the OCI distribution protocol: manifests and blobs of a repository, from whichever of its
 * endpoints has them. Source: opencontainers/distribution-spec 1.1.
 *
 * Invariant: a manifest's bytes have been checked against its digest when they leave here; a blob's have not,
 * since they stream (download.ts does it). Deliberately absent: any knowledge of the store, and pushing, which is in
 * push-client.ts.
 */
import { createHash } from 'node:crypto';
import { ImageError } from '../errors.ts';
import { DEFAULT_DOMAIN, familiarName, isDigest, type Reference } from '../reference.ts';
import { readCredentials } from './credentials.ts';
import type { Credentials } from './docker-config.ts';
import { listEndpoints, type Endpoint } from './endpoints.ts';
import { describeRefusal, pullDenied } from './failure.ts';
import { mediaTypes } from '../media-types.ts';
import { readManifest, type ManifestDocument } from '../manifest.ts';
import { defaultRetryPolicy, retrying, type RetryPolicy } from './retry.ts';
import { Session, type Answered, type SessionRequest } from './session.ts';
import type { Timeouts, TransportResponse } from './transport.ts';

export interface RegistryClientOptions {
  /** Hosts, host:port or CIDR blocks that may be spoken to without TLS; loopback always may. */
  readonly insecureRegistries?: readonly string[];
  /** Asked before docker.io itself. */
  readonly mirrors?: readonly string[];
  /** By Docker's key of a registry; ~/.docker/config.json unless given. */
  readonly credentials?: (key: string) => Promise<Credentials | undefined>;
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<Timeouts>;
  readonly userAgent?: string;
  /** Called after each answered request. */
  readonly onAnswer?: ((answered: Answered) => void) | undefined;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly document: ManifestDocument;
}

export interface BlobBody {
  /** Where in the blob the first chunk belongs: 0 if the server does not know ranges. */
  readonly offset: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Where it comes from, for `distrust`. */
  readonly source: Session;
  discard(): void;
}

const defaultTimeouts: Timeouts = { headers: 30_000, idle: 60_000 };
/** Bytes; Docker stops at half of it. */
export const MAX_MANIFEST = 8 << 20;
/** What is asked for: a registry that has something else converts it to schema 1 or says 404. */
const acceptedManifests = [
  mediaTypes.index,
  mediaTypes.dockerIndex,
  mediaTypes.manifest,
  mediaTypes.dockerManifest,
];

export class RegistryClient {
  readonly retry: RetryPolicy;
  private readonly options: RegistryClientOptions;
  private readonly sessions = new Map<string, readonly Session[]>();
  private readonly distrusted = new Set<Session>();

  constructor(options: RegistryClientOptions = {}) {
    this.options = options;
    this.retry = { ...defaultRetryPolicy, ...options.retry };
  }

  /** What a tag stands for at the moment, without fetching it; undefined if the registry does not say. */
  async resolveTag(reference: Reference, signal?: AbortSignal): Promise<string | undefined> {
    return await this.fromAny(reference, signal, async (session) => {
      const request = this.manifestRequest(reference, 'HEAD', signal);
      const response = await this.retrying(session, signal, () =>
        this.expect(session, reference, request, 'manifest', [200]),
      );
      response.discard();
      const digest = response.header('docker-content-digest');
      return digest !== undefined && isDigest(digest) ? digest : undefined;
    });
  }

  /** By digest if the reference has one, else by tag. */
  async fetchManifest(reference: Reference, signal?: AbortSignal): Promise<FetchedManifest> {
    return await this.fromAny(reference, signal, async (session) => {
      const request = this.manifestRequest(reference, 'GET', signal);
      return await this.retrying(session, signal, async () => {
        const response = await this.expect(session, reference, request, 'manifest', [200]);
        const bytes = await response.bytes(MAX_MANIFEST);
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
        const due = reference.digest ?? response.header('docker-content-digest');
        if (due !== undefined && isDigest(due) && due !== digest)
          throw manifestMismatch(reference, due, digest);
        const source = { name: familiarName(reference), type: response.header('content-type') };
        return { bytes, digest, document: readManifest(bytes, source) };
      });
    });
  }

  /**
   * One attempt at a blob's bytes from `offset` on; the writer decides where a second one continues.
   * @throws TransportError with `retryable` where that makes sense.
   */
  async openBlob(
    reference: Reference,
    digest: string,
    offset: number,
    signal?: AbortSignal,
  ): Promise<BlobBody> {
    const open = async (session: Session): Promise<BlobBody> => {
      const request: SessionRequest = {
        method: 'GET',
        path: `/v2/${reference.path}/blobs/${digest}`,
        headers: { accept: '*/*', ...(offset > 0 ? { range: `bytes=${String(offset)}-` } : {}) },
        scope: pullScope(reference),
        signal,
      };
      const expected = offset > 0 ? [200, 206, 416] : [200];
      const response = await this.expect(session, reference, request, `blob ${digest}`, expected);
      const start = response.status === 206 ? rangeStart(response) : 0;
      if (response.status === 416 || (start !== 0 && start !== offset)) {
        // The server has less than what is there already, or cannot count: from the start, then.
        response.discard();
        return await this.openBlob(reference, digest, 0, signal);
      }
      return {
        offset: start,
        chunks: response.chunks,
        source: session,
        discard: () => {
          response.discard();
        },
      };
    };
    return await this.fromAny(reference, signal, open);
  }

  /** A mirror that gave the wrong bytes is not asked again. False if it was the registry itself. */
  distrust(source: Session): boolean {
    if (source.endpoint.mirror) this.distrusted.add(source);
    return source.endpoint.mirror;
  }

  private manifestRequest(
    reference: Reference,
    method: 'GET' | 'HEAD',
    signal?: AbortSignal,
  ): SessionRequest {
    const name = reference.digest ?? reference.tag ?? 'latest';
    return {
      method,
      path: `/v2/${reference.path}/manifests/${name}`,
      headers: { accept: acceptedManifests.join(', ') },
      scope: pullScope(reference),
      signal,
    };
  }

  /** Every endpoint in turn; what the last one, the registry itself, says counts. */
  private async fromAny<T>(
    reference: Reference,
    signal: AbortSignal | undefined,
    ask: (session: Session) => Promise<T>,
  ): Promise<T> {
    const sessions = this.sessionsFor(reference.domain).filter((session) => !this.distrusted.has(session));
    for (const session of sessions) {
      try {
        return await ask(session);
      } catch (error) {
        signal?.throwIfAborted();
        if (!session.endpoint.mirror) throw error;
        if (error instanceof ImageError && error.code === 'REGISTRY_UNREACHABLE')
          this.distrusted.add(session);
      }
    }
    throw new ImageError({ code: 'NO_ENDPOINT', message: `no registry serves ${reference.domain}` });
  }

  private sessionsFor(domain: string): readonly Session[] {
    const known = this.sessions.get(domain);
    if (known !== undefined) return known;
    const sessions = openSessions(domain, this.options);
    this.sessions.set(domain, sessions);
    return sessions;
  }

  private retrying<T>(
    session: Session,
    signal: AbortSignal | undefined,
    operation: () => Promise<T>,
  ): Promise<T> {
    // With a mirror in front there is someone else to ask, which beats waiting.
    const policy = session.endpoint.mirror ? { ...this.retry, attempts: 1 } : this.retry;
    return retrying(policy, signal, operation);
  }

  private async expect(
    session: Session,
    reference: Reference,
    request: SessionRequest,
    what: string,
    statuses: readonly number[],
  ): Promise<TransportResponse> {
    let response: TransportResponse;
    try {
      response = await session.request(request);
    } catch (error) {
      if (error instanceof ImageError && error.code === 'UNAUTHORIZED')
        throw pullDenied(reference, error.message, error);
      throw error;
    }
    if (statuses.includes(response.status)) return response;
    throw await describeRefusal(response, reference, what);
  }
}

/** One for each endpoint that serves the domain, the registry itself last. */
export function openSessions(domain: string, options: RegistryClientOptions): readonly Session[] {
  const { insecureRegistries = [], mirrors = [] } = options;
  return listEndpoints(domain, { insecureRegistries, mirrors }).map((one) => openSession(one, options));
}

export function openSession(endpoint: Endpoint, options: RegistryClientOptions): Session {
  return new Session(endpoint, {
    credentials: options.credentials ?? ((key) => readCredentials(key)),
    insecureRegistries: options.insecureRegistries ?? [],
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    userAgent: options.userAgent ?? 'minidock',
    onAnswer: options.onAnswer,
  });
}

/** From MINIDOCK_INSECURE_REGISTRIES and MINIDOCK_REGISTRY_MIRROR, each a list separated by commas. */
export function registryOptionsFromEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Pick<RegistryClientOptions, 'insecureRegistries' | 'mirrors'> {
  const list = (name: string): string[] => (env[name] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return {
    insecureRegistries: list('MINIDOCK_INSECURE_REGISTRIES'),
    mirrors: list('MINIDOCK_REGISTRY_MIRROR'),
  };
}

function pullScope(reference: Reference): string {
  return `repository:${reference.path}:pull`;
}

/** The first byte of 'bytes 100-199/200'. */
function rangeStart(response: TransportResponse): number {
  const start = /^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1];
  return start === undefined ? 0 : Number(start);
}

function manifestMismatch(reference: Reference, due: string, digest: string): ImageError {
  const origin = reference.domain === DEFAULT_DOMAIN ? 'the registry or its mirror' : reference.domain;
  return new ImageError({
    code: 'DIGEST_MISMATCH',
    message: `manifest verification failed for digest ${due}: ${origin} gave one with the digest ${digest}`,
    hint: 'nothing of it was used',
  });
}
