/**
 * Requests to one registry: the scheme found out, authentication answered, redirects followed.
 *
 * A redirect to another origin goes without the Authorization header (it carries its own signature, and the token
 * is none of its business), and never from TLS to clear text unless that host may be spoken to so. A registry elsewhere
 * leads nobody to this machine's own services, neither by a redirect, nor by the place of an upload or a token.
 */
import { ImageError } from '../errors.ts';
import { Authorizer } from './auth.ts';
import type { Credentials } from './docker-config.ts';
import { isInsecure, isThisMachine, type Endpoint } from './endpoints.ts';
import {
  send,
  type Timeouts,
  type TransportRequest,
  type TransportResponse,
  type Upload,
} from './transport.ts';

export interface SessionOptions {
  readonly credentials: (key: string) => Promise<Credentials | undefined>;
  readonly insecureRegistries: readonly string[];
  readonly timeouts: Timeouts;
  readonly userAgent: string;
  readonly onAnswer?: ((answered: Answered) => void) | undefined;
}

/** A request and its result, for --debug and traces. `authorization` holds only the scheme. */
export interface Answered {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  /** When it was sent: milliseconds since 1970. */
  readonly begin: number;
  /** Milliseconds until the answer began. */
  readonly ms: number;
}

export interface SessionRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** Below the endpoint's base: '/v2/library/nginx/manifests/latest'; or what `locate` returned. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** 'repository:library/nginx:pull'; several are separated by spaces. */
  readonly scope: string;
  readonly body?: string | Upload | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 10;
const MAX_DRAINED = 64 << 10;

export class Session {
  readonly endpoint: Endpoint;
  private readonly options: SessionOptions;
  private readonly authorizer: Authorizer;
  private base: Promise<URL> | undefined;

  constructor(endpoint: Endpoint, options: SessionOptions) {
    this.endpoint = endpoint;
    this.options = options;
    this.authorizer = new Authorizer({
      credentials: () => options.credentials(endpoint.credentialsKey),
      send: (request) => this.send(request),
      mayBeClear: (url) => isInsecure(url.host, options.insecureRegistries),
    });
  }

  /** Any status but 401 that could be answered comes back as it is. @throws what `send` throws. */
  async request(request: SessionRequest): Promise<TransportResponse> {
    const base = await this.resolveBase(request.signal);
    const { path } = request;
    const url = typeof path === 'string' ? new URL(base.href.replace(/\/$/, '') + path) : path;
    // An upload may go to another server; the token is none of its business.
    if (url.origin !== base.origin) return await this.follow(url, request, undefined);
    const authorization = await this.authorizer.header(request.scope, request.signal);
    const response = await this.follow(url, request, authorization);
    if (response.status !== 401 || response.url.origin !== url.origin) return response;
    if (!this.authorizer.learn(response.header('www-authenticate'), request.scope)) return response;
    const answer = await this.authorizer.header(request.scope, request.signal);
    // The same answer again would be refused again.
    if (answer === undefined || answer === authorization) return response;
    await drain(response);
    return await this.follow(url, request, answer);
  }

  /** Where an answer's Location leads, by the same rules as a redirect. */
  locate(response: TransportResponse): URL {
    const location = response.header('location');
    if (location !== undefined) return this.redirect(response.url, location);
    throw new ImageError({
      code: 'REGISTRY_ERROR',
      message: `${response.url.origin} did not say where to upload to`,
    });
  }

