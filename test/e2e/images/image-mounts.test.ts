/** `--mount type=image`: the files of another image, read-only whatever the container may do, and the image as used. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok, inside } = engine;

/** Three layers: one file comes, one goes, one is changed, a directory is made opaque. */
beforeAll(async () => {
  const build = async (from: string, to: string, script: string): Promise<void> => {
    await ok('run', '--name', 'build', from, 'sh', '-c', script);
    await ok('commit', 'build', to);
    await ok('rm', 'build');
  };
  await build('test', 'two', 'rm /www/index.html; echo two >/www/new; echo changed >/etc/not-executable');
  await build(
    'two',
    'data',
    'rm -r /volume; mkdir /volume; echo three >/volume/three; ln -s /etc/passwd /out',
  );
  await ok('rmi', 'two');
});

const mount = (source: string, target = '/x', more = ''): readonly string[] => [
  '--mount',
  `type=image,source=${source},target=${target}${more}`,
];

describe('the files', () => {
  const LOOK = 'ls /x/www /x/volume; cat /x/etc/not-executable; stat -c %u:%a /x /x/bin/busybox';

  test('of several layers, merged; of one layer; of two images at once', async () => {
    expect(await inside(LOOK, ...mount('data'))).toBe(
      '/x/volume:\nthree\n\n/x/www:\nnew\nchanged\n0:755\n0:755',
    );
    expect(await inside('cat /x/www/index.html', ...mount('test'))).toBe('hello from the image');
    const both = [...mount('test', '/a'), ...mount('data', '/b')];
    expect(await inside('ls /a/www /b/www', ...both)).toBe('/a/www:\nindex.html\n\n/b/www:\nnew');
    expect(await inside('/x/bin/sh -c "echo runs"', ...mount('data'))).toBe('runs');
  });

  test('cannot be changed, not even by a container that may mount', async () => {
    const tries = [
      'touch /x/new',
      'rm /x/www/new',
      'mount -o remount,rw /x',
      'mount -o remount,bind,rw /x && touch /x/new',
      'mkdir /tmp/x && mount -o bind /x /tmp/x && mount -o remount,bind,rw /tmp/x && touch /tmp/x/new',
    ].map((line) => `(${line}) 2>/dev/null && echo "done: ${line}"`);
    const script = `${tries.join('; ')}; ls /x`;
    const flags = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
    for (const image of ['data', 'test']) {
      const told = await inside(script, ...flags, ...mount(image));
      expect(told.split('\n').filter((line) => line === 'new' || line.includes('touch'))).toEqual([]);
    }
    expect(await inside('ls /x/www', ...mount('data'))).toBe('new');
  });

  test('image-subpath: a directory, a file; a link that leads out, and nothing, are refused', async () => {
    expect(await inside('ls /x', ...mount('data', '/x', ',image-subpath=www'))).toBe('new');
    expect(await inside('cat /x', ...mount('data', '/x', ',image-subpath=volume/three'))).toBe('three');
    const refused = async (path: string): Promise<string> =>
      (await minidock('run', '--rm', ...mount('data', '/x', `,image-subpath=${path}`), 'test', 'true'))
        .stderr;
    expect(await refused('nowhere')).toContain('no such file or directory');
    expect(await refused('../etc')).toContain('subpath must be a relative path within the image');
    expect(await refused('/etc')).toContain('subpath must be a relative path within the image');
    // In the image, a link means the image's own file, and never the host's.
    const users = await inside('cat /x', ...mount('data', '/x', ',image-subpath=out'));
    expect(users).toContain('app:x:1000:1000:App');
  });

  test('start after stop, cp of a stopped container, --volumes-from', async () => {
    await ok('create', '--name', 'first', ...mount('data'), 'test', 'cat', '/x/volume/three');
    expect(await ok('start', '-a', 'first')).toBe('three');
    expect(await ok('start', '-a', 'first')).toBe('three');
    await ok('cp', 'first:/x/volume/three', engine.host.dir);
    const file = join(engine.host.dir, 'sent');
    writeFileSync(file, 'sent\n');
    expect((await minidock('cp', file, 'first:/x/www/sent')).stderr).toContain('read-only');
    expect(await inside('cat /x/volume/three', '--volumes-from', 'first')).toBe('three');
    const runs = readdirSync(join(engine.host.runDir, 'containers'));
    expect(runs).toEqual([]);
  });
});

