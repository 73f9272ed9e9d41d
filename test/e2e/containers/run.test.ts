/** `run`: streams, exit statuses, what the image's configuration and the flags make of the process that starts. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { expectSoon, readPairs, useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok, inside, expectClean } = engine;

describe('streams', () => {
  test('standard output and standard error stay apart', async () => {
    expect(await minidock('run', '--rm', 'test', 'sh', '-c', 'echo out; echo err >&2')).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 0,
    });
  });

  test('ten megabytes go in and come out again unchanged', async () => {
    const input = randomBytes(10_000_000);
    const argv = [...binary(), 'run', '--rm', '-i', 'test', 'sh', '-c', 'tee /dev/stderr | sha256sum'];
    const script = '"$@" 2>"$ERR"';
    const errors = join(engine.host.dir, 'stderr');
    const { stdout } = await engine.host.run(['bash', '-c', script, 'bash', ...argv], {
      input,
      env: { ERR: errors },
    });
    const sum = createHash('sha256').update(input).digest('hex');
    expect(stdout).toBe(`${sum}  -\n`);
    expect(createHash('sha256').update(readFileSync(errors)).digest('hex')).toBe(sum);
  });

  test('without -i the program reads nothing', async () => {
    const { stdout } = await engine.host.run([...binary(), 'run', '--rm', 'test', 'wc', '-c'], {
      input: 'x',
    });
    expect(stdout).toBe('0\n');
  });

  test('-i hands on the end of the input', async () => {
    const { stdout } = await engine.host.run([...binary(), 'run', '--rm', '-i', 'test', 'cat'], {
      input: 'abc',
    });
    expect(stdout).toBe('abc');
  });

  test('/dev/stdin, /dev/stdout and /dev/stderr can be opened again', async () => {
    const script =
      'cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr; ln -s /dev/stdout log; echo log >>log';
    const argv = [...binary(), 'run', '--rm', '-i', 'test', 'sh', '-c', script];
    expect(await engine.host.run(argv, { input: 'in\n' })).toEqual({
      stdout: 'in\nout\nlog\n',
      stderr: 'err\n',
      exitCode: 0,
    });
  });

  test('-a chooses the streams', async () => {
    const script = 'echo out; echo err >&2';
    expect(await minidock('run', '--rm', '-a', 'stderr', 'test', 'sh', '-c', script)).toEqual({
      stdout: '',
      stderr: 'err\n',
      exitCode: 0,
    });
  });
});

describe('exit statuses', () => {
  test.each([
    ['of the program', ['sh', '-c', 'exit 7'], 7],
    ['of a signal, plus 128', ['sh', '-c', "sh -c 'kill -SEGV \$\$'; exit \$?"], 139],
    ['127: not found', ['no-such-program'], 127],
    ['127: no such path', ['/no/such/program'], 127],
    ['126: not executable', ['/etc/not-executable'], 126],
    ['126: a directory', ['/etc'], 126],
    ['127: the interpreter is missing', ['/bin/bad-interpreter'], 127],
  ])('%s', async (_, argv, status) => {
    const { exitCode, stderr } = await minidock('run', '--rm', 'test', ...argv);
    expect(exitCode).toBe(status);
    if (status === 126 || status === 127) {
      expect(stderr).toMatch(/^minidock: .*\n/);
      expect(stderr).toContain(argv[0]);
    }
    await expectClean();
  });

  test('125: minidock itself, for flags it does not know', async () => {
    const { exitCode, stderr } = await minidock('run', '--no-such-flag', 'test');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 125,
      stderr: "minidock: unknown flag: --no-such-flag\nSee 'minidock run --help'.\n",
    });
  });

  test('a signal sent to the command reaches the program', async () => {
    const running = engine.host.spawn([
      ...binary(),
      ...[
        'run',
        '--rm',
        'test',
        'sh',
        '-c',
        'trap "echo got; exit 3" USR1; echo ready; while :; do sleep 0.05; done',
      ],
    ]);
    await running.waitForOutput(/ready/);
    running.kill('SIGUSR1');
    expect(await running.exited).toBe(3);
    expect(running.output()).toBe('ready\ngot\n');
  });
});

test('ports of which no two follow each other are all withdrawn, together and one by one', async () => {
  const flags = ['-p', '8080:80', '-p', '9000:90', '-p', '7000:70/udp', '-p', '192.0.2.2:6000:60'];
  await ok('run', '-d', '--name', 'many', ...flags, 'test', 'sleep', '1000');
  const published = async (): Promise<string> =>
    (
      await engine.host.run([
        'sh',
        '-c',
        'nft list map ip minidock published; nft list map ip minidock published_at',
      ])
    ).stdout;
  expect(await published()).toMatch(/8080[^]*9000|9000[^]*8080/);
  await ok('rm', '-f', 'many');
  expect(await published()).not.toMatch(/8080|9000|7000|6000/);
});

describe('configuration of the image', () => {
  test('entrypoint and command', async () => {
    expect(await ok('run', '--rm', 'configured')).toBe('[one][two words]');
    expect(await ok('run', '--rm', 'configured', 'three')).toBe('[three]');
    expect(await ok('run', '--rm', '--entrypoint', 'echo', 'configured')).toBe('');
    expect(await ok('run', '--rm', '--entrypoint', 'echo', 'configured', 'four')).toBe('four');
    expect(await ok('run', '--rm', '--entrypoint', '', 'configured', 'echo', 'five')).toBe('five');
  });

  test('environment, working directory, user, stop signal, ports, labels, volumes', async () => {
    const script = 'pwd; stat -c "%u:%a" .; id; env | sort; found-by-path; mount | grep -c " /volume "';
    const lines = (
      await ok('run', '--name', 'configured', '--entrypoint', 'sh', 'configured', '-c', script)
    ).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '/srv/made/when/missing',
      '0:755',
      'uid=1000(app) gid=50(staff) groups=50(staff)',
    ]);
    const { HOSTNAME, ...environment } = readPairs(lines.slice(3).join('\n'));
    expect(HOSTNAME).toMatch(/^[0-9a-f]{12}$/);
    expect(environment).toEqual({
      PATH: '/opt/bin:/bin',
      COLOUR: 'blue',
      SHAPE: 'round',
      HOME: '/home/app',
      PWD: '/srv/made/when/missing',
      SHLVL: '1',
    });
    expect(lines.slice(-2)).toEqual(['found', '1']);
    const format = '{{.Config.StopSignal}} {{json .Config.ExposedPorts}} {{json .Config.Labels}}';
    expect(await ok('inspect', '-f', format, 'configured')).toBe(
      'SIGUSR1 {"53/udp":{},"80/tcp":{}} {"maker":"test","purpose":"image"}',
    );
    await ok('rm', '-v', 'configured');
  });

  test('-e, -w, -u, -l and --stop-signal win over it', async () => {
    const script = 'pwd; id -u; echo $COLOUR $SHAPE';
    const flags = ['-e', 'COLOUR=red', '-w', '/tmp', '-u', 'root', '-l', 'maker=me', '--stop-signal', 'INT'];
    const args = ['run', '--name', 'configured', ...flags, '--entrypoint', 'sh', 'configured', '-c', script];
    expect(await ok(...args)).toBe('/tmp\n0\nred round');
    expect(await ok('inspect', '-f', '{{.Config.Labels.maker}} {{.Config.StopSignal}}', 'configured')).toBe(
      'me INT',
    );
    await ok('rm', '-v', 'configured');
  });
});

describe('environment', () => {
  test('-e KEY takes the value of the caller, and --env-file is read', async () => {
    const file = join(engine.host.dir, 'env');
    writeFileSync(file, '# comment\n\nFROM_FILE=a b=c\nCALLER\nOVER=file\n');
    const flags = ['-e', 'CALLER', '-e', 'UNSET_HERE', '-e', 'EMPTY=', '--env-file', file, '-e', 'OVER=flag'];
    const argv = [...binary(), 'run', '--rm', ...flags, 'test', 'env'];
    const { stdout } = await engine.host.run(argv, { env: { CALLER: 'mine' } });
    const { HOSTNAME: _, ...environment } = readPairs(stdout);
    expect(environment).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/root',
      FROM_FILE: 'a b=c',
      CALLER: 'mine',
      EMPTY: '',
      OVER: 'flag',
    });
  });

  test('nothing of the caller’s own environment gets in', async () => {
    const argv = [...binary(), 'run', '--rm', 'test', 'env'];
    const { stdout } = await engine.host.run(argv, { env: { SECRET: 'x', LD_PRELOAD: '' } });
    expect(Object.keys(readPairs(stdout)).sort()).toEqual(['HOME', 'HOSTNAME', 'PATH']);
  });
});

describe('user', () => {
  test.each([
    [['-u', 'app'], 'uid=1000(app) gid=1000(app)', ['1000(app)', '50(staff)', '60(wheel)']],
    [['-u', 'app:wheel'], 'uid=1000(app) gid=60(wheel)', ['60(wheel)']],
    [['-u', '1001'], 'uid=1001(lone) gid=1001', ['1001', '60(wheel)']],
    [['-u', '4242'], 'uid=4242 gid=0(root)', ['0(root)']],
    [['-u', '4242:4343'], 'uid=4242 gid=4343', ['4343']],
    [['-u', ':staff'], 'uid=0(root) gid=50(staff)', ['50(staff)']],
    [
      ['--group-add', '77', '--group-add', 'staff'],
      'uid=0(root) gid=0(root)',
      ['0(root)', '50(staff)', '77'],
    ],
  ])('%j', async (flags, identity, groups) => {
    const [found = '', list = ''] = (await inside('id', ...flags)).split(' groups=');
    expect([found, list.split(',').sort()]).toEqual([identity, groups]);
  });

  test('an unknown name is refused with 125 and leaves nothing', async () => {
    const unknown = await minidock('run', '--rm', '-u', 'nobody-here', 'test', 'true');
    expect(unknown.exitCode).toBe(125);
    expect(unknown.stderr).toContain('nobody-here');
    const group = await minidock('run', '--rm', '-u', 'app:no-group', 'test', 'true');
    expect(group.exitCode).toBe(125);
    expect(group.stderr).toContain('no-group');
    await expectClean();
  });
});

describe('names and files of the host', () => {
  test('hostname, domain name, hosts and resolv.conf', async () => {
    const script = [
      'echo hostname=$(hostname); echo domain=$(cat /proc/sys/kernel/domainname); echo variable=$HOSTNAME',
      'echo file=$(cat /etc/hostname); cat /etc/hosts | sed s/^/hosts=/ | tail -3; sed s/^/resolv:/ /etc/resolv.conf',
      'echo mine=$(ip -4 -o address show eth0 | sed "s/.*inet //;s/\\/.*//")',
    ].join('; ');
    const flags = ['-h', 'box', '--domainname', 'example.org', '--add-host', 'db:203.0.113.9'];
    const dns = ['--dns', '203.0.113.53', '--dns-search', 'example.net', '--dns-option', 'ndots:2'];
    const text = await inside(script, ...flags, ...dns);
    const pairs = readPairs(text);
    expect(pairs).toMatchObject({ hostname: 'box', domain: 'example.org', variable: 'box', file: 'box' });
    expect(text).toMatch(/hosts=203\.0\.113\.9\s+db\n/);
    expect(text).toMatch(new RegExp(`hosts=${pairs['mine'] ?? ''}\\s+box\\.example\\.org box`));
    const resolv = text.split('\n').filter((line) => line.startsWith('resolv:'));
    expect(resolv).toEqual(
      expect.arrayContaining([
        'resolv:nameserver 203.0.113.53',
        'resolv:search example.net',
        'resolv:options ndots:2',
      ]),
    );
  });

  test('the three files can be written by the container and are its own', async () => {
    const script =
      'echo x >>/etc/hosts && echo x >>/etc/hostname && echo x >>/etc/resolv.conf && echo written';
    expect(await inside(script)).toBe('written');
    expect(await inside('cat /etc/hosts /etc/hostname | grep -c "^x$" || true')).toBe('0');
  });
});

