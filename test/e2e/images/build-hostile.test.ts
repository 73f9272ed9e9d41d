/** `build` with contexts, stages and servers that mean harm, and with builds that are killed or pruned meanwhile. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { pinnedBun } from '../../support/bun.ts';
import { useEngine } from '../../support/engine.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine();

function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(engine.host.dir, 'context-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const dockerfile = (...lines: readonly string[]): string =>
  folder({ Dockerfile: ['FROM test', ...lines, ''].join('\n') });

const inApp = (script: string): Promise<string> => engine.ok('run', '--rm', 'app', 'sh', '-c', script);

const temporary = (): readonly string[] => readdirSync(join(engine.host.root, 'images/tmp'));

test('what is mounted in a leftover of a killed build is not emptied with it', async () => {
  const mounted = join(engine.host.root, 'images/tmp/1.1.1/overlay');
  const dir = folder({ file: 'kept' });
  await engine.host.run(['mkdir', '-p', mounted]);
  await engine.host.run(['mount', '--bind', dir, mounted]);
  try {
    await engine.ok('build', '-q', dockerfile());
    expect(readdirSync(dir)).toEqual(['file']);
  } finally {
    await engine.host.run(['umount', mounted]);
  }
  await engine.ok('build', '-q', dockerfile());
  expect(temporary()).toEqual([]);
});

test('a cache mount that a RUN uses is not pruned', async () => {
  const use =
    'RUN --mount=type=cache,target=/c touch /c/here; until test -e /c/go; do sleep 0.1; done; echo end >/c/end';
  const building = engine.host.spawn([MINIDOCK, 'build', dockerfile(use)]);
  const mounts = join(engine.host.root, 'build/mounts');
  const data = (): readonly string[] =>
    existsSync(mounts)
      ? readdirSync(mounts)
          .map((id) => join(mounts, id, 'data'))
          .filter((dir) => existsSync(join(dir, 'here')))
      : [];
  const dir = await engine.host.waitFor(() => data()[0], 'the RUN to begin');
  expect(await engine.ok('builder', 'du')).toMatch(/^[0-9a-f]{25} +false /m);
  await engine.ok('builder', 'prune', '-af');
  writeFileSync(join(dir, 'go'), '');
  expect(await building.exited).toBe(0);
  expect(existsSync(join(dir, 'end'))).toBe(true);
  await engine.ok('builder', 'prune', '-af');
  expect(readdirSync(mounts)).toEqual(['lock']);
});

/** Its file cannot be opened until the handler has changed the link beside it. */
const LEASE = `
my ($file, $link) = @ARGV;
open(my $held, '+<', $file) or die $!;
$SIG{IO} = sub { unlink $link; symlink 'two', $link; fcntl($held, 1024, 2); exit };
fcntl($held, 1024, 1) or die $!;
$| = 1; print "ready\\n"; sleep 100;`;

test('a link that changes between its digest and its copy is no layer', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nCOPY files /d/\n', 'files/last': 'x' });
  symlinkSync('one', join(dir, 'files/a'));
  const holder = engine.host.spawn(['perl', '-e', LEASE, join(dir, 'files/last'), join(dir, 'files/a')]);
  await holder.waitForOutput(/^ready$/m);
  const { stderr, exitCode } = await engine.minidock('build', dir);
  expect(stderr).toContain('was changed while it was copied');
  expect(exitCode).toBe(1);
  await engine.ok('build', '-q', '-t', 'app', dir);
  expect(await inApp('readlink /d/a')).toBe('two');
});

test('links of a layer do not lead to the host where mount points are looked for', async () => {
  await engine.ok(
    'build',
    '-q',
    ...['-t', 'app'],
    dockerfile(
      'RUN ln -s / /host && ln -s loop /loop',
      'RUN rm /host /loop && mkdir /host /loop',
      'RUN --mount=type=tmpfs,target=/host/usr --mount=type=tmpfs,target=/loop/x true',
    ),
  );
  expect(await inApp('ls -A /host /loop')).toBe('/host:\n\n/loop:');
});

