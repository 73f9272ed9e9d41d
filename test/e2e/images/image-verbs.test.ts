/** `images` with its filters and as a tree, `rmi` and `image prune`, by what is there afterwards. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';

const engine = useEngine();
const { minidock, ok } = engine;

describe('images --tree', () => {
  test('each image with its names, its platform and who uses it', async () => {
    await ok('tag', 'test', 'other/name:v1');
    await ok('create', '--name', 'user', 'configured', 'true');
    const text = await ok('images', '--tree');
    const [head, ...lines] = text.split('\n');
    expect(head).toMatch(/^IMAGE +ID {13}DISK USAGE {3}CONTENT SIZE {3}USED$/);
    expect(lines).toContain('test:latest');
    expect(lines.filter((line) => line.startsWith('└─ linux/'))).toHaveLength(2);
    expect(lines.find((line) => line.startsWith('configured:latest'))).toMatch(/B {3,}[\d.]+[kM]B {4}✔$/);
    expect(lines.find((line) => line.startsWith('other/name:v1'))).toMatch(
      /^other\/name:v1 +[0-9a-f]{12} +\S+B +\S+B$/,
    );
    expect(await ok('images', '--tree', '-f', 'reference=other/*')).not.toContain('configured');
    await ok('rmi', 'other/name:v1');
  });

  test.each([
    ['-q', '--quiet'],
    ['--no-trunc', '--no-trunc'],
    ['--digests', '--show-digest'],
    ['--format=x', '--format'],
  ])('refused beside %s', async (flag, word) => {
    const { exitCode, stderr } = await minidock('images', '--tree', flag);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${word} is not yet supported with --tree`);
  });
});

test('images: a name that is none in a filter', async () => {
  const { exitCode, stderr } = await minidock('images', '-f', 'before=A b');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('invalid reference format');
});

describe('several platforms', () => {
  const layer = (text: string): Buffer => tarOf('which', text);
  const CONFIG = { Cmd: ['/which'] };

  /** An archive with an index of two platforms; `own` is this machine's. */
  async function archive(name: string, ...platforms: readonly string[]): Promise<string> {
    const dir = join(engine.host.dir, name);
    writeLayout(
      dir,
      platforms.map((platform) => ({ layers: [layer(platform)], platform, config: CONFIG })),
    );
    const index = join(dir, 'index.json');
    writeFileSync(
      index,
      readFileSync(index, 'utf8').replace(
        '"org.opencontainers.image.ref.name":"latest"',
        `"io.containerd.image.name":"docker.io/library/${name}:1"`,
      ),
    );
    await succeed(engine.host.run(['tar', '-cf', `${dir}.tar`, '-C', dir, '.']));
    return `${dir}.tar`;
  }
  const own = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
  const other = own === 'linux/arm64' ? 'linux/amd64' : 'linux/arm64';
  const platformOf = (name: string): Promise<string> =>
    ok('inspect', '--type', 'image', '-f', '{{.Os}}/{{.Architecture}}', name);

  test('load takes the one that fits and names the others; --platform chooses', async () => {
    const path = await archive('multi', 'linux/s390x', other, own);
    const loaded = await minidock('load', '-i', path);
    expect(loaded.stdout).toBe('Loaded image: multi:1\n');
    expect(loaded.stderr).toBe(
      `Loaded for ${own}; the archive also has linux/s390x, ${other} (--platform chooses)\n`,
    );
    expect(await platformOf('multi:1')).toBe(own);
    expect((await minidock('load', '-q', '-i', path)).stderr).toBe('');
    await ok('load', '-i', path, '--platform', 'linux/s390x');
    expect(await platformOf('multi:1')).toBe('linux/s390x');
    const { exitCode, stderr } = await minidock('load', '-i', path, '--platform', 'linux/riscv64');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has no image for linux/riscv64');
    expect((await minidock('load', '-i', path, '--platform', 'a/b/c/d')).stderr).toContain('a/b/c/d');
    await ok('rmi', '-f', 'multi:1');
  });

  test('save writes the one that is here, and refuses others; load --platform of what save wrote', async () => {
    const path = join(engine.host.dir, 'saved.tar');
    await ok('save', '--platform', own, '-o', path, 'test');
    expect(await ok('load', '-i', path, '--platform', own)).toBe('Loaded image: test:latest');
    expect((await minidock('load', '-i', path, '--platform', other)).stderr).toContain(
      `it has no image for ${other}, but for ${own}`,
    );
    const { exitCode, stderr } = await minidock('save', '--platform', other, '-o', path, 'test');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`test:latest was found but its platform (${own}) does not match the specified`);
  });
});

describe('parents', () => {
  const make = async (from: string, to: string): Promise<string> => {
    await ok('run', '--name', 'build', from, 'touch', `/${to}`);
    const id = await ok('commit', 'build', to);
    await ok('rm', 'build');
    return id;
  };
  const idOf = (name: string): Promise<string> => ok('inspect', '--type', 'image', '-f', '{{.Id}}', name);

  test('are named by inspect, kept while a child needs them, and go with the last one', async () => {
    // Of the tests above.
    await ok('image', 'prune', '-f');
    const [first, second, third] = [
      await make('test', 'one'),
      await make('one', 'two'),
      await make('one', 'three'),
    ];
    expect(await ok('inspect', '--type', 'image', '-f', '{{.Parent}}', 'one', 'two')).toBe(
      `${await idOf('test')}\n${first}`,
    );
    expect((await minidock('rmi', '-f', first)).stderr).toContain(
      'unable to delete ' + first.slice(7, 19) + ' (cannot be forced) - image has dependent child images',
    );
    expect(await ok('rmi', 'one')).toBe('Untagged: one:latest');
    expect(await ok('images', '-q')).not.toContain(first.slice(7, 19));
    expect(await ok('images', '-aq')).toContain(first.slice(7, 19));
    expect(await ok('image', 'prune', '-f')).not.toContain('deleted');
    expect(await ok('rmi', 'two')).toContain(`Deleted: ${second}`);
    expect(await ok('images', '-aq')).toContain(first.slice(7, 19));
    expect((await ok('rmi', third)).split('\n').slice(0, 3)).toEqual([
      'Untagged: three:latest',
      `Deleted: ${third}`,
      `Deleted: ${first}`,
    ]);
  });

  test('an image that is removed by force leaves a stopped container its layers, until that is gone', async () => {
    const id = await make('test', 'held');
    await ok('create', '--name', 'holder', 'held', 'ls', '/held');
    expect(await ok('rmi', '-f', 'held')).toBe(`Untagged: held:latest\nDeleted: ${id}`);
    expect(await ok('image', 'prune', '-f')).not.toContain('deleted');
    expect(await ok('start', '-a', 'holder')).toBe('/held');
    // Its blob is there still, for an image that has the same layer.
    const again = await make('test', 'held');
    expect(await ok('save', '-o', join(engine.host.dir, 'held.tar'), 'held')).toBe('');
    await ok('rmi', again);
    await ok('rm', 'holder');
    expect(await ok('image', 'prune', '-f')).toMatch(/deleted: sha256:/);
  });
});
