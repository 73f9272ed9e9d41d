/** ADD of files of the web and of Git repositories, remote contexts, and mounts that begin with other stages' files. */
import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../../images/digest.ts';
import { pinnedBun } from '../../support/bun.ts';
import { useEngine } from '../../support/engine.ts';
import type { TestHost } from '../../support/host/host.ts';
import type { Background } from '../../support/host/processes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine({ keep: true });
const WEB = 'http://192.0.2.1:8099';

function write(dir: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

const folder = (files: Readonly<Record<string, string>>): string =>
  write(mkdtempSync(join(engine.host.dir, 'context-')), files);

const inApp = (script: string): Promise<string> => engine.ok('run', '--rm', 'app', 'sh', '-c', script);

const SERVER = `
Bun.serve({ hostname: '192.0.2.1', port: 8099, async fetch({ url }) {
  const path = new URL(url).pathname;
  if (path === '/moved') return Response.redirect('/file.txt', 302);
  const file = Bun.file(process.argv.at(-1) + path);
  if (!(await file.exists())) return new Response('', { status: 404 });
  return new Response(file, { headers: { 'last-modified': new Date(file.lastModified).toUTCString() } });
} });
console.log('ready');`;

async function serve(host: TestHost): Promise<Background> {
  const web = mkdtempSync(join(host.dir, 'web-'));
  write(web, { 'file.txt': 'of the web\n', 'work/top': 'top\n', 'work/sub/in': 'in\n' });
  writeFileSync(join(web, 'work/sub/Dockerfile'), 'FROM test\nCOPY . /c/\n');
  utimesSync(join(web, 'file.txt'), 1_600_000_000, 1_600_000_000);
  const script = `
    export GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_GLOBAL=/dev/null HOME=/
    cd "$1/work" && git init -q -b main . && git config user.email a@b && git config user.name n
    git add . && git commit -qm one && git tag v1 && echo later >top && git commit -qam two
    cd .. && git clone -q --bare work repo.git && cd repo.git && git update-server-info`;
  const made = await host.run(['bash', '-euc', script, 'bash', web]);
  expect(made).toMatchObject({ exitCode: 0 });
  const server = host.spawn([pinnedBun, '-e', SERVER, web], 'outside');
  await server.waitForOutput(/^ready$/m);
  return server;
}

describe('with a web server', () => {
  let server: Background;
  beforeAll(async () => {
    server = await serve(engine.host);
  });
  afterAll(async () => {
    server.kill();
    await server.exited;
  });

  test('ADD gives a file of the web the name, mode and time that BuildKit gives it', async () => {
    const sum = digestOf(Buffer.from('of the web\n'));
    const dir = folder({
      Dockerfile: `FROM test\nADD ${WEB}/file.txt /d/\nADD --checksum=${sum} --chown=3:4 ${WEB}/moved /named\n`,
    });
    await engine.ok('build', '-q', '-t', 'app', dir);
    expect(await inApp('stat -c "%n %a %u:%g %Y" /d/file.txt /named; cat /named')).toBe(
      '/d/file.txt 600 0:0 1600000000\n/named 600 3:4 1600000000\nof the web',
    );
  });

  test.each([
    [`ADD --checksum=sha256:${'0'.repeat(64)} ${WEB}/file.txt /`, 'digest mismatch'],
    [`ADD ${WEB}/nothing /`, 'invalid response status 404'],
    ['ADD --checksum=sha256:x Dockerfile /', 'invalid checksum digest format'],
    [`ADD --keep-git-dir ${WEB}/file.txt /`, 'does not go with this source'],
    [`ADD ${WEB}/repo.git#nosuch /`, 'failed to fetch the Git repository'],
    ['ADD ssh://-oProxyCommand=x/y.git /', 'failed to fetch the Git repository'],
  ])('%s is refused', async (line, words) => {
    const { stderr, exitCode } = await engine.minidock(
      'build',
      folder({ Dockerfile: `FROM test\n${line}\n` }),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(words);
  });

  test('ADD of a Git repository has the files of a commit, with its time, and .git if it is asked for', async () => {
    const dir = folder({
      Dockerfile: [
        'FROM test',
        `ADD ${WEB}/repo.git#v1 /one/`,
        `ADD ${WEB}/repo.git#main:sub /sub`,
        `ADD --keep-git-dir=true ${WEB.replace('//', '//user:sesame@')}/repo.git /kept`,
        '',
      ].join('\n'),
    });
    await engine.ok('build', '-q', '-t', 'app', dir);
    expect(
      await inApp('cat /one/top /sub/in /kept/top; stat -c %Y /one/top; ls -A /one; ls -d /kept/.git'),
    ).toBe('top\nin\nlater\n1577836800\nsub\ntop\n/kept/.git');
    expect(await inApp('grep -r sesame /kept || grep url /kept/.git/config')).toBe(`\turl = ${WEB}/repo.git`);
    expect(await engine.ok('history', '--no-trunc', 'app')).not.toContain('sesame');
    expect((await engine.ok('build', '--dry-run', '-t', 'app', dir)).length).toBeGreaterThan(0);
  });

  test('a repository and a folder of it are contexts', async () => {
    await engine.ok('build', '-q', '-t', 'app', `${WEB}/repo.git#main:sub`);
    expect(await inApp('ls /c')).toBe('Dockerfile\nin');
  });

  test('mounts that a RUN may write to, a cache that begins with files, a secret as a variable, a socket of ssh', async () => {
    const dir = folder({
      Dockerfile: [
        'FROM test AS seed',
        'RUN mkdir -p /seed/a && echo seeded >/seed/a/x',
        'FROM test',
        'RUN --mount=target=/c,rw echo new >/c/new && cat /c/f /c/new >/written',
        'RUN --mount=target=/c,rw ls /c >/again',
        'RUN --mount=type=cache,id=k,target=/k,from=seed,source=/seed/a cat /k/x >/seeded; echo y >/k/y',
        'RUN --mount=type=cache,id=k,target=/k,from=seed,source=/seed/a ls /k >/kept',
        'RUN --mount=type=secret,id=s,env=MY test "$MY" = sesame && test ! -e /run/secrets/s',
        'RUN --mount=type=ssh ls -l "$SSH_AUTH_SOCK" | cut -c1 >/ssh',
        'RUN ! env | grep sesame',
        '',
      ].join('\n'),
      f: 'f\n',
    });
    const script = `eval "$(ssh-agent)" >&2; SECRET=sesame '${MINIDOCK}' build -q --ssh default --secret id=s,env=SECRET -t app '${dir}'; kill "$SSH_AGENT_PID"`;
    const { stderr } = await engine.host.run(['bash', '-c', script], { env: engine.host.env });
    expect(stderr).not.toContain('minidock:');
    expect(await inApp('cat /written /again /seeded /kept /ssh; ls -d /c /k || true')).toBe(
      'f\nnew\nDockerfile\nf\nseeded\nx\ny\ns',
    );
  });
});
