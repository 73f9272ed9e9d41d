/**
 * Who may ask. Each request must name this server as its host (a name that was rebound to loopback is another one),
 * come from this server's own page if it comes from a page, and bring the secret: first in the address that minidock
 * prints, from then on in a cookie that scripts cannot read and other sites cannot send. A cookie goes to every port of
 * a host; so the page is below a path that nobody else knows, and its cookie goes there alone. Pure.
 */
import { timingSafeEqual } from 'node:crypto';

export interface Secrets {
  readonly port: number;
  /** In the address. */
  readonly token: string;
  /** In the cookie. */
  readonly session: string;
  /** All but the entrance is below it: '/…/'. */
  readonly base: string;
}

export interface Request {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  header(name: string): string | null;
}

export type Judgement =
  /** Give it the cookie and send it to the page. */
  | { readonly kind: 'enter' }
  /** `path`: below the base, '' for the page itself. */
  | { readonly kind: 'file'; readonly path: string }
  /** A WebSocket: messages, or a terminal in a scene. */
  | { readonly kind: 'socket' }
  | { readonly kind: 'terminal'; readonly at: string }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string };

export function judge(request: Request, secrets: Secrets): Judgement {
  const hosts = ['127.0.0.1', 'localhost'].map((name) => `${name}:${String(secrets.port)}`);
  const host = request.header('host') ?? '';
  if (!hosts.includes(host)) return refused(403, 'this server has another name');
  const origin = request.header('origin');
  if (origin !== null && origin !== `http://${host}`)
    return refused(403, 'the request comes from another site');
  const site = request.header('sec-fetch-site');
  if (site === 'cross-site') return refused(403, 'the request comes from another site');
  if (request.method !== 'GET') return refused(405, 'only GET is served');
  const { pathname, searchParams } = new URL(request.url, `http://${host}`);
  if (pathname === '/' && searchParams.has('token')) {
    return isSame(searchParams.get('token') ?? '', secrets.token)
      ? { kind: 'enter' }
      : refused(403, 'the token is wrong');
  }
  const isBelow = isSame(pathname.slice(0, secrets.base.length), secrets.base);
  if (!isBelow || !isSame(sessionOf(request.header('cookie') ?? '', secrets.port), secrets.session)) {
    return refused(403, 'open the whole address that "minidock ui" printed');
  }
  const path = pathname.slice(secrets.base.length);
  const isSocket = request.header('upgrade')?.toLowerCase() === 'websocket';
  if (path === 'socket' || path === 'terminal') {
    // Each browser sends the origin of a WebSocket.
    if (!isSocket || origin === null) return refused(403, 'this is for the page only');
    if (path === 'socket') return { kind: 'socket' };
    const at = searchParams.get('at') ?? '';
    return /^[a-z][a-z0-9-]{0,63}$/.test(at) ? { kind: 'terminal', at } : refused(400, 'no such place');
  }
  return { kind: 'file', path };
}

export const cookieName = (port: number): string => `minidock-ui-${String(port)}`;

function sessionOf(cookies: string, port: number): string {
  const pairs = cookies.split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === cookieName(port))?.[1] ?? '';
}

const refused = (status: number, why: string): Judgement => ({ kind: 'refused', status, why });

/** In a time that does not depend on the letters. */
function isSame(given: string, secret: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** For every answer. `nonce`: of the styles that the terminal's library makes. */
export const safeHeaders = (host: string, nonce: string): Readonly<Record<string, string>> => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    `connect-src 'self' ws://${host}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-store',
});
