/**
 * `--userns=auto`: root of the container is a user of the host that owns nothing. Files look the same from both sides,
 * programs do what they do in any container, and what gets out is nobody.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok, expectClean } = engine;

const AUTO = '--userns=auto';
const inside = (script: string, ...flags: readonly string[]): Promise<string> =>
  engine.inside(script, AUTO, ...flags);

async function idsOf(name: string): Promise<{ readonly pid: string; readonly first: number }> {
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', name);
  const [inner = 1, first = 0, count = 0] = readFileSync(`/proc/${pid}/uid_map`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number);
  expect([inner, count]).toEqual([0, 65536]);
  return { pid, first };
}

const leases = (): readonly string[] => {
  const dir = join(engine.host.runDir, 'ids');
  return existsSync(dir) ? readdirSync(dir) : [];
};

describe('users', () => {
  test('root inside is somebody else outside, and each container has users of its own', async () => {
    await ok('run', '-d', AUTO, '--name', 'one', 'test', 'sleep', '1000');
    await ok('run', '-d', AUTO, '--name', 'two', '-u', 'app', 'test', 'sleep', '1000');
    const [one, two] = [await idsOf('one'), await idsOf('two')];
    const uids = (pid: string): string =>
      /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
    expect(uids(one.pid)).toBe(String(one.first));
    expect(uids(two.pid)).toBe(String(two.first + 1000));
    expect(Math.abs(one.first - two.first)).toBeGreaterThanOrEqual(65536);
    expect(Math.min(one.first, two.first)).toBeGreaterThan(2_000_200_000);
    expect([...leases()].sort()).toEqual([one.first, two.first].map(String).sort());
    await ok('rm', '-f', 'one', 'two');
    expect(leases()).toEqual([]);
    await expectClean();
  });

  test('restart, kill and a start that fails give them back', async () => {
    await ok('run', '-d', AUTO, '--name', 'box', 'test', 'sleep', '1000');
    await ok('restart', '-t', '0', 'box');
    expect(leases()).toHaveLength(1);
    await idsOf('box');
    await ok('kill', 'box');
    await engine.host.waitFor(() => leases().length === 0, 'the range to be free');
    expect((await minidock('run', '--rm', AUTO, 'test', 'no-such-program')).exitCode).toBe(127);
    expect(leases()).toEqual([]);
    await ok('rm', 'box');
    await expectClean();
  });

  test('a shim that is killed leaves a range, which the next command frees', async () => {
    await ok('run', '-d', AUTO, '--name', 'box', 'test', 'sleep', '1000');
    const state = JSON.parse(
      readFileSync(join(stateDir(await ok('inspect', '-f', '{{.Id}}', 'box')), 'state.json'), 'utf8'),
    ) as {
      shimPid: number;
    };
    process.kill(state.shimPid, 'SIGKILL');
    await ok('rm', '-f', 'box');
    expect(leases()).toEqual([]);
    await expectClean();
  });

  test('doctor finds a range that nobody has, and frees it', async () => {
    mkdirSync(join(engine.host.runDir, 'ids'), { recursive: true });
    writeFileSync(join(engine.host.runDir, 'ids', '2000224256'), 'f'.repeat(64));
    expect((await minidock('doctor')).stdout).toContain('the user ids from 2000224256 on');
    await minidock('doctor', '--fix');
    expect(leases()).toEqual([]);
  });

  test('inspect and inspect --host tell of them', async () => {
    await ok('run', '-d', AUTO, '--name', 'box', 'test', 'sleep', '1000');
    const { first } = await idsOf('box');
    expect(await ok('inspect', '-f', '{{.HostConfig.UsernsMode}}', 'box')).toBe('auto');
    const users = await ok('inspect', '--host', '-f', '{{json .Users}}', 'box');
    expect(JSON.parse(users)).toEqual([{ Inside: 0, OnHost: first, Count: 65536 }]);
    expect(await ok('inspect', '--host', '--format', 'table', 'box')).toContain(
      `${first} to ${first + 65535} on the host`,
    );
  });
});

const stateDir = (id: string): string => join(engine.host.root, 'containers', id);

describe('files look the same from both sides', () => {
  test('the image, its owners, and what is written', async () => {
    await ok(
      'run',
      '--name',
      'box',
      AUTO,
      'test',
      'sh',
      '-c',
      'echo x >/new; chown 1000:50 /new; rm /etc/not-executable; mkdir /made',
    );
    const upper = join(stateDir(await ok('inspect', '-f', '{{.Id}}', 'box')), 'overlay', 'upper');
    const owner = (path: string): readonly number[] => [
      statSync(join(upper, path)).uid,
      statSync(join(upper, path)).gid,
    ];
    expect(owner('new')).toEqual([1000, 50]);
    expect(owner('made')).toEqual([0, 0]);
    const whiteout = statSync(join(upper, 'etc/not-executable'));
    expect([whiteout.isCharacterDevice(), whiteout.rdev, whiteout.uid]).toEqual([true, 0, 0]);
    expect(await inside('stat -c "%n=%u:%g:%a" /volume/from-image /etc/passwd /bin/busybox /')).toBe(
      ['/volume/from-image=1000:50:640', '/etc/passwd=0:0:644', '/bin/busybox=0:0:755', '/=0:0:755'].join(
        '\n',
      ),
    );
  });

  test('volumes: filled from the image, written, and read without the flag', async () => {
    await inside('touch /volume/by-root; stat -c %u:%g /volume/from-image', '-v', 'filled:/volume');
    expect(await engine.inside('stat -c %n=%u:%g /v/*', '-v', 'filled:/v')).toBe(
      ['/v/below=0:0', '/v/by-root=0:50', '/v/from-image=1000:50'].join('\n'),
    );
    await engine.inside('echo from-host-mode >/v/other; chmod 600 /v/other', '-v', 'filled:/v');
    expect(await inside('cat /v/other', '-v', 'filled:/v')).toBe('from-host-mode');
    await ok('volume', 'rm', 'filled');
  });

  test('a volume is mounted whatever letters its place is written in', async () => {
    // Two bytes a letter, at each of the two offsets: the message that names the places is read in parts.
    const places = ['', 'a'].map((before) => `/${before}${'é'.repeat(100)}`);
    for (const place of places) {
      const flags = Array.from({ length: 30 }, (_, i) => ['-v', `${place}${String(i)}`]).flat();
      const mounts = await inside('cat /proc/mounts', ...flags);
      expect(mounts.split('\n').filter((line) => line.includes('é')).length).toBe(30);
    }
  });

  test('binds: root owns what root owns, others are kept out, ro and a single file hold', async () => {
    const dir = join(engine.host.dir, 'bound');
    mkdirSync(dir, { mode: 0o755 });
    writeFileSync(join(dir, 'secret'), 'secret\n', { mode: 0o600 });
    expect(await inside('cat /b/secret; echo new >/b/new; stat -c %u /b/new', '-v', `${dir}:/b`)).toBe(
      'secret\n0',
    );
    expect(statSync(join(dir, 'new')).uid).toBe(0);
    const user = await minidock(
      'run',
      '--rm',
      AUTO,
      '-u',
      'app',
      '-v',
      `${dir}:/b`,
      'test',
      'cat',
      '/b/secret',
    );
    expect(user.stderr).toContain('Permission denied');
    const readOnly = await minidock('run', '--rm', AUTO, '-v', `${dir}:/b:ro`, 'test', 'touch', '/b/x');
    expect(readOnly.stderr).toContain('Read-only file system');
    expect(await inside('cat /file', '-v', `${join(dir, 'secret')}:/file`)).toBe('secret');
  });

  test('a working directory that is closed to root is entered as the user', async () => {
    const dir = join(engine.host.dir, 'closed');
    mkdirSync(dir);
    // Root inside has no power over what belongs to a user beyond those of the container.
    chownSync(dir, 100_000, 1000);
    chmodSync(dir, 0o770);
    const flags = ['-v', `${dir}:/closed`, '-w', '/closed'];
    expect(await inside('pwd; ls /closed', '-u', '1000:1000', ...flags)).toBe('/closed');
    const { exitCode, stderr } = await minidock('run', '--rm', AUTO, ...flags, 'test', 'true');
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining('cannot enter the working directory')]);
  });

  test('devices are root’s, work, and no others can be made', async () => {
    expect(
      await inside(
        'stat -c %u:%g:%a /dev/null /dev/zero /dev; head -c 2 /dev/zero | wc -c; echo >/dev/null; ls /dev',
      ),
    ).toBe(
      '0:0:666\n0:0:666\n0:0:755\n2\nconsole\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero'.replace(
        'console\n',
        '',
      ),
    );
    const made = await minidock('run', '--rm', AUTO, 'test', 'mknod', '/disk', 'b', '254', '0');
    expect(made.stderr).toContain('Operation not permitted');
  });

  test('an image without layers, a read-only root, a tmpfs of the user’s', async () => {
    const { stdout } = await minidock(
      'run',
      '--rm',
      AUTO,
      '--read-only',
      '--tmpfs',
      '/t:uid=1000',
      '-u',
      'app',
      'test',
      'sh',
      '-c',
      'touch /t/x && echo made; touch /x',
    );
    expect(stdout).toBe('made\n');
  });
});

describe('programs do what they do anywhere', () => {
  test('ping, ports below 1024, the internet, a published port', async () => {
    expect(await inside(`ping -c 1 -W 3 ${INTERNET_ADDRESS} | grep -c "1 packets received"`)).toBe('1');
    expect(await inside(`ping -c 1 -W 3 ${HOST_ADDRESS} | grep -c "1 packets received"`)).toBe('1');
    await ok(
      'run',
      '-d',
      AUTO,
      '--name',
      'web',
      '-u',
      'app',
      '-p',
      '8080:80',
      'test',
      'httpd',
      '-f',
      '-p',
      '80',
      '-h',
      '/www',
    );
    await engine.host.waitFor(
      async () => (await engine.host.run(['curl', '-s', 'http://127.0.0.1:8080/'])).stdout.includes('hello'),
      'the page',
    );
    expect((await engine.host.outside(['curl', '-s', `http://${HOST_ADDRESS}:8080/`])).stdout).toContain(
      'hello',
    );
  });

  test('exec: root and users, limits, terminals, streams, the cgroup', async () => {
    await ok('run', '-d', AUTO, '--name', 'box', '--ulimit', 'nofile=500:600', 'test', 'sleep', '1000');
    const { first } = await idsOf('box');
    expect(
      await ok('exec', 'box', 'sh', '-c', 'id -u; cat /proc/self/uid_map; ulimit -n; touch /by-exec'),
    ).toMatch(new RegExp(`^0\\n +0 +${first} +65536\\n500$`));
    const upper = join(stateDir(await ok('inspect', '-f', '{{.Id}}', 'box')), 'overlay', 'upper');
    expect(statSync(join(upper, 'by-exec')).uid).toBe(0);
    const streams = 'id -un; id -Gn; echo again >/dev/stdout; grep ^Cap /proc/self/status | sort -u';
    const plain = await ok('run', '-d', 'test', 'sleep', '1000');
    expect(await ok('exec', '-u', 'app', 'box', 'sh', '-c', streams)).toBe(
      await ok('exec', '-u', 'app', plain, 'sh', '-c', streams),
    );
    expect(
      await ok('exec', '-t', '-u', 'app', 'box', 'sh', '-c', 'stat -c %u:%g $(tty); echo x >/dev/tty'),
    ).toMatch(/^1000:5\r\nx/);
    expect(await ok('exec', 'box', 'sh', '-c', 'cat /proc/self/cgroup')).toBe(
      await ok('exec', 'box', 'cat', '/proc/1/cgroup'),
    );
    expect((await minidock('exec', '-u', '70000', 'box', 'true')).stderr).toContain('unmapped user 70000');
  });

  test('standard streams can be opened again, by a user too', async () => {
    const script = 'echo out >/dev/stdout; echo err >/dev/stderr';
    expect(await minidock('run', '--rm', AUTO, '-u', 'app', 'test', 'sh', '-c', script)).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 0,
    });
  });

  test('the same capabilities, limits, filter and hidden files', async () => {
    const look =
      'grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status; ulimit -n; hostname -f >/dev/null; cat /proc/keys /proc/interrupts | wc -c; cat /proc/self/cgroup | wc -l';
    const flags = ['--ulimit', 'nofile=100:200', '-m', '64m'];
    expect(await inside(look, ...flags)).toBe(await engine.inside(look, ...flags));
  });

  test('a setuid program makes its user root of the container', async () => {
    // busybox's ping wants a raw socket, and keeps the powers of its owner for it.
    await inside('cp /bin/busybox /s/ping; chmod 4755 /s/ping', '-v', 'suid:/s');
    const flags = ['-u', 'app', '-v', 'suid:/s'];
    const [plain, setuid] = ['ping', '/s/ping'].map((ping) =>
      inside(`${ping} -c 1 127.0.0.1 2>&1 | grep -c "1 packets received" || :`, ...flags),
    );
    expect([await plain, await setuid]).toEqual(['0', '1']);
    await ok('volume', 'rm', 'suid');
  });
});

describe('what gets out is nobody', () => {
  test('root of the container, in the host’s mounts, can neither read nor write root’s files', async () => {
    await ok('run', '-d', AUTO, '--cap-add', 'ALL', '--name', 'box', 'test', 'sleep', '1000');
    const { pid } = await idsOf('box');
    const file = join(engine.host.dir, 'of-root');
    writeFileSync(file, 'of root\n', { mode: 0o644 });
    writeFileSync(`${file}-secret`, 'secret\n', { mode: 0o600 });
    const as = (script: string) =>
      engine.host.run([
        'nsenter',
        `--target=${pid}`,
        '--user',
        '--setuid=0',
        '--setgid=0',
        '--',
        'sh',
        '-c',
        script,
      ]);
    const tries = await as(
      `id -u; echo x >${file}; cat ${file}-secret; echo x >/proc/sys/kernel/domainname; chown 0 ${file}; kill -0 ${process.pid}; mount -t tmpfs none /mnt; mknod /tmp/disk b 254 0; cat ${engine.host.root}/containers/*/config.json`,
    );
    expect(tries.stdout).toBe('0\n');
    expect(
      tries.stderr.split('\n').filter((line) => /denied|not permitted|cannot|can't/i.test(line)).length,
    ).toBeGreaterThanOrEqual(7);
    expect(readFileSync(file, 'utf8')).toBe('of root\n');
  });

  test('a descriptor that leaked does not help either', async () => {
    await ok('run', '-d', AUTO, '--name', 'box', 'test', 'sleep', '1000');
    const { pid } = await idsOf('box');
    const file = join(engine.host.dir, 'leaked');
    writeFileSync(file, 'of root\n', { mode: 0o644 });
    // A directory of the host, open in a process that is root of the container.
    const leak = `exec 9<${engine.host.dir}; exec nsenter --target=${pid} --user --mount --pid --net --setuid=0 --setgid=0 -- sh -c 'ls /proc/self/fd/9/ >/dev/null && echo reached; echo x >/proc/self/fd/9/leaked; rm /proc/self/fd/9/leaked; touch /proc/self/fd/9/made'`;
    const { stdout, stderr } = await engine.host.run(['bash', '-c', leak]);
    expect(stdout).toBe('');
    expect(stderr.match(/denied/g)?.length).toBeGreaterThanOrEqual(3);
    expect(readFileSync(file, 'utf8')).toBe('of root\n');
  });

  test('one container’s root has no power over another’s processes or files', async () => {
    await ok('run', '-d', AUTO, '--cap-add', 'ALL', '--name', 'one', 'test', 'sleep', '1000');
    await ok('run', '-d', AUTO, '--name', 'two', 'test', 'sleep', '1000');
    const [one, two] = [await idsOf('one'), await idsOf('two')];
    const { stdout, stderr } = await engine.host.run([
      'nsenter',
      `--target=${one.pid}`,
      '--user',
      '--setuid=0',
      '--setgid=0',
      '--',
      'sh',
      '-c',
      `kill -0 ${two.pid} && echo killed; ls /proc/${two.pid}/root/ && echo seen`,
    ]);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });
});

describe('refused in one line each', () => {
  test.each([
    [['--privileged'], 'privileged mode is incompatible with user namespaces'],
    [['--network', 'host'], "cannot share the host's network namespace when user namespaces are enabled"],
    [['-v', '/proc:/p'], '/proc is on a file system without id-mapped mounts, which a user namespace needs'],
  ])('%s', async (flags, words) => {
    const { exitCode, stderr } = await minidock('run', '--rm', AUTO, ...flags, 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain(words);
    expect(stderr).toContain('--userns=host');
    await expectClean();
  });

  test('another container’s network, an unknown mode, --script', async () => {
    await ok('run', '-d', '--name', 'box', 'test', 'sleep', '1000');
    expect(
      (await minidock('run', '--rm', AUTO, '--network', 'container:box', 'test', 'true')).stderr,
    ).toContain("another container's network");
    expect((await minidock('run', '--rm', '--userns=keep-id', 'test', 'true')).stderr).toContain(
      'invalid USER mode',
    );
    expect((await minidock('run', AUTO, '--script', 'test', 'true')).stderr).toContain(
      '--script cannot make',
    );
  });

  test('a machine that makes no user namespaces', async () => {
    const bin = join(engine.host.dir, 'bin');
    mkdirSync(bin);
    const failing = '#!/bin/sh\ncase "$*" in *--user*) exit 1 ;; esac\nexec /usr/bin/unshare "$@"\n';
    writeFileSync(join(bin, 'unshare'), failing, { mode: 0o755 });
    const binary = join(import.meta.dirname, '../../../dist/minidock');
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const { exitCode, stderr } = await engine.host.run([binary, 'run', '--rm', AUTO, 'test', 'true'], {
      env,
    });
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining('user.max_user_namespaces')]);
    expect(leases()).toEqual([]);
    await expectClean();
  });

  test('MINIDOCK_USERNS is the default, and the flag wins', async () => {
    const env = { MINIDOCK_USERNS: 'auto' };
    const words = ['run', '--rm', 'test', 'cat', '/proc/self/uid_map'];
    const binary = join(import.meta.dirname, '../../../dist/minidock');
    expect((await engine.host.run([binary, ...words], { env })).stdout).toMatch(/^ +0 +2\d{9} +65536\n$/);
    const [run = '', ...rest] = words;
    expect((await engine.host.run([binary, run, '--userns=host', ...rest], { env })).stdout).toMatch(
      /4294967295/,
    );
    expect((await engine.host.run([binary, ...words], { env: { MINIDOCK_USERNS: 'no' } })).stderr).toContain(
      'invalid MINIDOCK_USERNS',
    );
  });
});

describe('told', () => {
  test('--dry-run names the steps of the host and of PID 1; --explain and --step carry them out', async () => {
    const { stdout } = await minidock('run', AUTO, '--dry-run', 'test', 'true');
    expect(stdout).toContain('unshare --user --mount');
    expect(stdout).toMatch(/mount --bind -o X-mount\.idmap=b:0:\d+:65536/);
    expect(stdout).toMatch(/ip netns attach md-\w+ PID/);
    const explained = await minidock('run', '--rm', AUTO, '--explain', 'test', 'echo', 'ran');
    expect(explained.stdout).toBe('ran\n');
    expect(explained.stderr).toContain('Show the files in');
    expect(explained.stderr).not.toContain('failed after');
  });
});
