/** What is mounted into a container: host directories, volumes, tmpfs, and a root filesystem that may be read-only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok, inside } = engine;
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');

const made = (name: string, files: Readonly<Record<string, string>>): string => {
  const dir = join(engine.host.dir, name);
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
  return dir;
};
const volumes = async (): Promise<readonly string[]> =>
  (await ok('volume', 'ls', '-q')).split('\n').filter((name) => name !== '');

describe('host directories', () => {
  test('-v: what one side writes, the other reads; ro keeps the container from writing', async () => {
    const dir = made('shared', { given: 'from the host\n' });
    expect(await inside('cat /mnt/given; echo back >/mnt/answer', '-v', `${dir}:/mnt`)).toBe('from the host');
    expect(readFileSync(join(dir, 'answer'), 'utf8')).toBe('back\n');
    const script = 'touch /mnt/x 2>&1; mount | grep -c " /mnt .*[(,]ro[,)]"';
    expect(await inside(script, '-v', `${dir}:/mnt:ro`)).toMatch(/Read-only file system\n1$/);
    expect(existsSync(join(dir, 'x'))).toBe(false);
  });

  test('a single file, over one of the image', async () => {
    const dir = made('file', { page: 'mine\n' });
    expect(await inside('cat /www/index.html', '-v', `${dir}/page:/www/index.html:ro`)).toBe('mine');
    expect(await inside('cat /new/deep/file', '-v', `${dir}/page:/new/deep/file`)).toBe('mine');
  });

  test('-v makes a missing host directory; --mount refuses it and leaves nothing', async () => {
    const missing = join(engine.host.dir, 'missing/below');
    await inside('touch /mnt/x', '-v', `${missing}:/mnt`);
    expect(existsSync(join(missing, 'x'))).toBe(true);
    const other = join(engine.host.dir, 'other');
    const refused = await minidock(
      'run',
      '--rm',
      '--mount',
      `type=bind,src=${other},dst=/mnt`,
      'test',
      'true',
    );
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain(`bind source path does not exist: ${other}`);
    expect(existsSync(other)).toBe(false);
    await engine.expectClean();
  });

  test('--mount: bind, tmpfs and volume in one container', async () => {
    const dir = made('mounts', { file: 'bound\n' });
    const flags = [
      ['--mount', `type=bind,source=${dir},target=/a,readonly`],
      ['--mount', 'type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1700'],
      ['--mount', 'source=named,target=/c'],
    ].flat();
    const script =
      'cat /a/file; touch /a/x 2>/dev/null || echo ro; stat -c %a /b; df -k /b | tail -1 | tr -s " " | cut -d" " -f2; touch /c/kept';
    expect(await inside(script, ...flags)).toBe('bound\nro\n1700\n1024');
    expect(await inside('ls /c', '-v', 'named:/c')).toBe('kept');
    await ok('volume', 'rm', 'named');
  });

  test.each([
    ['relative/target', ['-v', '/tmp:relative/target']],
    ['/ as target', ['-v', '/tmp:/']],
    ['unknown mode', ['-v', '/tmp:/mnt:sideways']],
    ['too many parts', ['-v', 'a:/b:ro:c']],
    ['the same target twice', ['-v', '/tmp:/mnt', '--tmpfs', '/mnt']],
    ['no target', ['--mount', 'type=bind,src=/tmp']],
    ['unknown type', ['--mount', 'type=floppy,dst=/mnt']],
    ['unknown key', ['--mount', 'dst=/mnt,colour=red']],
    ['invalid volume name', ['-v', '.x:/mnt']],
  ])('refused: %s', async (_, flags) => {
    const { exitCode, stderr, stdout } = await minidock('run', '--rm', ...flags, 'test', 'true');
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toMatch(/^minidock: [^\n]+\n/);
    expect(await volumes()).toEqual([]);
    await engine.expectClean();
  });

  test('what is mounted below a directory comes along, read-only with it', async () => {
    const dir = made('with-mounts', {});
    const point = join(dir, 'point');
    mkdirSync(point);
    await engine.host.run(['sh', '-ec', `mount -t tmpfs below ${point}; echo deep >${point}/file`]);
    try {
      expect(await inside('cat /mnt/point/file', '-v', `${dir}:/mnt`)).toBe('deep');
      expect(await inside('touch /mnt/point/new 2>&1 || true', '-v', `${dir}:/mnt:ro`)).toMatch(
        /Read-only file system$/,
      );
    } finally {
      await engine.host.run(['umount', point]);
    }
  });

  test('a mount made later on the host does not show up inside, nor the other way round', async () => {
    const dir = made('propagation', {});
    const id = await ok('run', '-d', '--cap-add', 'SYS_ADMIN', '-v', `${dir}:/mnt`, 'test', 'sleep', '1000');
    mkdirSync(join(dir, 'point'));
    await engine.host.run(['mount', '-t', 'tmpfs', 'later', join(dir, 'point')]);
    // grep found nothing, which is its status 1.
    expect(await minidock('exec', id, 'grep', '-c', 'later', '/proc/mounts')).toEqual({
      exitCode: 1,
      stdout: '0\n',
      stderr: '',
    });
    await ok('exec', id, 'mount', '-t', 'tmpfs', 'inner', '/tmp');
    expect((await engine.host.run(['grep', '-c', '^inner', '/proc/self/mounts'])).stdout).toBe('0\n');
    await engine.host.run(['umount', join(dir, 'point')]);
  });
});

describe('propagation', () => {
  test('rslave of a private mount is refused, of a shared one the host’s later mounts show up', async () => {
    const dir = made('slave', {});
    const host = async (...argv: readonly string[]): Promise<void> => {
      expect((await engine.host.run(argv)).stderr).toBe('');
    };
    await host('mount', '--bind', dir, dir);
    await host('mount', '--make-private', dir);
    mkdirSync(join(dir, 'point'));
    const refused = await engine.host.minidock('run', '--rm', '-v', `${dir}:/mnt:rslave`, 'test', 'true');
    expect([refused.exitCode, refused.stderr.split('\n')[0]]).toEqual([
      125,
      `minidock: path ${dir} is mounted on ${dir} but it is not a shared or slave mount`,
    ]);
    await host('mount', '--make-shared', dir);
    const id = await ok('run', '-d', '-v', `${dir}:/mnt:rslave`, 'test', 'sleep', '1000');
    await host('mount', '-t', 'tmpfs', 'later', join(dir, 'point'));
    expect(await ok('exec', id, 'grep', '-c', '^later /mnt/point ', '/proc/mounts')).toBe('1');
    await ok('rm', '-f', id);
    await host('umount', join(dir, 'point'));
    await host('umount', dir);
  });
});

describe('the host’s cgroups', () => {
  test('all of them, and one hierarchy alone where there are several', async () => {
    const host = readdirSync('/sys/fs/cgroup').sort();
    const shown = await inside('ls /sys/fs/cgroup', '-v', '/sys/fs/cgroup:/sys/fs/cgroup:ro');
    expect(shown.split('\n')).toEqual(
      expect.arrayContaining(['cgroup.procs', 'memory'].filter((name) => host.includes(name))),
    );
    const v1 = host.filter((name) => ['memory', 'pids', 'systemd'].includes(name));
    for (const name of v1) {
      const place = `/sys/fs/cgroup/${name}`;
      expect(
        await inside(`ls ${place}; touch ${place}/x 2>&1 || true`, '-v', `${place}:${place}:ro`),
      ).toMatch(/^cgroup.procs$[^]*Read-only file system/m);
    }
  });
});

describe('tmpfs and read-only', () => {
  test('--tmpfs with options', async () => {
    const script =
      'stat -f -c %T /t; stat -c %a /t; df -k /t | tail -1 | tr -s " " | cut -d" " -f2; mount | grep " /t " | grep -c nosuid';
    expect(await inside(script, '--tmpfs', '/t:size=64k,mode=700')).toBe('tmpfs\n700\n64\n1');
    expect(await inside('stat -c %a /t', '--tmpfs', '/t')).toBe('1777');
  });

  test('--read-only: only what was asked to be writable is', async () => {
    const script =
      'touch /x 2>&1; touch /etc/hosts 2>&1; touch /dev/shm/x /t/x && echo rest; echo x 2>/dev/null >/dev/null && echo null';
    expect(await inside(script, '--read-only', '--tmpfs', '/t')).toMatch(
      /Read-only file system\n.*Read-only file system\nrest\nnull/,
    );
  });
});

describe('volumes', () => {
  test('a named one outlives its containers', async () => {
    await inside('echo first >/data/file', '-v', 'kept:/data');
    expect(await inside('cat /data/file', '-v', 'kept:/data:ro')).toBe('first');
    expect(await volumes()).toEqual(['kept']);
    const used = await ok('run', '-d', '-v', 'kept:/data', 'test', 'sleep', '1000');
    const refused = await minidock('volume', 'rm', 'kept');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('volume is in use');
    await ok('rm', '-f', '-v', used);
    expect(await volumes()).toEqual(['kept']);
    await ok('volume', 'rm', 'kept');
    expect(await volumes()).toEqual([]);
  });

  test('a new one is filled from the image, owners and modes included; nocopy leaves it empty', async () => {
    const script = 'cat from-image below/deep; stat -c "%a %u:%g" . from-image below';
    const flags = ['-v', 'filled:/volume', '-w', '/volume'];
    const expected = 'filled\ndeep\n2775 1000:50\n640 1000:50\n755 0:0';
    expect(await inside(script, ...flags)).toBe(expected);
    await inside('rm from-image', ...flags);
    expect(await inside('ls', ...flags)).toBe('below');
    expect(await inside('ls /volume', '-v', 'empty:/volume:nocopy')).toBe('');
    await ok('volume', 'rm', 'filled', 'empty');
  });

  test('one whose first container was killed while it was filled is filled by the next', async () => {
    const all = await inside('ls /bin | wc -l');
    const data = join(engine.host.root, 'volumes', 'half', '_data');
    const begun = engine.host.spawn([MINIDOCK, 'create', '-v', 'half:/bin', 'test', 'true']);
    await engine.host.waitFor(
      () => existsSync(data) && (readdirSync(data).length > 0 || begun.child.exitCode !== null),
      'it to be filled',
    );
    begun.kill('SIGKILL');
    await begun.exited;
    const left = (await ok('ps', '-aq')).split('\n').filter(Boolean);
    if (left.length > 0) await ok('rm', '-f', ...left);
    expect(await inside('ls /bin | wc -l', '-v', 'half:/bin')).toBe(all);
    await ok('volume', 'rm', 'half');
  });

  test('an image’s VOLUME and -v /path become anonymous volumes, removed by --rm and rm -v, kept by rm', async () => {
    const args = ['--entrypoint', 'sh', 'configured', '-c', 'cat /volume/from-image; touch /volume/x'];
    expect(await ok('run', '--rm', '-v', '/more', ...args)).toBe('filled');
    expect(await volumes()).toEqual([]);
    await ok('run', '--name', 'anonymous', '-v', '/more', ...args);
    const [first, second] = await volumes();
    expect([first, second]).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
    const format = '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Name}}\n{{end}}';
    const mounts = (await ok('inspect', '-f', format, 'anonymous')).trim().split('\n').sort();
    expect(mounts.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'volume /more',
      'volume /volume',
    ]);
    await ok('rm', 'anonymous');
    expect(await volumes()).toHaveLength(2);
    await ok('volume', 'rm', ...(await volumes()));
    await ok('run', '--name', 'anonymous', '-v', 'named:/named', ...args);
    await ok('rm', '-v', 'anonymous');
    expect(await volumes()).toEqual(['named']);
    await ok('volume', 'rm', 'named');
  });

  test('what failed to start leaves no new volume', async () => {
    const file = join(engine.host.dir, 'cid-there');
    writeFileSync(file, '');
    expect((await minidock('run', '--cidfile', file, '-v', 'new:/data', 'test', 'true')).exitCode).toBe(125);
    expect((await minidock('run', '--rm', '-v', '/data', 'test', 'no-such-program')).exitCode).toBe(127);
    expect(await volumes()).toEqual([]);
  });

  test('the owner of a bind mount is not touched', async () => {
    const dir = made('owned', {});
    const before = statSync(dir);
    await inside('true', '-u', 'app', '-v', `${dir}:/mnt`, '-w', '/mnt');
    expect([statSync(dir).uid, statSync(dir).mode]).toEqual([before.uid, before.mode]);
  });
});

test('an anonymous volume that another container mounts outlives its own', async () => {
  await ok('run', '--name', 'maker', '-v', '/data', 'test', 'sh', '-c', 'echo kept >/data/file');
  const volume = await ok('inspect', '-f', '{{(index .Mounts 0).Name}}', 'maker');
  await ok('create', '--name', 'user', '-v', `${volume}:/data`, 'test', 'cat', '/data/file');
  await ok('rm', '-v', 'maker');
  expect(await ok('start', '-a', 'user')).toBe('kept');
  await ok('rm', '-v', 'user');
  await ok('volume', 'rm', volume);
});

test('a name that no directory can have is refused for its length', async () => {
  const { exitCode, stderr } = await minidock(
    'run',
    '--rm',
    '-v',
    `${'v'.repeat(300)}:/data`,
    'test',
    'true',
  );
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('file name too long')]);
});
