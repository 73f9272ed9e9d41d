/** `build --output` and what goes with it, and `--build-context`. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { startRegistry } from '../../support/images/registry.ts';

const engine = useEngine({ keep: true });
const { ok, minidock } = engine;

function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(engine.host.dir, 'context-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

test('files go into a folder and into an archive, and no image is kept', async () => {
  const dir = folder({
    Dockerfile: 'FROM scratch\nCOPY f /d/\nCOPY --chown=5:6 --chmod=4755 f /tool\n',
    f: 'content',
  });
  const images = await ok('images', '-aq');
  const [out, tar] = [join(dir, 'out'), join(dir, 'sub/out.tar')];
  await ok('build', '-q', '-o', out, '-o', `type=tar,dest=${tar}`, dir);
  expect(readFileSync(join(out, 'd/f'), 'utf8')).toBe('content');
  const { mode, uid } = statSync(join(out, 'tool'));
  expect([mode & 0o7777, uid]).toEqual([0o755, 0]);
  const { stdout } = await engine.host.run(['tar', 'tvf', tar]);
  expect(stdout).toMatch(/^-rwsr-xr-x 5\/6 +7 .* tool$/m);
  expect(await ok('images', '-aq')).toBe(images);
});

test('an OCI layout has the annotations, and is a build context', async () => {
  const dir = folder({ Dockerfile: 'FROM test\nLABEL a=b\n' });
  const layout = join(dir, 'layout');
  await ok('build', '-q', '--annotation', 'by=me', '-t', 'x', '-o', `type=oci,dest=${layout},tar=false`, dir);
  const blobs = join(layout, 'blobs/sha256');
  const documents = readdirSync(blobs).filter((name) => statSync(join(blobs, name)).size < 10_000);
  expect(documents.map((name) => readFileSync(join(blobs, name), 'utf8')).join('\n')).toContain(
    '"annotations":{"by":"me"}',
  );
  const next = folder({ Dockerfile: 'FROM lay\n' });
  await ok('build', '-q', '-t', 'next', '--build-context', `lay=oci-layout://${layout}`, next);
  expect(await ok('inspect', '-f', '{{.Config.Labels}}', 'next')).toBe('map[a:b]');
});

test('--push sends the image with its annotations, and its digest is in the metadata', async () => {
  const registry = await startRegistry(engine.host);
  try {
    const dir = folder({ Dockerfile: 'FROM test\nLABEL c=d\n' });
    const name = `${registry.address}/app:1`;
    const metadata = join(dir, 'metadata.json');
    await ok('build', '-q', '--push', '--annotation', 'by=me', '--metadata-file', metadata, '-t', name, dir);
    const written = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>;
    expect(written['image.name']).toBe(name);
    const manifest = await ok('manifest', 'inspect', name);
    expect(JSON.parse(manifest)).toMatchObject({ annotations: { by: 'me' } });
    await ok('pull', '-q', `${registry.address}/app@${written['containerimage.digest'] ?? ''}`);
  } finally {
    await registry.stop();
  }
});

test.each([
  [['--push'], 'tag is needed when pushing to registry'],
  [['-o', 'type=foo,dest=x'], 'exporter "foo" could not be found'],
  [['-o', 'type=local'], 'dest is required for local exporter'],
  [['--annotation', 'index:a=b'], 'is not supported'],
  [['--build-context', 'a=https://x'], 'is not supported'],
])('%j is refused before the build', async (flags, words) => {
  const { stderr, exitCode } = await minidock(
    'build',
    ...flags,
    folder({ Dockerfile: 'FROM test\nRUN false\n' }),
  );
  expect(exitCode).toBeGreaterThan(0);
  expect(stderr).toContain(words);
});

test('a folder with a name goes before an image; --no-cache-filter makes a stage and what is built on it again', async () => {
  const other = folder({ f: 'other', skip: 'x', '.dockerignore': 'skip' });
  const line = 'RUN cat /proc/sys/kernel/random/uuid >';
  const dir = folder({
    Dockerfile: `FROM test AS base\n${line} /base\nFROM base AS mid\n${line} /mid\nFROM mid\nCOPY --from=configured . /c/\n${line} /last\n`,
  });
  const files = async (...flags: readonly string[]): Promise<readonly string[]> => {
    await ok('build', '-q', '-t', 'named', '--build-context', `configured=${other}`, ...flags, dir);
    return (await ok('run', '--rm', 'named', 'sh', '-c', 'cat /base /mid /last; ls /c')).split('\n');
  };
  const [base, mid, last, ...names] = await files();
  expect(names).toEqual(['f']);
  const again = await files('--no-cache-filter', 'mid');
  expect(again[0]).toBe(base);
  expect(again[1]).not.toBe(mid);
  expect(again[2]).not.toBe(last);
  expect(existsSync(join(other, 'skip'))).toBe(true);
});