  private async follow(
    start: URL,
    request: SessionRequest,
    authorization: string | undefined,
  ): Promise<TransportResponse> {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const known = authorization !== undefined && url.origin === start.origin ? { authorization } : {};
      const { method, signal, body } = request;
      const headers = { ...request.headers, ...known };
      const response = await this.send({ method, url, signal, body, headers });
      const location = [301, 302, 303, 307, 308].includes(response.status)
        ? response.header('location')
        : undefined;
      if (location === undefined) return response;
      await drain(response);
      url = this.redirect(url, location);
    }
    throw new ImageError({
      code: 'TOO_MANY_REDIRECTS',
      message: `Get "${start.href}": stopped after ${String(MAX_REDIRECTS)} redirects`,
    });
  }

  private redirect(from: URL, location: string): URL {
    const refused = (why: string): ImageError =>
      new ImageError({ code: 'REDIRECT_REFUSED', message: `${from.origin} redirects ${why}` });
    let to: URL;
    try {
      to = new URL(location, from);
    } catch {
      // Not a URL: said in the registry's terms.
      throw refused(`to "${location}", not a URL`);
    }
    const clear = to.protocol === 'http:';
    if (to.protocol !== 'https:' && !clear) throw refused(`to ${to.protocol}, not HTTP`);
    if (clear && from.protocol === 'https:' && !isInsecure(to.host, this.options.insecureRegistries)) {
      throw refused(`from TLS to clear text at ${to.host}`);
    }
    return to;
  }

  /** Tries once whether an insecure host uses TLS; all others do. */
  private resolveBase(signal?: AbortSignal): Promise<URL> {
    const { base, insecure } = this.endpoint;
    if (!insecure) return Promise.resolve(base);
    return (this.base ??= this.probe(signal).catch((error: unknown) => {
      this.base = undefined;
      throw error;
    }));
  }

  private async probe(signal?: AbortSignal): Promise<URL> {
    const first = this.endpoint.base;
    try {
      return await this.ping(first, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const second = new URL(first.href);
      second.protocol = first.protocol === 'https:' ? 'http:' : 'https:';
      try {
        return await this.ping(second, signal);
      } catch {
        // Neither works: report the error of the more likely scheme.
        throw error;
      }
    }
  }

  private async ping(base: URL, signal?: AbortSignal): Promise<URL> {
    const url = new URL(`${base.href.replace(/\/$/, '')}/v2/`);
    const response = await this.send({ method: 'GET', url, signal, headers: {} });
    const body = await drain(response);
    // What Go's TLS servers answer in clear text to clear text.
    if (response.status === 400 && /HTTP request to an HTTPS server/i.test(body)) {
      throw new ImageError({
        code: 'REGISTRY_TLS',
        message: `Get "${url.href}": the server speaks TLS only`,
      });
    }
    if (response.status === 401) this.authorizer.learn(response.header('www-authenticate'), '');
    return base;
  }

  private async send(request: Omit<TransportRequest, 'timeouts'>): Promise<TransportResponse> {
    const { insecureRegistries, timeouts, userAgent, onAnswer } = this.options;
    if (this.isAstray(request.url)) {
      throw new ImageError({
        code: 'REDIRECT_REFUSED',
        message: `${this.endpoint.base.origin} leads to ${request.url.origin}, which is this machine`,
        hint: `If that is meant to be so, name ${request.url.host} in MINIDOCK_INSECURE_REGISTRIES.`,
      });
    }
    const begin = performance.now();
    const response = await send({
      ...request,
      headers: { 'user-agent': userAgent, ...request.headers },
      anyCertificate: isInsecure(request.url.host, insecureRegistries) || this.isOwnInsecureHost(request.url),
      timeouts,
    });
    onAnswer?.({
      method: request.method,
      url: request.url.href,
      headers: withoutSecrets(request.headers),
      status: response.status,
      begin: performance.timeOrigin + begin,
      ms: performance.now() - begin,
    });
    return response;
  }

  private isAstray({ hostname, host }: URL): boolean {
    if (!isThisMachine(hostname) || isThisMachine(this.endpoint.base.hostname)) return false;
    return !this.options.insecureRegistries.includes(host);
  }

  private isOwnInsecureHost(url: URL): boolean {
    return this.endpoint.insecure && url.host === this.endpoint.base.host;
  }
}

function withoutSecrets(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { authorization, ...rest } = headers;
  return authorization === undefined ? rest : { ...rest, authorization: authorization.split(' ')[0] ?? '' };
}

/** Reads a short body to its end, so that the connection can be used again. */
async function drain(response: TransportResponse): Promise<string> {
  try {
    return (await response.bytes(MAX_DRAINED)).toString('utf8');
  } catch {
    // Long or broken: nobody needs it.
    response.discard();
    return '';
  }
}
