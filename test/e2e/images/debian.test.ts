/**
 * A real image end to end: Debian and nginx, pulled from a real registry, its page fetched by everyone who can reach
 * it, its log, its signals. Then apt, which exercises users, pipes, terminals and ownership as few programs do.
 */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAptRepository } from '../../support/images/apt-repository.ts';
import { DEBIAN_TIMEOUT, installDebian } from '../../support/images/debian-image.ts';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS, OUTSIDE_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { ok, expectClean } = engine;
const PAGE = '<h1>hello from Debian</h1>';

beforeAll(async () => {
  await installDebian(engine.host);
}, DEBIAN_TIMEOUT);

describe('nginx', () => {
  beforeEach(async () => {
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', 'debian');
    await engine.host.waitFor(() => fetch('host', `${HOST_ADDRESS}:8080`), 'nginx to answer');
  });

  /** What curl gets, or '' when nobody answers. */
  async function fetch(from: 'host' | 'outside', url: string): Promise<string> {
    const argv = ['curl', '--silent', '--max-time', '5', url];
    const { stdout } = await (from === 'host' ? engine.host.run(argv) : engine.host.outside(argv));
    return stdout.trimEnd();
  }
  const clients = async (): Promise<readonly string[]> =>
    (await ok('logs', 'web')).split('\n').map((line) => line.split(' ')[0] ?? '');
  const workers = async (): Promise<readonly string[]> =>
    (await ok('exec', 'web', 'pgrep', '-u', 'www-data', '-f', 'nginx: worker process$'))
      .split('\n')
      .filter((pid) => pid !== '');

  test('serves its page to everyone, and its log has the client’s own address', async () => {
    expect(await fetch('outside', `${HOST_ADDRESS}:8080`)).toBe(PAGE);
    expect((await clients()).at(-1)).toBe(OUTSIDE_ADDRESS);
    expect(await fetch('host', '127.0.0.1:8080')).toBe(PAGE);
    expect(await fetch('host', 'localhost:8080')).toBe(PAGE);
    const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web');
    expect(await fetch('host', address)).toBe(PAGE);
    expect((await clients()).at(-1)).toBe('172.17.0.1');
    for (const url of [`http://${address}/`, `http://${HOST_ADDRESS}:8080/`]) {
      expect(await ok('run', '--rm', 'test', 'wget', '-q', '-T', '5', '-O', '-', url)).toBe(PAGE);
    }
    const ownPort = `exec 3<>/dev/tcp/${HOST_ADDRESS}/8080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    expect(await ok('exec', 'web', 'timeout', '5', 'bash', '-c', ownPort)).toContain(PAGE);
    expect((await ok('logs', 'web')).split('\n')).toHaveLength(8);
  });

  test('runs as it does everywhere: a master that is PID 1, workers of www-data, the site of the last layer', async () => {
    const processes = await ok('exec', 'web', 'ps', '-eo', 'pid,user,args', '--no-headers');
    expect(processes).toMatch(/^ *1 root +nginx: master process nginx -g daemon off;$/m);
    expect(processes).toMatch(/^ *\d+ www-data +nginx: worker process$/m);
    expect(await ok('exec', 'web', 'ls', '/etc/nginx/sites-enabled')).toBe('');
    expect(await ok('ps', '--format', '{{.Image}} {{.Command}} {{.Ports}}')).toBe(
      'debian "nginx -g \'daemon of…" 0.0.0.0:8080->80/tcp, :::8080->80/tcp',
    );
  });

  test('reload takes new workers and a new configuration; reopen goes on writing to the log', async () => {
    const before = await workers();
    expect(before.length).toBeGreaterThan(0);
    await ok('exec', 'web', 'sed', '-i', 's/one/two/', '/etc/nginx/conf.d/site.conf');
    await ok('exec', 'web', 'nginx', '-s', 'reload');
    await engine.host.waitFor(
      async () => (await fetch('host', `${HOST_ADDRESS}:8080/version`)) === 'two',
      'the new configuration',
    );
    await engine.host.waitFor(
      async () => (await workers()).every((pid) => !before.includes(pid)),
      'the old workers to end',
    );
    await ok('exec', 'web', 'nginx', '-s', 'reopen');
    await fetch('outside', `${HOST_ADDRESS}:8080/after-reopen`);
    await engine.host.waitFor(
      async () => (await ok('logs', 'web')).includes('GET /after-reopen'),
      'the log to go on',
    );
  });

  test('what goes wrong is on standard error, the accesses on standard output', async () => {
    await fetch('outside', `${HOST_ADDRESS}:8080/missing`);
    const { stdout, stderr } = await engine.minidock('logs', 'web');
    expect(stdout).toContain(`${OUTSIDE_ADDRESS} - - `);
    expect(stderr).toContain('"/srv/www/missing" failed (2: No such file or directory)');
  });

  test('stop lets a download finish, since the image asks for SIGQUIT; start serves again', async () => {
    const slow = engine.host.spawn(
      ['curl', '--silent', '--max-time', '20', `http://${HOST_ADDRESS}:8080/slow`, '-w', '%{http_code}'],
      'outside',
    );
    await slow.waitForOutput(/^x/);
    await ok('stop', 'web');
    expect(await slow.exited).toBe(0);
    await slow.waitForOutput(/200$/);
    expect(slow.output()).toHaveLength(150_000 + 3);
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'web')).toBe('exited 0');
    expect(await fetch('outside', `${HOST_ADDRESS}:8080`)).toBe('');
    await ok('start', 'web');
    await engine.host.waitFor(() => fetch('outside', `${HOST_ADDRESS}:8080`), 'nginx to serve again');
    expect(await fetch('outside', `${HOST_ADDRESS}:8080`)).toBe(PAGE);
  });

  test('restart keeps what was written in the container', async () => {
    await ok('exec', 'web', 'sh', '-c', 'echo changed >/srv/www/index.html');
    await ok('restart', 'web');
    await engine.host.waitFor(() => fetch('outside', `${HOST_ADDRESS}:8080`), 'nginx to serve again');
    expect(await fetch('outside', `${HOST_ADDRESS}:8080`)).toBe('changed');
  });

  test('a broken configuration ends it with nginx’s own words and status', async () => {
    const conf = join(engine.host.dir, 'broken.conf');
    writeFileSync(conf, 'nonsense;\n');
    const run = ['run', '--rm', '-v', `${conf}:/etc/nginx/conf.d/site.conf:ro`, 'debian'];
    const { exitCode, stderr } = await engine.minidock(...run);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('[emerg] 1#1: unknown directive "nonsense" in /etc/nginx/conf.d/site.conf:1');
  });
});