test('the next build removes secrets of a killed one', async () => {
  const held = join(engine.host.runDir, 'build');
  const dir = dockerfile('RUN --mount=type=secret,id=s echo begun && sleep 1000');
  const secret = join(folder({ s: 'sesame' }), 's');
  const building = engine.host.spawn([MINIDOCK, 'build', '--secret', `id=s,src=${secret}`, dir]);
  await building.waitForOutput(/^#\d+ [0-9.]+ begun$/m);
  expect(readdirSync(held)).toHaveLength(1);
  building.kill('SIGKILL');
  await building.exited;
  await engine.ok('build', '-q', dockerfile());
  expect(readdirSync(held)).toEqual([]);
  await engine.host.waitFor(
    () => readdirSync(join(engine.host.root, 'containers')).length === 0,
    'the end of its container',
  );
});

test('a secret that is a variable is in no file', async () => {
  const dir = dockerfile(
    'RUN --mount=type=secret,id=s,env=MY test "${#MY}" = 11 && echo begun && until test -e /go; do sleep 0.1; done',
  );
  const argv = [MINIDOCK, 'build', '--secret', 'id=s,env=SECRET', dir];
  const building = engine.host.spawn(['env', 'SECRET=open-sesame', ...argv]);
  await building.waitForOutput(/^#\d+ [0-9.]+ begun$/m);
  const { stdout } = await engine.host.run([
    'grep',
    '-rl',
    'open-sesame',
    engine.host.root,
    engine.host.runDir,
  ]);
  expect(stdout).toBe('');
  building.kill('SIGINT');
  expect(await building.exited).toBe(130);
  await engine.host.waitFor(
    () => readdirSync(join(engine.host.root, 'containers')).length === 0,
    'the end of its container',
  );
});

test("a tmpfs's size is part of the key", async () => {
  const size = async (text: string): Promise<string> => {
    const run = `RUN --mount=type=tmpfs,target=/t,size=${text} df -k /t | tail -1 | awk '{print $2}' >/size`;
    await engine.ok('build', '-q', '-t', 'app', dockerfile(run));
    return inApp('cat /size');
  };
  expect([await size('1m'), await size('2m')]).toEqual(['1024', '2048']);
});

const ENDLESS = `
Bun.serve({ hostname: '192.0.2.1', port: 8098, fetch: () => new Response(new ReadableStream({
  async pull(to) { to.enqueue(new Uint8Array(1 << 20)); await Bun.sleep(5); },
})) });
console.log('ready');`;

test('an endless body shows, ends with Ctrl+C, and leaves nothing', async () => {
  const server = engine.host.spawn([pinnedBun, '-e', ENDLESS], 'outside');
  await server.waitForOutput(/^ready$/m);
  const building = engine.host.spawn([MINIDOCK, 'build', dockerfile('ADD http://192.0.2.1:8098/x /')]);
  await building.waitForOutput(/^#\d+ [0-9.]+ http:\/\/192.0.2.1:8098\/x: \d+ MB so far$/m);
  building.kill('SIGINT');
  const status = await building.exited;
  server.kill();
  await server.exited;
  expect(status).toBe(130);
  expect(temporary()).toEqual([]);
});

const SILENT = `
Bun.listen({ hostname: '192.0.2.1', port: 8097, socket: { open: () => console.log('asked'), data() {} } });
console.log('ready');`;

test.each([
  ['ADD', ['ADD http://192.0.2.1:8097/x.git /'], undefined],
  ['a context', [], 'http://192.0.2.1:8097/x.git'],
])('git of %s, from a silent server, ends with Ctrl+C and its helpers', async (_, lines, context) => {
  const server = engine.host.spawn([pinnedBun, '-e', SILENT], 'outside');
  await server.waitForOutput(/^ready$/m);
  const building = engine.host.spawn([MINIDOCK, 'build', context ?? dockerfile(...lines)]);
  await server.waitForOutput(/^asked$/m);
  building.kill('SIGINT');
  const status = await building.exited;
  const { processes } = await engine.host.snapshot();
  server.kill();
  await server.exited;
  expect(status).toBe(130);
  expect(processes.filter((words) => words.includes('git'))).toEqual([]);
  expect(temporary()).toEqual([]);
});

test('with SOURCE_DATE_EPOCH a file has one time, in its blob and on the disk', async () => {
  const dir = dockerfile('RUN mkdir /e && touch /e/file && ln -s x /e/link');
  const argv = ['env', 'SOURCE_DATE_EPOCH=1600000000', MINIDOCK, 'build', '-q', '-t', 'app', dir];
  await engine.host.run(argv, { env: engine.host.env });
  const times = 'stat -c %Y /e /e/file /e/link';
  expect(await inApp(times)).toBe(Array(3).fill('1600000000').join('\n'));
  const archive = join(engine.host.dir, 'app.tar');
  await engine.ok('save', '-o', archive, 'app');
  await engine.ok('builder', 'prune', '-af');
  await engine.ok('rmi', 'app');
  await engine.ok('load', '-i', archive);
  expect(await inApp(times)).toBe(Array(3).fill('1600000000').join('\n'));
  execFileSync('rm', [archive]);
});
