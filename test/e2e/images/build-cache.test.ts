/** `--cache-to` and `--cache-from`: the cache of one machine, used by another, which here is one whose cache is gone. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { startRegistry } from '../../support/images/registry.ts';

const engine = useEngine({ keep: true });
const { ok, minidock } = engine;
let registry: Awaited<ReturnType<typeof startRegistry>>;

const UUID = 'cat /proc/sys/kernel/random/uuid';
const DOCKERFILE = `FROM test AS other
RUN ${UUID} >/other
FROM test
COPY --from=other /other /copied
RUN ${UUID} >/own
`;
const CACHED = /^#\d+ CACHED$/gm;

const ONE_STAGE = `FROM test
RUN ${UUID} >/own
RUN cp /own /copied
`;

function context(dockerfile = DOCKERFILE): string {
  const dir = mkdtempSync(join(engine.host.dir, 'context-'));
  writeFileSync(join(dir, 'Dockerfile'), dockerfile);
  return dir;
}

/** How many of its three layers are cached, what it prints else, and what the image has. */
const build = (...flags: readonly string[]): ReturnType<typeof buildOf> => buildOf(context(), ...flags);

async function buildOf(
  dir: string,
  ...flags: readonly string[]
): Promise<{ readonly cached: number; readonly said: string; readonly files: string }> {
  const { stderr, exitCode } = await minidock('build', '-t', `${registry.address}/app`, ...flags, dir);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  const files = await ok('run', '--rm', `${registry.address}/app`, 'cat', '/copied', '/own');
  return { cached: stderr.match(CACHED)?.length ?? 0, said: stderr, files };
}

async function forget(): Promise<void> {
  await ok('rmi', `${registry.address}/app`);
  await ok('builder', 'prune', '-af');
  const layers = readdirSync(join(engine.host.root, 'images/layers')).length;
  await ok('builder', 'prune', '-af');
  expect(readdirSync(join(engine.host.root, 'images/layers'))).toHaveLength(layers);
}

describe('with a registry', () => {
  beforeAll(async () => {
    registry = await startRegistry(engine.host);
  });
  afterAll(() => registry.stop());

  test('a folder and a registry keep all layers with mode=max; each is fetched for its key', async () => {
    const folder = join(engine.host.dir, 'cache');
    const ref = `${registry.address}/cache:all`;
    const first = await build(
      ...['--cache-to', `type=local,dest=${folder},mode=max`],
      ...['--cache-to', `type=registry,ref=${ref},mode=max`],
    );
    await forget();
    expect(await build('--cache-from', `type=local,src=${folder}`)).toMatchObject({
      cached: 3,
      files: first.files,
    });
    // Named again it need not be fetched; a build that does not name it trusts nobody.
    expect(await build('--cache-from', `type=local,src=${folder}`)).toMatchObject({ cached: 3 });
    expect(await build()).toMatchObject({ cached: 0 });
    await forget();
    const again = await build('--cache-from', `${registry.address}/nosuch`, '--cache-from', ref);
    expect(again).toMatchObject({ cached: 3, files: first.files });
    expect(again.said).toContain(`warning: the build cache ${registry.address}/nosuch:latest is not used:`);
    // Layers that came compressed go on as they are.
    await ok('push', '-q', `${registry.address}/app`);
    await forget();
    expect((await build('--no-cache', '--cache-from', ref)).files).not.toBe(first.files);
    await forget();
  });

  test('an image has its own layers as an inline cache', async () => {
    const name = `${registry.address}/app`;
    const dir = context(ONE_STAGE);
    const first = await buildOf(dir, '--cache-to', 'type=inline', '--push');
    await forget();
    const explained = await ok('build', '--dry-run', '--cache-from', name, dir);
    expect(explained).toContain(`cached: in the build cache ${name}:latest`);
    const again = await buildOf(dir, '--cache-from', `type=registry,ref=${name}`);
    expect(again).toMatchObject({ cached: 2, files: first.files });
    await forget();
  });

  test('what other stages were given is in no cache that is shared', async () => {
    const folder = join(engine.host.dir, 'shared');
    const dir = context(
      'FROM test AS other\nARG TOKEN\nRUN : $TOKEN\nFROM test\nCOPY --from=other /etc/passwd /p\nRUN true\n',
    );
    const flags = ['--build-arg', 'TOKEN=sesame', '--cache-to', 'type=inline'];
    await ok('build', '-q', '-t', 'app', ...flags, '--cache-to', `type=local,dest=${folder},mode=max`, dir);
    await ok('save', '-o', join(folder, 'app.tar'), 'app');
    const found = await engine.host.run(['grep', '-rl', 'sesame', folder]);
    expect([found.stdout, found.exitCode]).toEqual(['', 1]);
    await ok('rmi', 'app');
    await ok('builder', 'prune', '-af');
  });

  test('what is not what its digest says is not used', async () => {
    const folder = join(engine.host.dir, 'wrong');
    const first = await build('--cache-to', `type=local,dest=${folder},mode=max`);
    await forget();
    const blobs = join(folder, 'blobs/sha256');
    const index = JSON.parse(await readText(join(folder, 'index.json'))) as {
      manifests: { digest: string }[];
    };
    const hex = (digest: string): string => digest.slice('sha256:'.length);
    const manifest = JSON.parse(await readText(join(blobs, hex(index.manifests[0]?.digest ?? '')))) as {
      layers: { digest: string; size: number }[];
    };
    for (const { digest, size } of manifest.layers)
      writeFileSync(join(blobs, hex(digest)), Buffer.alloc(size));
    const { cached, said, files } = await build('--cache-from', `type=local,src=${folder}`);
    expect(cached).toBe(0);
    expect(said).toContain('warning: a layer of the build cache');
    expect(files).not.toBe(first.files);
    rmSync(join(folder, 'index.json'));
    symlinkSync('/dev/zero', join(folder, 'index.json'));
    expect((await build('--no-cache', '--cache-from', `type=local,src=${folder}`)).said).toContain(
      'is not used',
    );
    await forget();
  });

  test('a cache that cannot be written fails the build, or warns', async () => {
    const dest = `type=local,dest=/proc/nosuch`;
    const { stderr, exitCode } = await minidock('build', '--cache-to', dest, context());
    expect(stderr).toContain('the build cache could not be written to /proc/nosuch');
    expect(exitCode).toBe(1);
    await ok('build', '-q', '--cache-to', `${dest},ignore-error=true`, context());
  });

  test.each([
    ['--cache-from', 'type=gha', 'type=gha is not supported: registry, local are'],
    ['--cache-to', 'type=s3,bucket=x', 'type=s3 is not supported: inline, registry, local are'],
    ['--cache-to', 'type=local', 'needs dest='],
    ['--cache-to', 'type=registry,ref=x,mode=most', 'invalid mode "most"'],
    ['--cache-to', 'type=inline,mode=max', 'is not supported'],
    ['--cache-from', 'type=local,src=x,tag=y', 'type=local,tag is not supported'],
  ])('%s %s is refused', async (flag, value, words) => {
    const { stderr, exitCode } = await minidock('build', flag, value, context());
    expect(stderr).toContain(words);
    expect(exitCode).toBe(125);
  });
});

const readText = async (path: string): Promise<string> => (await engine.host.run(['cat', path])).stdout;
