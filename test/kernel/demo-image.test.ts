/**
 * The demo image: what its Dockerfile makes, run in namespaces of its own, without minidock. The page must tell
 * the ways apart that a request can come, say nothing a client could smuggle in, and its first process must
 * obey SIGTERM, which PID 1 does only if it cares to.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createHost, type TestHost } from '../support/host/host.ts';
import { runProgram, startProgram, waitFor, type RunResult } from '../support/host/processes.ts';

const BUILD = resolve(import.meta.dirname, '../../images/demo/build');
let host: TestHost;
let root: string;

beforeAll(async () => {
  host = await createHost();
  root = join(host.dir, 'demo');
  mkdirSync(root);
  await host.run(['sh', '-ec', '"$0" --tar | tar -xp -C "$1"', BUILD, root], { env: host.env });
  mkdirSync(join(root, 'dev'), { recursive: true });
  writeFileSync(join(root, 'dev/null'), '');
});
afterAll(() => host.dispose());

/** A network namespace like a container's: eth0 with an address, and a gateway. */
const NETWORK = `ip link set lo up; ip link add eth0 type veth peer name other; ip link set other up; ip addr add 172.20.0.2/16 dev eth0; ip link set eth0 up
ip route add default via 172.20.0.1; hostname 0123456789ab`;

function page(variables: Readonly<Record<string, string>>): Promise<RunResult> {
  const env = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
  const script = `${NETWORK}; mount -t sysfs none "$1/sys"; shift; exec env -i "$@"`;
  const cgi = ['/usr/sbin/chroot', root, '/www/cgi-bin/index.cgi'];
  return runProgram([
    'unshare',
    '--net',
    '--uts',
    '--mount',
    'sh',
    '-ec',
    script,
    'sh',
    root,
    ...env,
    ...cgi,
  ]);
}

describe('the page', () => {
  test.each([
    [
      '172.20.0.1',
      'localhost:8080',
      'from the host itself, through its published port 8080',
      'localhost:8080 -> DNAT',
    ],
    [
      '172.20.0.1',
      '172.20.0.2',
      "from the host itself, straight to the container's address",
      '172.20.0.1 -> bridge',
    ],
    [
      '203.0.113.9',
      '192.0.2.2:80',
      "from outside, through the host's published port 80",
      '203.0.113.9 -> 192.0.2.2:80 -> DNAT',
    ],
    ['172.20.7.7', '172.20.0.2', 'from another container on the same bridge', '172.20.7.7 -> bridge'],
    ['172.20.0.2', '172.20.0.2', 'from this very container', '172.20.0.2 -> lo'],
    ['127.0.0.1', 'localhost', 'from this very container', '127.0.0.1 -> lo'],
    [
      '[::ffff:203.0.113.9]',
      'example.org',
      "from outside, through the host's published port 80",
      '203.0.113.9 -> example.org:80',
    ],
  ])('a request of %s to %s came %s', async (client, host, way, path) => {
    const { stdout, stderr } = await page({
      REMOTE_ADDR: client,
      HTTP_HOST: host,
      HTTP_USER_AGENT: 'curl/8',
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Cache-Control: no-store\r\nContent-Type: text\/plain; charset=utf-8\r\n\r\n/);
    expect(stdout).toContain('Hello from container 0123456789ab\n');
    expect(stdout).toContain('address  172.20.0.2/16\n  gateway  172.20.0.1\n');
    expect(stdout).toContain(`(${way})`);
    expect(stdout).toContain(path);
  });

  test('browsers get the same as HTML, in one file', async () => {
    const { stdout } = await page({
      REMOTE_ADDR: '172.20.0.1',
      HTTP_HOST: 'localhost:8080',
      HTTP_ACCEPT: 'text/html,*/*',
    });
    expect(stdout).toContain('Content-Type: text/html; charset=utf-8\r\n\r\n<!doctype html>');
    for (const word of [
      '0123456789ab',
      '172.20.0.2',
      '172.20.0.1',
      'localhost:8080',
      'DNAT',
      'veth pair',
      '</html>',
    ]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).not.toMatch(/<(script|link|img)|https?:\/\/|@import|url\(/);
  });

  test('what a client sends does not become part of the page', async () => {
    const { stdout } = await page({
      REMOTE_ADDR: '172.20.0.1"><script>1</script>',
      HTTP_HOST: '"><script>2</script>$(id)`id`',
      HTTP_ACCEPT: 'text/html',
    });
    expect(stdout).toContain('</html>');
    expect(stdout).not.toMatch(/<script|uid=/);
  });
});

test('the same busybox gives the same image, byte for byte', async () => {
  const build = async (store: string): Promise<string> => {
    const env = { ...host.env, MINIDOCK_ROOT: join(host.dir, store), SOURCE_DATE_EPOCH: '1700000000' };
    const { stderr } = await host.run([BUILD], { env });
    return /writing image (sha256:[0-9a-f]{64})/.exec(stderr)?.[1] ?? stderr;
  };
  const image = await build('one');
  expect(image).toMatch(/^sha256:/);
  expect(await build('other')).toBe(image);
});

test('served by PID 1, which ends at SIGTERM', async () => {
  const script = `${NETWORK}; mount --bind /dev/null "$1/dev/null"; mount -t proc none "$1/proc"; exec chroot "$1" /bin/serve`;
  const unshare = ['unshare', '--net', '--uts', '--mount', '--pid', '--fork', '--kill-child'];
  const server = startProgram([...unshare, 'sh', '-ec', script, 'sh', root]);
  try {
    const inside = async (...argv: string[]): Promise<RunResult> => {
      const { stdout } = await runProgram(['ps', '-o', 'pid=', '--ppid', String(server.pid)]);
      return await runProgram(['nsenter', `--target=${stdout.trim()}`, '--net', '--pid', '--mount', ...argv]);
    };
    const answer = await waitFor(async () => {
      const { stdout } = await inside('curl', '-s', 'http://172.20.0.2/');
      return stdout === '' ? undefined : stdout;
    }, 'the page');
    expect(answer).toContain('from this very container');
    expect(
      (await inside('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://172.20.0.2/missing'))
        .stdout,
    ).toBe('404');
    expect(server.output()).toMatch(/172\.20\.0\.2\S*: url:\//);
    const before = Date.now();
    await inside('chroot', root, '/bin/kill', '-TERM', '1');
    expect(await server.exited).toBe(0);
    expect(Date.now() - before).toBeLessThan(3000);
  } finally {
    server.kill('SIGKILL');
  }
});
