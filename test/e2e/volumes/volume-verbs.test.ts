/** `volume create`, `inspect` and `ls`, the options of the driver, and volumes that containers share. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok, inside } = engine;

const refused = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stderr } = await minidock(...args);
  expect(exitCode).not.toBe(0);
  return stderr;
};

describe('volume create', () => {
  test('by name, with labels; twice is once; without a name it has an id', async () => {
    expect(await ok('volume', 'create', '--label', 'team=web', '--label', 'bare', 'data')).toBe('data');
    expect(await ok('volume', 'create', 'data')).toBe('data');
    const [found] = JSON.parse(await ok('volume', 'inspect', 'data')) as [Record<string, unknown>];
    expect(found).toEqual({
      CreatedAt: expect.stringMatching(/^20[0-9-]+T[0-9:]+Z$/),
      Driver: 'local',
      Labels: { team: 'web', bare: '' },
      Mountpoint: expect.stringMatching(/\/volumes\/data\/_data$/),
      Name: 'data',
      Options: null,
      Scope: 'local',
    });
    const anonymous = await ok('volume', 'create');
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok('volume', 'inspect', '-f', '{{json .Labels}}', anonymous)).toBe(
      '{"com.docker.volume.anonymous":""}',
    );
    await ok('volume', 'rm', 'data', anonymous);
  });

  test('one that was created is filled from the image when a container first uses it, as any', async () => {
    await ok('volume', 'create', 'made');
    await inside('echo kept >/m/kept', '-v', 'made:/m');
    expect(await inside('cat /m/kept', '-v', 'made:/m')).toBe('kept');
    await ok('volume', 'rm', 'made');
  });

  test('a directory of the host as a volume: o=bind, and ro', async () => {
    const dir = join(engine.host.dir, 'as-volume');
    mkdirSync(dir);
    writeFileSync(join(dir, 'given'), 'given\n');
    const options = (o: string): readonly string[] => [
      '-o',
      'type=none',
      '-o',
      `o=${o}`,
      '-o',
      `device=${dir}`,
    ];
    await ok('volume', 'create', ...options('bind'), 'bound');
    await ok('volume', 'create', ...options('bind,ro'), 'closed');
    await ok('volume', 'create', ...options('rbind,nosuid,noexec'), 'tame');
    expect(await inside('cat /m/given; echo back >/m/back', '-v', 'bound:/m')).toBe('given');
    expect(await inside('touch /m/x 2>&1; true', '-v', 'closed:/m')).toContain('Read-only file system');
    expect(existsSync(join(dir, 'back'))).toBe(true);
    expect(await inside('grep " /m " /proc/mounts', '-v', 'tame:/m')).toMatch(/ rw,nosuid,noexec,/);
    const shown = await ok('run', '--dry-run', '-v', 'closed:/m', 'test', 'true');
    expect(shown).toContain(`-o ro ${dir} `);
    await ok('volume', 'rm', 'bound', 'closed', 'tame');
    expect(existsSync(join(dir, 'given'))).toBe(true);
  });

  test.each([
    [['-o', 'colour=red'], 'invalid option: "colour"'],
    [['-o', 'type=tmpfs'], 'missing required option: "device"'],
    [['-o', 'device=tmpfs', '-o', 'o=size=1m'], 'missing required option: "type"'],
    [['-o', 'type=tmpfs', '-o', 'device='], 'the option "device" is empty'],
    [['-o', 'size=1m'], 'quota size requested but no quota support'],
    [['-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', `o=${'x'.repeat(4096)}`], 'longer than the 4095 bytes'],
    [['-o', 'type=none', '-o', 'o=bind,addr=1', '-o', 'device=/x'], '(o=bind) has no option "addr=1"'],
    [['-o', 'type=none', '-o', 'o=bind', '-o', 'device=x'], 'must be an absolute path'],
    [['-d', 'nfs'], 'plugin "nfs" not found'],
  ])('refused: %j', async (flags, words) => {
    expect(await refused('volume', 'create', ...flags, 'wrong')).toContain(words);
    expect(await ok('volume', 'ls', '-q')).toBe('');
  });

  test('refused: a name with a slash; inspect of what is not there', async () => {
    expect(await refused('volume', 'create', '../x')).toContain('includes invalid characters');
    const { stdout, stderr, exitCode } = await minidock('volume', 'inspect', 'nothing');
    expect({ stdout, exitCode }).toEqual({ stdout: '[]\n', exitCode: 1 });
    expect(stderr).toContain('get nothing: no such volume');
  });
});

test('volume ls: filters and templates', async () => {
  await ok('volume', 'create', '--label', 'a=b', 'one');
  await ok('volume', 'create', 'two');
  await ok('create', '--name', 'user', '-v', 'two:/m', 'test', 'true');
  const names = async (...filters: readonly string[]): Promise<string> =>
    ok('volume', 'ls', '-q', ...filters.flatMap((filter) => ['-f', filter]));
  expect(await names('dangling=true')).toBe('one');
  expect(await names('dangling=false')).toBe('two');
  expect(await names('label=a=b')).toBe('one');
  expect(await names('name=w')).toBe('two');
  expect(await names('driver=nfs')).toBe('');
  expect(await ok('volume', 'ls', '--format', '{{.Name}} {{.Labels}} {{.Label "a"}} {{.Scope}}')).toBe(
    'one a=b b local\ntwo   local',
  );
  expect(await refused('volume', 'ls', '-f', 'colour=red')).toContain("invalid filter 'colour'");
  expect(await refused('volume', 'ls', '-f', 'dangling=maybe')).toContain('maybe');
  expect(await refused('volume', 'rm', 'two')).toContain('remove two: volume is in use - [');
  await ok('rm', 'user');
  await ok('volume', 'rm', 'one', 'two');
});

describe('--volumes-from', () => {
  test('the same files at the same places; :ro; own flags win', async () => {
    const dir = join(engine.host.dir, 'from');
    mkdirSync(dir);
    await ok(
      'run',
      '--name',
      'first',
      '-v',
      'named:/a',
      '-v',
      '/b',
      '-v',
      `${dir}:/c:ro`,
      'test',
      'sh',
      '-c',
      'echo b >/b/x',
    );
    const look = 'cat /b/x; touch /a/new; touch /c/x 2>/dev/null || echo ro; ls /a';
    expect(await inside(look, '--volumes-from', 'first')).toBe('b\nro\nnew');
    expect(await inside('touch /b/y 2>/dev/null || echo ro', '--volumes-from', 'first:ro')).toBe('ro');
    expect(await inside('ls /b', '--volumes-from', 'first', '--tmpfs', '/b')).toBe('');
    expect(await inside('cat /b/x', '--volumes-from', 'first', '-v', '/b')).toBe('b');
    await ok('create', '--name', 'second', '--volumes-from', 'first', 'test', 'true');
    expect(await ok('inspect', '-f', '{{.HostConfig.VolumesFrom}}', 'second')).toBe('[first]');
    await ok('rm', '-v', 'first');
    expect((await ok('volume', 'ls', '-q')).split('\n')).toHaveLength(2);
    await ok('rm', '-v', 'second');
    await ok('volume', 'prune', '-af');
  });

  test('refused: nobody, a wrong mode', async () => {
    expect(await refused('run', '--rm', '--volumes-from', 'nobody', 'test', 'true')).toContain(
      'No such container: nobody',
    );
    await ok('create', '--name', 'there', 'test', 'true');
    expect(await refused('run', '--rm', '--volumes-from', 'there:sideways', 'test', 'true')).toContain(
      'invalid mode: sideways',
    );
  });
});

describe('volume-subpath', () => {
  const mount = (subpath: string, more = ''): readonly string[] => [
    '--mount',
    `type=volume,source=parts,target=/m,volume-subpath=${subpath}${more}`,
  ];

  test('a directory or a file of a volume, also read-only, in a user namespace, and by cp', async () => {
    await inside(
      'mkdir -p /v/a/b; echo deep >/v/a/b/file; echo top >/v/top; ln -s a/b /v/link',
      '-v',
      'parts:/v',
    );
    expect(await inside('cat /m/file; ls /m', ...mount('a/b'))).toBe('deep\nfile');
    expect(await inside('cat /m', ...mount('top'))).toBe('top');
    expect(await inside('cat /m/file', ...mount('link'))).toBe('deep');
    expect(await inside('touch /m/x 2>&1 | grep -o "Read-only.*"', ...mount('a', ',readonly'))).toBe(
      'Read-only file system',
    );
    expect(await inside('cat /m/file', '--userns', 'auto', ...mount('a/b'))).toBe('deep');
    await ok('create', '--name', 'parted', ...mount('a/b'), 'test', 'true');
    await ok('cp', 'parted:/m/file', join(engine.host.dir, 'deep'));
    expect(readFileSync(join(engine.host.dir, 'deep'), 'utf8')).toBe('deep\n');
    await ok('rm', 'parted');
    await ok('volume', 'rm', 'parts');
  });

  test.each(['..', '../x', '/x', 'a/../../x'])('refused: %s', async (subpath) => {
    expect(await refused('run', '--rm', ...mount(subpath), 'test', 'true')).toContain(
      'subpath must be a relative path within the volume',
    );
  });

  test('refused: what is not there; a link leads no further than to the volume', async () => {
    await inside(`ln -s ${engine.host.dir} /v/out; ln -s ../../../../../../etc /v/up`, '-v', 'parts:/v');
    for (const subpath of ['nothing', 'out', 'up']) {
      const words = await refused('run', '--rm', ...mount(subpath), 'test', 'true');
      expect(words).toContain(`/_data/${subpath}: no such file or directory`);
    }
    await ok('volume', 'rm', 'parts');
  });

  test('a directory that is swapped for a link, meanwhile', async () => {
    const secret = join(engine.host.dir, 'hidden');
    mkdirSync(secret);
    writeFileSync(join(secret, 'file'), 'secret\n');
    const swap = `mkdir -p /v/a; while :; do mv /v/a /v/b; ln -s ../../../../../../..${secret} /v/a; rm /v/a; mv /v/b /v/a; done`;
    await ok('run', '-d', '--name', 'swapper', '-v', 'parts:/v', 'test', 'sh', '-c', swap);
    for (let round = 0; round < 15; round++) {
      const { stdout } = await minidock('run', '--rm', ...mount('a'), 'test', 'cat', '/m/file');
      expect(stdout).toBe('');
    }
    await ok('rm', '-f', 'swapper');
    await ok('volume', 'rm', 'parts');
  });
});

describe('bind-recursive', () => {
  const mount = (words: string): readonly string[] => ['--mount', `type=bind,source=/tmp,target=/m,${words}`];
  test.each([
    ['bind-recursive=sideways', 'invalid value for bind-recursive'],
    ['bind-recursive=readonly', "requires 'readonly'"],
    ['bind-recursive=readonly,readonly', "requires 'bind-propagation=rprivate'"],
    ['bind-recursive=writable,readonly', 'not supported'],
  ])('refused: %s', async (words, reason) => {
    expect(await refused('run', '--rm', ...mount(words), 'test', 'true')).toContain(reason);
  });

  test('what is mounted below comes along, read-only too, or not at all', async () => {
    const top = join(engine.host.dir, 'top');
    mkdirSync(join(top, 'below'), { recursive: true });
    await succeed(engine.host.run(['mount', '-t', 'tmpfs', 'none', join(top, 'below')]));
    try {
      await succeed(engine.host.run(['touch', join(top, 'below/there')]));
      const script = 'ls /m/below; touch /m/below/x 2>/dev/null || echo ro';
      const flags = (words: string): readonly string[] => [
        '--mount',
        `type=bind,source=${top},target=/m${words}`,
      ];
      expect(
        await inside(script, ...flags(',readonly,bind-recursive=readonly,bind-propagation=rprivate')),
      ).toBe('there\nro');
      expect(await inside(script, ...flags(',readonly'))).toBe('there\nro');
      expect(await inside('ls /m/below', ...flags(',bind-recursive=disabled'))).toBe('');
    } finally {
      await succeed(engine.host.run(['umount', join(top, 'below')]));
    }
  });
});
