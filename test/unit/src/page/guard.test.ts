/** Who may ask the page's server for what. */
import { describe, expect, test } from '@jest/globals';
import { judge, safeHeaders, type Judgement } from '../../../../src/page/server/guard.ts';

const SECRETS = { port: 4000, token: 'the-token', session: 'the-session', base: '/secret/' };
const COOKIE = 'minidock-ui-4000=the-session';
const OWN = { host: '127.0.0.1:4000', cookie: COOKIE };

const ask = (url: string, headers: Readonly<Record<string, string>>, method = 'GET'): Judgement =>
  judge({ method, url, header: (name) => headers[name] ?? null }, SECRETS);

describe('judge', () => {
  test('the token opens, the cookie stays', () => {
    expect(ask('/?token=the-token', { host: OWN.host }).kind).toBe('enter');
    expect(ask('/secret/', OWN)).toEqual({ kind: 'file', path: '' });
    const script = ask('/secret/page.js', { ...OWN, host: 'localhost:4000' });
    expect(script).toEqual({ kind: 'file', path: 'page.js' });
    expect(ask('/secret/', { ...OWN, cookie: `a=b; ${COOKIE}; c=d` }).kind).toBe('file');
  });

  test.each([
    ['the page elsewhere', '/', OWN],
    ['a path beside the page', '/secre/page.js', OWN],
    ['another name', '/secret/', { ...OWN, host: 'evil.example:4000' }],
    ['another port', '/secret/', { ...OWN, host: '127.0.0.1:4001' }],
    ['no host', '/secret/', { cookie: COOKIE }],
    ['another site', '/secret/', { ...OWN, origin: 'http://evil.example' }],
    ['an opaque origin', '/secret/', { ...OWN, origin: 'null' }],
    ['a page of another port of this machine', '/secret/', { ...OWN, origin: 'http://127.0.0.1:9' }],
    ['a request that the browser calls cross-site', '/secret/', { ...OWN, 'sec-fetch-site': 'cross-site' }],
    ['no cookie', '/secret/', { host: OWN.host }],
    ['the token as a cookie', '/secret/', { ...OWN, cookie: 'minidock-ui-4000=the-token' }],
    ['the cookie of another server', '/secret/', { ...OWN, cookie: 'minidock-ui-4001=the-session' }],
    ['a wrong token', '/?token=the-tokem', OWN],
    ['an empty token', '/?token=', OWN],
    ['a socket without an origin', '/secret/socket', { ...OWN, upgrade: 'websocket' }],
    ['a socket path without a socket', '/secret/socket', { ...OWN, origin: 'http://127.0.0.1:4000' }],
  ])('%s is refused', (_what, url, headers) => {
    expect(ask(url, headers)).toMatchObject({ kind: 'refused', status: 403 });
  });

  test('only GET; a terminal has a name that is one', () => {
    const socket = { ...OWN, origin: 'http://127.0.0.1:4000', upgrade: 'WebSocket' };
    expect(ask('/secret/', OWN, 'POST')).toMatchObject({ status: 405 });
    expect(ask('/secret/socket', socket)).toEqual({ kind: 'socket' });
    expect(ask('/secret/terminal?at=cable', socket)).toEqual({ kind: 'terminal', at: 'cable' });
    for (const at of ['', '../x', 'A', 'x/y', 'a b', 'x'.repeat(65)]) {
      expect(ask(`/secret/terminal?at=${encodeURIComponent(at)}`, socket)).toMatchObject({ status: 400 });
    }
  });

  test('the policy lets nothing run but the page’s own script', () => {
    const policy = safeHeaders('127.0.0.1:4000', 'abc')['Content-Security-Policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
  });
});
