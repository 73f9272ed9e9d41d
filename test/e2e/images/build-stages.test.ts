/** What a stage gives to a COPY --from, and what becomes of the containers of its RUNs. */
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { writeLayout } from '../../support/images/oci-layout.ts';
import { tarOf } from '../../support/images/tar-bytes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine();
const inImage = (script: string): Promise<string> =>
  engine.ok('run', '--rm', '--entrypoint', 'sh', 'app', '-c', script);

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

test('an image of one layer, which removes files that nothing below it has', async () => {
  const layout = join(engine.host.dir, 'layout');
  const layer = tarOf({ name: 'etc/conf', data: 'kept' }, { name: 'etc/.wh.gone' }, { name: '.wh.all' });
  writeLayout(layout, [{ layers: [layer] }]);
  const archive = join(engine.host.dir, 'layout.tar');
  await succeed(engine.host.run(['tar', '-C', layout, '-cf', archive, '.']));
  const [, id = ''] = /sha256:([0-9a-f]{12})/.exec(await engine.ok('load', '-i', archive)) ?? [];
  const context = mkdtempSync(join(engine.host.dir, 'one-'));
  writeFileSync(join(context, 'Dockerfile'), `FROM test\nCOPY --from=${id} / /x\n`);
  await engine.ok('build', '-q', '-t', 'app', context);
  expect(await inImage('cd /x; find . ! -type d; cat etc/conf')).toBe('./etc/conf\nkept');
});

test('a name that is too long for Linux is said, in each place', async () => {
  const long = 'n'.repeat(256);
  const context = mkdtempSync(join(engine.host.dir, 'long-'));
  writeFileSync(join(context, 'file'), '');
  for (const line of [
    `COPY ${long} /x`,
    `COPY file /${long}`,
    `WORKDIR /${long}`,
    `COPY --from=test /${long} /x`,
  ]) {
    writeFileSync(join(context, 'Dockerfile'), `FROM test\n${line}\n`);
    const { exitCode, stderr } = await engine.minidock('build', '-q', context);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('a path is too long for Linux')]);
  }
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