test('a removed container leaves nothing, whatever it had written', async () => {
  await ok('run', '-d', '--name', 'web', '-p', '8080:80', 'debian');
  await ok('exec', 'web', 'sh', '-c', 'mkdir -p /srv/a/b; rm -rf /usr/share/perl5; chattr +i /srv || :');
  await ok('rm', '-f', 'web');
  await expectClean();
});

describe('apt', () => {
  const setUp = `echo 'deb [trusted=yes] http://${INTERNET_ADDRESS}:8000/ ./' >/etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*`;

  test('installs a package: its sandbox user, dpkg’s terminal, scripts, owners and modes', async () => {
    const repository = join(engine.host.dir, 'apt');
    mkdirSync(repository);
    await makeAptRepository(repository);
    const address = `${INTERNET_ADDRESS}:8000`;
    const server = engine.host.spawn(
      ['busybox', 'httpd', '-f', '-v', '-p', address, '-h', repository],
      'outside',
    );
    await engine.host.waitFor(
      async () => (await engine.host.outside(['curl', '-sf', `${address}/Packages`])).stdout,
      'the repository to be served',
    );
    try {
      const script = [
        'set -e',
        setUp,
        'apt-get update 2>&1 | tee /update',
        'apt-get install -y made-up >/install 2>&1 || { cat /install; exit 1; }',
        'grep -v "^(Reading" /install >&2',
        'echo says=$(made-up)',
        'stat -c "%n=%U:%G:%a" /usr/bin/made-up /var/lib/made-up /etc/made-up.conf',
        'dpkg --verify made-up && echo verified=yes',
        'apt-get purge -y made-up >/dev/null 2>&1; [ -e /etc/made-up.conf ] || echo purged=yes',
      ].join('\n');
      const run = ['run', '--rm', '-e', 'DEBIAN_FRONTEND=noninteractive', 'debian', 'bash', '-c', script];
      const { stdout, stderr } = await succeed(engine.minidock(...run));
      expect(stdout).not.toMatch(/^(W|E|Err)/m);
      expect(stdout).toContain('Reading package lists...');
      // Written by the package's script: dpkg runs it on a terminal of its own, and it may open /dev/fd.
      expect(stderr.replaceAll('\r', '')).toContain('from a pipe\non a terminal\nas root\n');
      expect(stdout.split('\n').filter((line) => /^[\w/.-]+=/.test(line))).toEqual([
        'says=made up',
        '/usr/bin/made-up=root:mail:2755',
        '/var/lib/made-up=www-data:games:4750',
        '/etc/made-up.conf=root:root:640',
        'verified=yes',
        'purged=yes',
      ]);
    } finally {
      server.kill();
      await server.exited;
    }
  });
});

test('users: su, setuid, id of supplementary groups', async () => {
  const script = [
    'su -s /bin/sh www-data -c "id -un; cat /etc/shadow" 2>&1',
    'cp /bin/cat /tmp/shadow-cat; chmod u+s /tmp/shadow-cat',
    'su -s /bin/sh www-data -c "/tmp/shadow-cat /etc/shadow" | head -c 5',
  ].join('; ');
  expect(await ok('run', '--rm', 'debian', 'sh', '-c', script)).toBe(
    'www-data\ncat: /etc/shadow: Permission denied\nroot:',
  );
  await expectClean();
});

test.each([[[]], [['-t']]])(
  'a million lines, with flags %j: all of them come out, also of the log, and not a word besides',
  async (flags) => {
    const run = ['run', '--name', 'counting', ...flags, 'debian', 'seq', '1000000'];
    // A reader that is slower than the writer.
    const slow = ['bash', '-c', '"$@" | { read -r first; sleep 0.3; echo "$first"; cat; }', 'bash'];
    const result = await engine.host.run([
      ...slow,
      join(import.meta.dirname, '../../../dist/minidock'),
      ...run,
    ]);
    const log = await engine.minidock('logs', 'counting');
    for (const { stdout, stderr } of [result, log]) {
      expect(stderr).toBe('');
      const lines = stdout.replaceAll('\r', '').split('\n');
      expect([lines.length, lines[0], lines.at(-2)]).toEqual([1_000_001, '1', '1000000']);
      expect(lines.findIndex((line, index) => line !== String(index + 1))).toBe(1_000_000);
    }
  },
);
