/** Attacks on the page's server: other hosts and origins, no token, other paths, messages that are none, floods. */
import { describe, expect, test } from '@jest/globals';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();

describe('the server of the page', () => {
  testUnless(missingBrowser, 'answers only its own host, origin and token', async () => {
    const { port, token } = addressOf(ui().address);
    const own = `127.0.0.1:${port}`;
    const { cookie, base } = await entered(own, token);
    const ask = (path: string, ...headers: readonly string[]): Promise<string> => request(own, path, headers);
    expect(await ask(base, `Host: ${own}`, `Cookie: ${cookie}`)).toMatch(/^200/);
    expect(await ask(base, `Host: ${own}`)).toMatch(/^403/);
    // Another server of this machine does not know where the page is, and so gets no cookie.
    expect(await ask('/', `Host: ${own}`, `Cookie: ${cookie}`)).toMatch(/^403/);
    expect(await ask(`${base.slice(0, -2)}x/`, `Host: ${own}`, `Cookie: ${cookie}`)).toMatch(/^403/);
    expect(await ask('/?token=wrong', `Host: ${own}`)).toMatch(/^403/);
    expect(await ask(base, `Host: ${own}`, `Cookie: ${cookie}x`)).toMatch(/^403/);
    // A name that was rebound to loopback, a foreign page, another port of this machine.
    for (const header of [`Host: evil.example:${port}`, 'Host: 127.0.0.1', 'Host: 127.0.0.1:1', 'Host: ']) {
      expect(await ask(`/?token=${token}`, header, `Cookie: ${cookie}`)).toMatch(/^4/);
    }
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `https://${own}`]) {
      expect(await ask(base, `Host: ${own}`, `Cookie: ${cookie}`, `Origin: ${origin}`)).toMatch(/^403/);
      expect(await upgrade(own, `${base}socket`, [`Cookie: ${cookie}`, `Origin: ${origin}`])).toMatch(/^403/);
    }
    expect(await upgrade(own, `${base}socket`, [`Cookie: ${cookie}`])).toMatch(/^403/);
    expect(await upgrade(own, `${base}socket`, [`Origin: http://${own}`])).toMatch(/^403/);
    expect(await upgrade(own, `${base}terminal?at=machine`, [`Origin: http://${own}`])).toMatch(/^403/);
    expect(await upgrade(own, `${base}socket`, [`Cookie: ${cookie}`, `Origin: http://${own}`])).toMatch(
      /^101/,
    );
    for (const path of [
      '/../../etc/passwd',
      `${base}../../etc/passwd`,
      `${base}%2e%2e/etc/passwd`,
      `${base}/etc/passwd`,
      `${base}page.js/..%2f`,
      `${base}socket`,
    ]) {
      expect(await ask(path, `Host: ${own}`, `Cookie: ${cookie}`)).toMatch(/^40[034]/);
    }
  });

  testUnless(missingBrowser, 'is on loopback only, and its address says so', async () => {
    const { port } = addressOf(ui().address);
    const { stdout } = await engine.host.run(['ss', '-Hltn', `sport = :${port}`]);
    expect(stdout).toContain(`127.0.0.1:${port}`);
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  testUnless(
    missingBrowser,
    'a page has a policy that runs nothing else, and a cookie that scripts cannot read',
    async () => {
      const { page } = ui();
      expect(await page.evaluate(() => document.cookie)).toBe('');
      expect(await page.evaluate(() => location.search)).toBe('');
      const ran = await page.evaluate(() => {
        const script = document.createElement('script');
        try {
          script.textContent = 'window.pwned = 1';
        } catch {
          return 'refused';
        }
        document.body.append(script);
        return 'pwned' in window ? 'ran' : 'refused';
      });
      expect(ran).toBe('refused');
    },
  );

  testUnless(missingBrowser, 'a terminal on the machine is refused without --allow-actions', async () => {
    const { page } = ui();
    const reason = await page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(`ws://${location.host}${location.pathname}terminal?at=machine`);
          socket.onclose = (event) => resolve(event.reason);
        }),
    );
    expect(reason).toContain('--allow-actions');
  });

  testUnless(missingBrowser, 'what is no message ends its connection, and nothing else', async () => {
    const { page, see } = ui();
    const closed = await page.evaluate(async () => {
      const send = (data: string | Uint8Array<ArrayBuffer>): Promise<number> =>
        new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}${location.pathname}socket`);
          socket.onopen = () => socket.send(data);
          socket.onclose = (event) => resolve(event.code);
        });
      return Promise.all([
        send('no JSON'),
        send('{"id":1,"do":"look","at":"../../etc"}'),
        send('{"id":-1,"do":"look","at":"machine"}'),
        send('{"id":1,"do":"scene","at":"machine","ask":{"ask":"x-ray","name":"--help"}}'),
        send(new Uint8Array(10)),
        send('x'.repeat(1_000_000)),
      ]);
    });
    expect(closed.every((code) => code >= 1000)).toBe(true);
    await engine.ok('run', '-d', '--name', 'after', 'test', 'sleep', '1000');
    await see('#picture .box', /^after/);
  });

  testUnless(missingBrowser, 'a page that does not read costs the others nothing', async () => {
    const { page, see } = ui();
    await page.evaluate(async () => {
      const socket = new WebSocket(`ws://${location.host}${location.pathname}socket`);
      await new Promise((resolve) => (socket.onopen = resolve));
      for (let id = 0; id < 500; id++) {
        socket.send(
          JSON.stringify({ id, do: 'scene', at: 'machine', ask: { ask: 'interface', inode: 1, index: 1 } }),
        );
      }
    });
    await engine.ok('run', '-d', '--name', 'still', 'test', 'sleep', '1000');
    await see('#picture .box', /^still/);
  });
});

test('ui needs a port that is one, and says so', async () => {
  const { exitCode, stderr } = await engine.minidock('ui', '--port', '70000');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('invalid port "70000"')]);
});

function addressOf(address: string): { port: string; token: string } {
  const { port, searchParams } = new URL(address);
  return { port, token: searchParams.get('token') ?? '' };
}

async function entered(own: string, token: string): Promise<{ cookie: string; base: string }> {
  const answer = await request(own, `/?token=${token}`, [`Host: ${own}`]);
  expect(answer).toMatch(/^303/);
  expect(answer).toMatch(/HttpOnly; SameSite=Strict/);
  const [, cookie = '', path] = /set-cookie: ([^;]+); Path=([^;]+)/i.exec(answer) ?? [];
  const base = /location: (\S+)/i.exec(answer)?.[1] ?? '';
  expect([path, base]).toEqual([base, expect.stringMatching(/^\/[\w-]{43}\/$/)]);
  return { cookie, base };
}

const upgrade = (own: string, path: string, headers: readonly string[]): Promise<string> =>
  request(own, path, [
    `Host: ${own}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ]);

/** The status and headers, by hand, since fetch sets Host and Origin itself; in the host's network. */
async function request(own: string, path: string, headers: readonly string[]): Promise<string> {
  const port = own.split(':')[1] ?? '';
  const text = [`GET ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n');
  // The connection stays open: an empty line ends what is of interest.
  const script =
    'exec 3<>/dev/tcp/127.0.0.1/$1; printf %s "$2" >&3; while read -r -t 10 line && [ "$line" != $\'\\r\' ]; do echo "$line"; done <&3';
  const { stdout } = await engine.host.run(['bash', '-c', script, 'ask', port, text]);
  return stdout.replace(/^HTTP\/1\.1 /, '');
}