describe('names, ids and removal', () => {
  test('a name is taken once', async () => {
    // A shim of the test before may still be on its way out.
    await expectClean();
    const id = await ok('run', '-d', '--name', 'taken', 'test', 'sleep', '1000');
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const before = await engine.host.snapshot();
    const refused = await minidock('run', '-d', '--name', 'taken', 'test', 'true');
    expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
    expect(refused.stderr.split('\n')[0]).toBe(
      `minidock: Conflict. The container name "/taken" is already in use by container "${id}"`,
    );
    await expectSoon(engine.host, before);
    await ok('rm', '-f', id.slice(0, 8));
    await ok('run', '--rm', '--name', 'taken', 'test', 'true');
  });

  test.each(['-x', 'a b', 'ä', 'a/b'])('%j is no name', async (name) => {
    const { exitCode, stderr } = await minidock('run', `--name=${name}`, 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('Invalid container name');
    await expectClean();
  });

  test('--rm removes the container before the command ends, also one that failed or was detached', async () => {
    await minidock('run', '--rm', 'test', 'false');
    await minidock('run', '--rm', 'test', 'no-such-program');
    await expectClean();
    const id = await ok('run', '-d', '--rm', 'test', 'sleep', '1000');
    await ok('stop', '-t', '0', id);
    expect(await ok('ps', '-aq')).toBe('');
    expect(existsSync(join(engine.host.root, 'containers', id))).toBe(false);
  });

  test('--cidfile', async () => {
    const file = join(engine.host.dir, 'cid');
    const id = await ok('run', '-d', '--rm', '--cidfile', file, 'test', 'sleep', '1000');
    expect(readFileSync(file, 'utf8')).toBe(id);
    const again = await minidock('run', '-d', '--rm', '--cidfile', file, 'test', 'true');
    expect(again.exitCode).toBe(125);
    expect(again.stderr).toContain(file);
    await ok('kill', id);
  });
});

test('--platform: an architecture alone means Linux; what is no platform is refused before anything is pulled', async () => {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  expect(await ok('run', '--rm', '--platform', architecture, 'test', 'echo', 'ran')).toBe('ran');
  const wrong = await minidock('run', '--platform', 'x', 'test', 'true');
  expect(wrong.stderr).toContain(
    'error parsing specified platform: "x": unknown operating system or architecture',
  );
  expect(wrong.stderr).not.toContain('Unable to find image');
  expect(wrong.exitCode).toBe(125);
});

test('--init puts an init in front that reaps what is orphaned', async () => {
  const script = 'sleep 0.01 & exec sleep 1000';
  const id = await ok('run', '-d', '--rm', '--init', 'test', 'sh', '-c', `sh -c '${script}' & wait`);
  expect(await ok('exec', id, 'cat', '/proc/1/comm')).not.toBe('sh');
  await ok('rm', '-f', id);
});

test('forty at once, each with an address of its own', async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, () => ok('run', '-d', 'test', 'sleep', '1000')));
  const format = '{{.State.Running}} {{.NetworkSettings.IPAddress}}';
  const lines = (await ok('inspect', '-f', format, ...ids)).split('\n');
  expect(new Set(lines).size).toBe(40);
  for (const line of lines) expect(line).toMatch(/^true 172\.17\.0\.\d+$/);
  expect((await ok('ps', '-q')).split('\n')).toHaveLength(40);
  await ok('rm', '-f', ...ids);
  await expectClean();
}, 60_000);

function binary(): readonly string[] {
  return [join(import.meta.dirname, '../../../dist/minidock')];
}
