/** Rules of BuildKit that are easily missed; test/docker/dockerfiles.test.ts found them beside Docker. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

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
