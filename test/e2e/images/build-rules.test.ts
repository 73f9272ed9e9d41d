/** Rules of BuildKit that are easily missed; test/docker/dockerfiles.test.ts found them beside Docker. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine();
const inImage = (script: string): Promise<string> =>
  engine.ok('run', '--rm', '--entrypoint', 'sh', 'app', '-c', script);

test('variables, triggers and copies', async () => {
  const dir = mkdtempSync(join(engine.host.dir, 'rules-'));
  const context = join(dir, 'context');
  mkdirSync(context);
  for (const name of ['one', 'two', 'left-out']) writeFileSync(join(context, name), `${name}\n`);
  writeFileSync(join(context, 'one.gz'), gzipSync('no tar'));
  const dockerfile = join(dir, 'Dockerfile');
  writeFileSync(`${dockerfile}.dockerignore`, 'left-*\n');
  writeFileSync(
    dockerfile,
    `ARG GLOBAL=global
FROM test AS base
ARG INHERITED=yes
ONBUILD RUN echo triggered >/triggered
FROM base
ENV LAST=env
ARG LAST=arg
ARG GLOBAL
RUN echo "$INHERITED $LAST $GLOBAL" >/variables; ls /etc >/listing; mkdir /real; ln -s /real/name /link
COPY one /link
COPY *.nope /nothing/
ADD one.gz /added
COPY . /all/
RUN <<EOF
#!/bin/cat
EOF
`,
  );
  await engine.ok('build', '-q', '-t', 'app', '-f', dockerfile, context);
  expect(
    (await inImage('cat /variables /triggered /real/name; ls / /all; cat /listing')).split('\n'),
  ).toEqual(expect.arrayContaining(['yes arg global', 'triggered', 'one', 'added', 'one.gz', 'two']));
  expect(
    await inImage('ls -d /nothing /all/left-out 2>/dev/null; grep hostname /listing; readlink /link'),
  ).toBe('/real/name');
  expect(await engine.ok('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'app')).toMatch(
    /^RUN \|2 LAST=arg GLOBAL=global \/bin\/sh -c \/dev\/pipes\/EOF # buildkit\n[^]*\nARG GLOBAL\nARG LAST=arg\nENV LAST=env\n/,
  );
});

test.each(['bare', 'scratch'])('%s, which has no PATH, gets the one of RUNs', async (base) => {
  const dir = mkdtempSync(join(engine.host.dir, 'rules-'));
  await engine.host.run(['sh', '-c', `printf x >${dir}/x && tar -C ${dir} -cf ${dir}/bare.tar x`]);
  await engine.ok('import', join(dir, 'bare.tar'), 'bare');
  writeFileSync(join(dir, 'Dockerfile'), `FROM ${base}\nENV PATH=/own:$PATH\n`);
  await engine.ok('build', '-q', '-t', 'app', dir);
  expect(await engine.ok('image', 'inspect', '-f', '{{json .Config.Env}}', 'app')).toBe(
    '["PATH=/own:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]',
  );
  expect(await engine.ok('history', '--format', '{{.Comment}}', 'bare')).toBe('Imported from -');
});

test.each([
  ['STOPSIGNAL SIGNOPE', [], 'invalid signal: SIGNOPE'],
  ['COPY one two /to', [], 'When using COPY with more than one source file'],
  ['RUN true', ['--target', '0'], 'target stage "0" could not be found'],
])('%s %j is refused', async (line, flags, words) => {
  const context = mkdtempSync(join(engine.host.dir, 'rules-'));
  for (const name of ['one', 'two']) writeFileSync(join(context, name), name);
  writeFileSync(join(context, 'Dockerfile'), `FROM test\n${line}\n`);
  const { stderr, exitCode } = await engine.minidock('build', ...flags, context);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(words)]);
});

test('a file copied from a stage is the one that a container of it sees', async () => {
  const context = mkdtempSync(join(engine.host.dir, 'stages-'));
  const stage = `FROM test AS lower
RUN mkdir /d /gone /was /moved && for n in kept changed removed d/in gone/in was/in moved/in 't*'; do echo lower >"/$n"; done
RUN ln -s /kept /link && ln -s /d /way && ln /kept /second
FROM lower AS upper
RUN echo upper >/changed; rm /removed; rm -r /gone; rm -r /was && mkdir /was; mv /moved /new; echo upper >/two; chmod 600 /d/in
FROM test
`;
  const copied = async (source: string): Promise<string> => {
    writeFileSync(join(context, 'Dockerfile'), `${stage}COPY --from=upper "${source}" /copied\n`);
    const built = await engine.minidock('build', '-q', '-t', 'app', context);
    if (built.exitCode !== 0) return built.stderr.includes('not found') ? 'not found' : built.stderr;
    return inImage('cat /copied; stat -c %a /copied');
  };
  const found: Record<string, string> = {};
  const sources = [
    'kept',
    'changed',
    'd/in',
    'link',
    'way/in',
    'second',
    'new/in',
    'removed',
    'gone/in',
    'was/in',
  ];
  for (const source of [...sources, 'moved/in', 'kept/in', 't[w]o']) found[source] = await copied(source);
  expect(found).toEqual({
    kept: 'lower\n644',
    changed: 'upper\n644',
    'd/in': 'lower\n600',
    link: 'lower\n644',
    'way/in': 'lower\n600',
    second: 'lower\n644',
    'new/in': 'lower\n644',
    removed: 'not found',
    'gone/in': 'not found',
    'was/in': 'not found',
    'moved/in': 'not found',
    'kept/in': 'not found',
    't[w]o': 'upper\n644',
  });
});

describe('the containers of RUNs', () => {
  const contextOf = (...lines: readonly string[]): string => {
    const context = mkdtempSync(join(engine.host.dir, 'runs-'));
    writeFileSync(join(context, 'Dockerfile'), `FROM test\n${lines.join('\n')}\n`);
    return context;
  };
  const build = (context: string, ...flags: readonly string[]): ReturnType<typeof engine.minidock> =>
    engine.minidock('build', '-q', ...flags, context);

  test('are gone when the build has ended, also one that has failed', async () => {
    await engine.ok('network', 'create', 'short');
    for (const end of ['true', 'false']) {
      const { exitCode } = await build(contextOf(`RUN ${end}`), '--no-cache', '--network', 'short');
      expect([end, exitCode === 0]).toEqual([end, end === 'true']);
      expect(readdirSync(join(engine.host.root, 'containers'))).toEqual([]);
    }
    await engine.ok('network', 'rm', 'short');
  });

  test('take turns where a network has one address', async () => {
    await engine.ok('network', 'create', '--subnet', '10.9.0.0/30', 'tiny');
    const lines = ['one', 'two', 'three', 'four', 'five'].map((word) => `RUN echo ${word}`);
    expect(await build(contextOf(...lines), '--no-cache', '--network', 'tiny')).toMatchObject({
      exitCode: 0,
    });
    await engine.ok('network', 'rm', 'tiny');
  });

  test('that cannot be taken away are reported', async () => {
    const words = [MINIDOCK, 'build', '-q', '--no-cache', contextOf('RUN true')];
    const env = { ...engine.host.env, MINIDOCK_FAIL_AT: 'address.release' };
    const { exitCode, stderr } = await engine.host.run(words, { env });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('a RUN is not wholly removed')]);
    await engine.minidock('doctor', '--fix');
    expect(readdirSync(join(engine.host.root, 'containers'))).toEqual([]);
  });
});

test('as many files as one likes are copied with few descriptors', async () => {
  const context = mkdtempSync(join(engine.host.dir, 'many-'));
  const names = Array.from({ length: 300 }, (_, n) => `/f${String(n)}`);
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM test AS many\nRUN for n in $(seq 0 299); do echo $n >/f$n; done\nFROM test\nCOPY --from=many ${names.join(' ')} /all/\n`,
  );
  const limited = ['sh', '-c', 'ulimit -n 128; exec "$0" build -q -t app "$1"', MINIDOCK, context];
  expect(await engine.host.run(limited)).toMatchObject({ exitCode: 0 });
  expect(await inImage('cat /all/f* | sort -n | tail -1')).toBe('299');
});
