/** `build`: what a Dockerfile makes is looked at in containers of the image, and on the host where it must leave nothing. */
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import type { RunResult } from '../../support/host/processes.ts';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine();

function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(engine.host.dir, 'context-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const build = (files: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<RunResult> =>
  engine.minidock('build', ...flags, folder(files));

async function built(files: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<string> {
  const { stderr, exitCode } = await build(files, '-t', 'app', ...flags);
  expect({ stderr: exitCode === 0 ? '' : stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stderr;
}

const inImage = (script: string): Promise<string> =>
  engine.ok('run', '--rm', '--entrypoint', 'sh', 'app', '-c', script);

test('stages, variables, copies and configuration', async () => {
  await built(
    {
      Dockerfile: `ARG BASE=nosuch
FROM \${BASE} AS make
ARG WHAT=nothing
WORKDIR /w
RUN echo "$WHAT" > made
FROM test
ENV A=1 B="$NOT set"
COPY --from=make --chown=3:4 --chmod=640 /w/made /out/
COPY dir /to/
EXPOSE 80
LABEL a=b
ENTRYPOINT ["sh", "-c"]
CMD ["cat /out/made"]
`,
      'dir/kept': 'kept',
      'dir/left.o': 'left out',
      '.dockerignore': '**/*.o\n',
    },
    ...['--build-arg', 'BASE=test', '--build-arg', 'WHAT=something', '--label', 'c=d'],
  );
  expect(await engine.ok('run', '--rm', 'app')).toBe('something');
  expect(await inImage('stat -c "%u %g %a" /out /out/made; ls /to; echo "$A$B"')).toBe(
    '3 4 755\n3 4 640\nkept\n1 set',
  );
  const config = JSON.parse(await engine.ok('image', 'inspect', '-f', '{{json .Config}}', 'app'));
  expect(config).toMatchObject({ ExposedPorts: { '80/tcp': {} }, Labels: { a: 'b', c: 'd' } });
});

test('what is unchanged comes from the cache, and a changed file does not', async () => {
  const dockerfile = 'FROM test\nRUN date +%N > /first\nCOPY a /a\nRUN cat /proc/uptime > /second\n';
  const text = 'cat /first /second';
  await built({ Dockerfile: dockerfile, a: 'one' });
  const before = (await inImage(text)).split('\n');
  const id = await engine.ok('image', 'inspect', '-f', '{{.Id}}', 'app');
  // Another folder, other times: the same contents.
  expect(await built({ Dockerfile: dockerfile, a: 'one' })).toMatch(/CACHED[^]*CACHED[^]*CACHED/);
  expect(await engine.ok('image', 'inspect', '-f', '{{.Id}}', 'app')).toBe(id);
  // The cache outlives its image.
  await engine.ok('rmi', 'app');
  await built({ Dockerfile: dockerfile, a: 'one' });
  expect((await inImage(text)).split('\n')).toEqual(before);
  await built({ Dockerfile: dockerfile, a: 'two' });
  const [first, second] = (await inImage(text)).split('\n');
  expect(first).toBe(before[0]);
  expect(second).not.toBe(before[1]);
});

test('flags of BuildKit that ask for nothing are taken, others refused', async () => {
  await built(
    { Dockerfile: 'FROM test\n' },
    '--rm',
    '--compress',
    '--provenance=false',
    '--builder',
    'default',
  );
  const { stderr, exitCode } = await build({ Dockerfile: 'FROM test\n' }, '--sbom', 'true');
  expect(stderr).toContain('--sbom true is not supported: minidock writes no attestations');
  expect(exitCode).toBe(125);
});

test("a here-document's name is no option of a mount", async () => {
  const name = 'x,src=/,dst=/h';
  const script = `mkdir -p '/p/x,src=/,dst=' && printf '#!/bin/sh\\nls /h\\n' >'/p/${name}' && chmod 755 '/p/${name}'`;
  const { stderr } = await build({
    Dockerfile: `FROM test AS s\nRUN ${script}\nFROM test\nRUN --mount=type=bind,from=s,source=/p,target=/dev/pipes <<${name}\n#!/bin/sh\nls /h && echo REACHED\n${name}\n`,
  });
  expect(stderr).toMatch(/^#\d+ [0-9.]+ ls: \/h: No such file or directory$/m);
});

test('a failing RUN shows its line and its output, and leaves no container', async () => {
  const { stderr, exitCode } = await build({ Dockerfile: 'FROM test\nRUN echo words && exit 7\n' });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('words');
  expect(stderr).toContain('2 | >>> RUN echo words && exit 7');
  expect(stderr).toContain('exit code: 7');
  expect(await engine.ok('ps', '-aq')).toBe('');
});

test('here-documents and mounts; a secret is in no layer, and in no history', async () => {
  const secret = join(folder({ s: 'sesame' }), 's');
  await built(
    {
      Dockerfile: `FROM test
RUN <<EOF
echo one > /one
wc -c < /one > /two
EOF
COPY <<"QUOTED" <<PLAIN /docs/
$A
QUOTED
$A-
PLAIN
RUN --mount=type=secret,id=s --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=bind,target=/b \\
  wc -c < /run/secrets/s > /length && cat /b/file > /c/kept && touch /t/gone
RUN --mount=type=cache,target=/c cp /c/kept /kept
`,
      file: 'bound',
    },
    ...['--secret', `id=s,src=${secret}`],
  );
  expect(await inImage('cat /one /two /docs/QUOTED /docs/PLAIN /length /kept')).toBe(
    'one\n4\n$A\n-\n6\nbound',
  );
  expect((await inImage('ls /')).split('\n').filter((name) => ['c', 't', 'b', 'run'].includes(name))).toEqual(
    [],
  );
  expect(await engine.ok('history', '--no-trunc', 'app')).not.toContain('sesame');
});

test('directives that change nothing here are noted', async () => {
  const dir = folder({ Dockerfile: '# syntax=example.org/other:2\nFROM test\n' });
  const { exitCode, stderr } = await engine.minidock('build', dir);
  expect(exitCode).toBe(0);
  expect(stderr).toContain('note: "# syntax=example.org/other:2" is ignored');
});

test('links of a stage and of the context lead nowhere on the host', async () => {
  writeFileSync(join(engine.host.dir, 'outside'), 'of the host');
  const dir = folder({ Dockerfile: 'FROM test\nCOPY link /copied\n', file: 'inside' });
  symlinkSync(join(engine.host.dir, 'outside'), join(dir, 'link'));
  expect(await engine.minidock('build', dir)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not found') as unknown,
  });
  writeFileSync(join(dir, 'Dockerfile'), 'FROM test\nRUN ln -s / /up\nCOPY file /up/made/by-build\n');
  await engine.ok('build', '-t', 'app', dir);
  expect(await inImage('cat /made/by-build')).toBe('inside');
});

test.each([['--network=host'], ['--allow=network.host']])(
  "the host's network for RUN by %s",
  async (flag) => {
    await built({ Dockerfile: 'FROM test\nRUN --network=host readlink /proc/self/ns/net >/net\n' }, flag);
    const { stdout } = await engine.host.run(['readlink', '/proc/self/ns/net']);
    expect(`${await inImage('cat /net')}\n`).toBe(stdout);
  },
);

test("a RUN's container is no user's; it ends with a killed build, and the next one clears what is left", async () => {
  const containers = (): readonly string[] => readdirSync(join(engine.host.root, 'containers'));
  const tmp = join(engine.host.root, 'images', 'tmp');
  const dir = folder({ Dockerfile: 'FROM test\nRUN echo begun && sleep 1000\n' });
  const running = engine.host.spawn([MINIDOCK, 'build', dir]);
  await running.waitForOutput(/^#\d+ [0-9.]+ begun$/m);
  const [id = ''] = containers();
  const [name = ''] = readdirSync(join(engine.host.root, 'names'));
  expect(await engine.ok('ps', '-aq')).toBe('');
  for (const called of [id, id.slice(0, 12), name])
    expect((await engine.minidock('rm', '-f', called)).stderr).toContain(`No such container: ${called}`);
  running.kill('SIGKILL');
  await engine.host.waitFor(() => containers().length === 0, 'its end');
  await engine.host.waitFor(async () => {
    await built({ Dockerfile: 'FROM test\n' });
    return readdirSync(tmp).length === 0;
  }, 'nothing to be left');
  const events = await engine.ok('events', '--since', '1m', '--until', '0s', '--format', '{{json .}}');
  expect(events).not.toContain(id);
});

test('a leftover that cannot be removed does not stop a build', async () => {
  const held = join(engine.host.root, 'images', 'tmp', '1.1.1');
  await engine.host.run(['mkdir', '-p', held]);
  await engine.host.run(['mount', '-t', 'tmpfs', 'tmpfs', held]);
  try {
    await built({ Dockerfile: 'FROM test\nCOPY Dockerfile /\n' });
  } finally {
    await engine.host.run(['umount', held]);
  }
});

test.each([
  ['COPY nofile /', '"/nofile": not found'],
  ['RUN --security=insecure true', '--security is not supported'],
  ['RUN --network=host true', 'network.host is not allowed'],
  ['RUN --mount=type=bind,source=${COMMA},target=/mnt true', 'not supported'],
  ['RUN --mount=type=bind,rw,source=${COMMA},target=/mnt true', 'not supported'],
  ['RUN --mount=type=cache,source=${COMMA},from=test,target=/mnt true', 'not supported'],
  ['NOPE', 'unknown instruction: NOPE'],
  ['RUN ["nosuch"]', 'executable file not found'],
])('%s is refused with its line', async (line, words) => {
  const { stderr, exitCode } = await build({ Dockerfile: `FROM test\nARG COMMA=x,src=y\n${line}\n` });
  expect(exitCode).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr).toContain(`>>> ${line}`);
});

test('ADD extracts a local archive, COPY does not', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nADD a.tar /added/\nCOPY a.tar /copied/\n', in: 'content' });
  await engine.host.run(['tar', '-C', dir, '-cf', join(dir, 'a.tar'), 'in']);
  await engine.ok('build', '-t', 'app', dir);
  expect(await inImage('cat /added/in; ls /copied')).toBe('contenta.tar');
});

test('SOURCE_DATE_EPOCH makes the same image again', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nWORKDIR /x\nCOPY Dockerfile .\nRUN echo x > /x/y\n' });
  const id = async (): Promise<string> => {
    const argv = ['env', 'SOURCE_DATE_EPOCH=1700000000', MINIDOCK, 'build', '-q', '--no-cache', dir];
    return (await engine.host.run(argv, { env: engine.host.env })).stdout;
  };
  const first = await id();
  expect(first).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(await id()).toBe(first);
});

test('an image from scratch has what BuildKit gives it', async () => {
  await built({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
  expect(JSON.parse(await engine.ok('image', 'inspect', '-f', '{{json .Config}}', 'app'))).toMatchObject({
    WorkingDir: '/',
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  });
});

test('system df counts what builds have kept', async () => {
  await engine.ok('builder', 'prune', '-af');
  await built({ Dockerfile: 'FROM test\nRUN head -c 12345 /dev/zero >/zeros\n' });
  await engine.ok('rmi', 'app');
  const row = await engine.ok(
    'system',
    'df',
    '--format',
    '{{.Type}}:{{.TotalCount}} {{.Size}} {{.Reclaimable}}',
  );
  expect(row).toMatch(/^Build Cache:1 12.35kB 12.35kB/m);
  expect(await engine.ok('system', 'df', '-v')).toMatch(
    /Build cache usage: 12.35kB\n\nCACHE ID.*\n[0-9a-f]{12} +regular +12.35kB .* false$/m,
  );
});

test('builder prune -a forgets the cache and keeps the images', async () => {
  const files = { Dockerfile: 'FROM test\nRUN head -c 100000 /dev/zero > /zeros\n' };
  await built(files);
  await built({ Dockerfile: 'FROM test\nRUN head -c 200000 /dev/zero > /more\n' });
  await engine.ok('build', '-t', 'kept', folder(files));
  const layers = (): number => readdirSync(join(engine.host.root, 'images', 'layers')).length;
  const before = layers();
  await engine.ok('rmi', 'app');
  expect(layers()).toBe(before);
  expect(await engine.ok('builder', 'prune', '-a', '-f')).toContain('Total reclaimed space:');
  expect(layers()).toBeLessThan(before);
  expect(readdirSync(join(engine.host.root, 'build', 'cache'))).toEqual([]);
  expect(await engine.ok('run', '--rm', 'kept', 'stat', '-c', '%s', '/zeros')).toBe('100000');
  expect(await built(files)).not.toContain('CACHED');
});

test('--check reports warnings and builds nothing; error=true refuses a build with them', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nRUN exit 1\nMAINTAINER me\n' });
  const checked = await engine.minidock('build', '--check', dir);
  expect(checked.exitCode).toBe(1);
  expect(checked.stdout).toContain('WARNING: MaintainerDeprecated - https://');
  const { stderr } = await build({ Dockerfile: '# check=error=true\nFROM test\nMAINTAINER me\n' });
  expect(stderr).toContain('lint violation found for rules: MaintainerDeprecated');
});

test('--explain and --dry-run say what is cached, and why not', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nCOPY f /\nRUN echo explained\n', f: '1' });
  expect(await engine.ok('build', '--dry-run', dir)).toContain('would be carried out: ');
  await engine.ok('build', '-q', dir);
  expect((await engine.ok('build', '--dry-run', dir)).match(/ cached: the same/g)).toHaveLength(2);
  writeFileSync(join(dir, 'f'), '2');
  const { stderr } = await engine.minidock('build', '--explain', dir);
  expect(stderr).toContain('carried out: what it copies is not what the layer in the cache has');
});

test('builder du lists layers and cache mounts; prune removes those that its filters name', async () => {
  await engine.ok('builder', 'prune', '-af');
  await built({
    Dockerfile: 'FROM test\nRUN --mount=type=cache,target=/k echo k >/k/k\nCOPY Dockerfile /\n',
  });
  const listed = await engine.ok('builder', 'du');
  expect(listed).toMatch(/^[0-9a-f]{25} +true +\d+B\* +/m);
  expect(listed.split('\n').filter((line) => /^[0-9a-f]{25}/.test(line))).toHaveLength(3);
  expect(await engine.ok('builder', 'du', '--verbose', '--filter', 'type=exec.cachemount')).toContain(
    'exec.cachemount',
  );
  await engine.ok('builder', 'prune', '-af', '--filter', 'type=exec.cachemount');
  expect(await engine.ok('buildx', 'du', '--filter', 'type=exec.cachemount')).not.toMatch(/^[0-9a-f]{25}/m);
  await engine.ok('builder', 'prune', '-af', '--filter', 'description=COPY');
  const left = await engine.ok('builder', 'du', '--verbose');
  expect(left).toContain('RUN ');
  expect(left).not.toContain('COPY ');
});