describe('what they show', () => {
  test('inspect, --dry-run and a script', async () => {
    const id = await ok(
      'create',
      '--name',
      'told',
      ...mount('data', '/x', ',image-subpath=www'),
      'test',
      'true',
    );
    const [found] = JSON.parse(await ok('inspect', '-f', '{{json .Mounts}}', 'told')) as [unknown];
    expect(found).toEqual({
      ...{ Type: 'image', Name: 'data', Destination: '/x', Mode: '', RW: false, Propagation: '' },
      Source: join(engine.host.runDir, 'containers', id, 'images/0'),
    });
    expect(await ok('inspect', '-f', '{{.HostConfig.Binds}}', 'told')).toBe('[]');
    expect(await ok('ps', '-a', '--format', '{{.Mounts}}')).toBe('data');
    const plan = await ok('run', '--dry-run', ...mount('data'), 'test', 'true');
    expect(plan).toContain('Merge the layers of an image that is mounted');
    expect(plan).toMatch(/mount -t overlay -o lowerdir=\S+:\S+:\S+\/empty overlay \S+\/images\/0\n/);
    const script = join(engine.host.dir, 'image.sh');
    const flags = [...mount('data', '/x', ',image-subpath=www'), ...mount('test', '/y')];
    writeFileSync(script, `${await ok('run', '--script', ...flags, 'test', 'ls', '/x', '/y/www')}\n`);
    const { stdout } = await succeed(engine.host.run(['bash', script]));
    expect(stdout).toBe('/x:\nnew\n\n/y/www:\nindex.html\n');
  });

  test.each([
    ['type=image,target=/x', 'invalid mount config for type "image": field Source must not be empty'],
    ['type=image,source=data', 'target is required'],
    ['type=image,source=missing,target=/x', 'No such image: missing:latest'],
    ['type=image,source=data,target=/x,volume-nocopy', "unexpected key 'volume-nocopy'"],
    ['type=image,source=data,target=/proc/self', 'inside /proc'],
  ])('refused: %s', async (text, words) => {
    const { exitCode, stderr } = await minidock('run', '--rm', '--mount', text, 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain(words);
  });

  test('refused with users of its own', async () => {
    const { exitCode, stderr } = await minidock('run', '--userns=auto', ...mount('data'), 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('the image on /x cannot be mounted with --userns=auto');
  });
});

test('the image is in use: rmi and prune keep it, and a container of an untagged one still starts', async () => {
  await ok('tag', 'data', 'used');
  await ok('rmi', 'data');
  await ok('create', '--name', 'user', ...mount('used'), 'configured', 'true');
  const { exitCode, stderr } = await minidock('rmi', 'used');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('unable to remove repository reference "used" (must force) - container ');
  expect(await ok('image', 'prune', '-af')).not.toContain('used:latest');
  expect(await ok('system', 'df', '-v')).toMatch(/^used +latest .* 1$/m);
  const id = await ok('images', '-q', 'used');
  await ok('start', '-a', 'user');
  const running = await ok(
    ...['run', '-d', '--volumes-from', 'user', '--entrypoint', 'sleep', 'configured', '1000'],
  );
  expect((await minidock('rmi', '-f', id)).stderr).toContain('cannot be forced');
  await ok('rm', '-f', running);
  await ok('rmi', '-f', 'used');
  // The image has no name and no record any more; its layers stay for the container.
  expect((await minidock('rmi', id)).stderr).toContain('No such image');
  await ok('start', '-a', 'user');
});
