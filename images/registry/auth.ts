/**
 * Authentication at one registry: what its WWW-Authenticate header asks for, answered from the user's credentials
 * or anonymously. Bearer tokens are kept per scope until they expire, and asked for once even when three layers
 * need one at the same moment. Source: distribution's token authentication specification (token.md, oauth.md).
 *
 * Invariant: the user's password or refresh token goes to the registry itself or to a realm over TLS (or on a host
 * that may be spoken to without), never anywhere else in the clear.
 */
import { ImageError } from '../errors.ts';
import { readForeign, tryForeign } from '../foreign/read.ts';
import { tokenAnswer, tokenRefusal } from '../foreign/registry-shapes.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials } from './docker-config.ts';
import type { TransportRequest, TransportResponse } from './transport.ts';

export interface AuthorizerOptions {
  /** Asked at most once, when the registry first wants to know. */
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly send: (request: Omit<TransportRequest, 'timeouts'>) => Promise<TransportResponse>;
  readonly mayBeClear: (url: URL) => boolean;
  readonly now?: () => number;
}

interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

const DEFAULT_LIFETIME_SECONDS = 60;
/** A token about to expire may do so on the way. */
const MARGIN_MS = 5_000;
const MAX_TOKEN_RESPONSE = 1 << 20;

export class Authorizer {
  private readonly options: AuthorizerOptions;
  private readonly tokens = new Map<string, Promise<Token>>();
  private challenge: Challenge | undefined;
  private credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: AuthorizerOptions) {
    this.options = options;
  }

  /** After a 401: keeps the challenge and drops the refused token. False if there is no answer to it. */
  learn(wwwAuthenticate: string | undefined, scope: string): boolean {
    const challenges = parseChallenges(wwwAuthenticate ?? '');
    this.challenge =
      challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm')) ??
      challenges.find(({ scheme }) => scheme === 'basic');
    this.tokens.delete(scope);
    return this.challenge !== undefined;
  }

  /** The Authorization header's value; undefined before a challenge, or without credentials. */
  async header(scope: string, signal?: AbortSignal): Promise<string | undefined> {
    if (this.challenge === undefined) return undefined;
    if (this.challenge.scheme === 'basic') {
      const credentials = await this.userCredentials();
      return credentials === undefined ? undefined : basic(credentials);
    }
    return `Bearer ${(await this.token(this.challenge, scope, signal)).value}`;
  }

  private async token(challenge: Challenge, scope: string, signal?: AbortSignal): Promise<Token> {
    const known = this.tokens.get(scope);
    if (known !== undefined) {
      const token = await known;
      if (token.expires - MARGIN_MS > this.now()) return token;
    }
    // Another call may have renewed it meanwhile.
    const current = this.tokens.get(scope);
    if (current !== undefined && current !== known) return await current;
    const fetched = this.fetchToken(challenge, scope, signal);
    this.tokens.set(scope, fetched);
    fetched.catch(() => {
      // The awaiting caller gets the error; here the failed token only must not be cached.
      if (this.tokens.get(scope) === fetched) this.tokens.delete(scope);
    });
    return await fetched;
  }

  private async fetchToken(challenge: Challenge, scope: string, signal?: AbortSignal): Promise<Token> {
    const realm = readRealm(challenge);
    const credentials = await this.userCredentials();
    if (credentials !== undefined && realm.protocol !== 'https:' && !this.options.mayBeClear(realm)) {
      throw new ImageError({
        code: 'INSECURE_REALM',
        message: `the registry asks to send your password unencrypted to ${realm.origin}`,
        hint: `if that is meant to be so, name ${realm.host} in MINIDOCK_INSECURE_REGISTRIES`,
      });
    }
    const service = challenge.parameters.get('service');
    const request = { signal, ...tokenRequest(realm, service, scope, credentials) };
    const response = await this.options.send(request);
    const text = (await response.bytes(MAX_TOKEN_RESPONSE)).toString('utf8');
    if (response.status !== 200) throw tokenRefused(realm, response.status, text, credentials);
    return this.readToken(realm, text);
  }

  private readToken(realm: URL, text: string): Token {
    const foreign = {
      what: `the answer of ${realm.origin} to the request for a token`,
      code: 'INVALID_TOKEN',
    };
    const {
      token = '',
      access_token: accessToken = '',
      expires_in: lifetime = 0,
    } = readForeign(tokenAnswer, text, foreign);
    const value = token || accessToken;
    if (value === '') {
      throw new ImageError({
        code: 'INVALID_TOKEN',
        message: `${realm.origin} gave no token where one was due`,
      });
    }
    const seconds = lifetime > 0 ? lifetime : DEFAULT_LIFETIME_SECONDS;
    // Counted from its arrival rather than from `issued_at`: the two clocks need not agree.
    return { value, expires: this.now() + Math.max(seconds, DEFAULT_LIFETIME_SECONDS) * 1000 };
  }

  private userCredentials(): Promise<Credentials | undefined> {
    return (this.credentials ??= this.options.credentials());
  }

  private now(): number {
    return this.options.now?.() ?? Date.now();
  }
}

function readRealm(challenge: Challenge): URL {
  const realm = challenge.parameters.get('realm') ?? '';
  try {
    const url = new URL(realm);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {
    // Not a URL: said below.
  }
  throw new ImageError({
    code: 'INVALID_REALM',
    message: `the registry asks for a token from "${realm}", not a URL`,
  });
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scope: string,
  credentials: Credentials | undefined,
): Pick<TransportRequest, 'method' | 'url' | 'headers' | 'body'> {
  if (credentials?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: service ?? '',
      client_id: 'minidock',
      scope,
      refresh_token: credentials.identityToken,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    return { method: 'POST', url: realm, headers, body: form.toString() };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  // The ping before `login` asks for no access at all.
  for (const one of scope.split(' ')) if (one !== '') url.searchParams.append('scope', one);
  if (credentials === undefined) return { method: 'GET', url, headers: { accept: 'application/json' } };
  url.searchParams.set('account', credentials.username);
  return { method: 'GET', url, headers: { accept: 'application/json', authorization: basic(credentials) } };
}

function tokenRefused(
  realm: URL,
  status: number,
  text: string,
  credentials: Credentials | undefined,
): ImageError {
  const answer = tryForeign(tokenRefusal, text);
  const details = answer?.details ?? answer?.error_description;
  const said = details === undefined ? '' : `: ${details}`;
  const refused = status === 401 || status === 403 || status === 400;
  return new ImageError({
    code: refused ? 'UNAUTHORIZED' : 'TOKEN_SERVER_ERROR',
    message: refused
      ? `unauthorized: ${credentials === undefined ? 'authentication required' : 'incorrect username or password'}${said}`
      : `asking ${realm.origin} for a token gave HTTP status ${String(status)}${said}`,
  });
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
