/** Volumes with a file system of their own: `volume create -o type=tmpfs`, a loop device, a server that never answers. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { openTerminal, PROMPT } from '../../support/host/terminal.ts';

const engine = useEngine();
const { minidock, ok, inside, expectClean } = engine;
const ASKED = /q Enter undoes what is done: $/;
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');

const TMPFS = ['-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,uid=1000,nosuid'] as const;
const dataOf = (name: string): string => join(engine.host.root, 'volumes', name, '_data');
/** In the host, one line a mount. */
const mountsOf = async (name: string): Promise<readonly string[]> => {
  const { stdout } = await engine.host.run(['cat', '/proc/self/mounts']);
  return stdout.split('\n').filter((line) => line.split(' ')[1] === dataOf(name));
};
const sleeper = (name: string, volume: string, ...flags: readonly string[]): Promise<string> =>
  ok('run', '-d', '--name', name, '-v', `${volume}:/m`, ...flags, 'test', 'sleep', '1000');
const runWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<RunResult> =>
  engine.host.run([MINIDOCK, ...args], { env });
const shimOf = (id: string): string => {
  const state = readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8');
  return String((JSON.parse(state) as { readonly shimPid: number }).shimPid);
};

/** The kernel takes a moment to end what was killed. */
const runningAre = async (ids: string): Promise<void> => {
  await engine.host.waitFor(async () => (await ok('ps', '-q')) === ids, `to run: ${ids}`);
};

afterEach(async () => {
  const names = (await ok('volume', 'ls', '-q')).split('\n').filter(Boolean);
  const left = (await ok('ps', '-aq')).split('\n').filter(Boolean);
  if (left.length > 0) await ok('rm', '-f', '-v', ...left);
  if (names.length > 0) await ok('volume', 'rm', '-f', ...names);
  await expectClean();
  const users = join(engine.host.runDir, 'volumes');
  expect(existsSync(users) ? readdirSync(users) : []).toEqual([]);
});

describe('a tmpfs', () => {
  test('is mounted for its first container, shared with the next, and gone with the last', async () => {
    await ok('volume', 'create', ...TMPFS, 'memory');
    const format = '{{json .Options}} {{.Mountpoint}}';
    expect(await ok('volume', 'inspect', '-f', format, 'memory')).toBe(
      `{"device":"tmpfs","o":"size=1m,uid=1000,nosuid","type":"tmpfs"} ${dataOf('memory')}`,
    );
    expect(await mountsOf('memory')).toEqual([]);
    await sleeper('first', 'memory');
    const look = 'grep " /m " /proc/mounts; stat -c %u:%g:%a /m; echo there >/m/file';
    expect(await ok('exec', 'first', 'sh', '-c', look)).toMatch(
      /^tmpfs \/m tmpfs rw,nosuid,relatime,size=1024k,uid=1000\S* 0 0\n1000:0:1777$/,
    );
    expect(await inside('cat /n/file', '-v', 'memory:/n:ro')).toBe('there');
    expect(await mountsOf('memory')).toHaveLength(1);
    await sleeper('second', 'memory');
    await ok('kill', 'first');
    await ok('wait', 'first');
    expect(await ok('exec', 'second', 'cat', '/m/file')).toBe('there');
    await ok('kill', 'second');
    await ok('wait', 'second');
    expect(await mountsOf('memory')).toEqual([]);
    expect(await inside('ls /m', '-v', 'memory:/m')).toBe('');
  });

  test('many containers that start and end at once', async () => {
    await ok('volume', 'create', ...TMPFS, 'busy');
    const rounds = Array.from({ length: 8 }, (_, index) =>
      inside(`echo ${String(index)} >/m/${String(index)}; grep -c " /m tmpfs" /proc/mounts`, '-v', 'busy:/m'),
    );
    expect(await Promise.all(rounds)).toEqual(rounds.map(() => '1'));
    expect(await mountsOf('busy')).toEqual([]);
  });

  test('two volumes, one of them twice, in a container with users of its own', async () => {
    await ok('volume', 'create', ...TMPFS, 'one');
    await ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=ro', 'two');
    const script = 'echo x >/a/x; cat /b/x; touch /c/x 2>&1 || stat -c %u /a/x';
    const words = 'x\ntouch: /c/x: Read-only file system\n0';
    const flags = ['-v', 'one:/a', '-v', 'one:/b', '-v', 'two:/c'];
    expect(await inside(script, ...flags)).toBe(words);
    expect(await inside(script, '--userns=auto', ...flags)).toBe(words);
  });

  test('prune and df leave out volumes with options, as Docker; a volume in use is not removed', async () => {
    await ok('volume', 'create', ...TMPFS, 'kept');
    expect(await ok('volume', 'prune', '-af')).not.toContain('kept');
    expect(await ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}}')).toContain('Local Volumes 0');
    await sleeper('user', 'kept');
    expect((await minidock('volume', 'rm', '-f', 'kept')).stderr).toContain('volume is in use');
    expect(await mountsOf('kept')).toHaveLength(1);
  });
});

describe('when somebody is killed', () => {
  test('the shim: the next command unmounts, unless another container uses it', async () => {
    await ok('volume', 'create', ...TMPFS, 'cut');
    const [first, second] = [await sleeper('first', 'cut'), await sleeper('second', 'cut')];
    await ok('exec', 'first', 'touch', '/m/file');
    await engine.host.run(['kill', '-KILL', shimOf(first)]);
    await runningAre(second.slice(0, 12));
    expect(await ok('exec', 'second', 'ls', '/m')).toBe('file');
    await engine.host.run(['kill', '-KILL', shimOf(second)]);
    expect(await mountsOf('cut')).toHaveLength(1);
    await runningAre('');
    expect(await mountsOf('cut')).toEqual([]);
  });

  test('the command that starts it, at any time', async () => {
    await ok('volume', 'create', ...TMPFS, 'cut');
    for (const milliseconds of [0, 10, 20, 40, 60, 90]) {
      const run = engine.host.spawn([MINIDOCK, 'run', '--rm', '-v', 'cut:/m', 'test', 'true']);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      run.kill('SIGKILL');
      await run.exited;
    }
    await engine.host.waitFor(
      async () => (await ok('ps', '-aq')) === '' && (await mountsOf('cut')).length === 0,
      'nobody and nothing',
    );
  });

  test('the host: after a reboot it is mounted again', async () => {
    await ok('volume', 'create', ...TMPFS, 'again');
    const id = await sleeper('back', 'again', '--restart', 'always');
    const path = join(engine.host.root, 'containers', id, 'state.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { shimPid: number; pid: number };
    await engine.host.run(['kill', '-KILL', String(state.shimPid), String(state.pid)]);
    await succeed(engine.host.run(['umount', dataOf('again')]));
    rmSync(join(engine.host.runDir, 'volumes'), { recursive: true });
    writeFileSync(path, JSON.stringify({ ...state, bootId: 'before' }));
    expect(await ok('system', 'boot')).toBe('back');
    expect(await mountsOf('again')).toHaveLength(1);
  });
});

describe('as steps of the plan', () => {
  test.each(['volume.mount:broken', 'netns.create', 'process.start', 'rootfs.mount:/m', 'process.exec'])(
    'the host is as before when %s fails',
    async (id) => {
      await ok('volume', 'create', ...TMPFS, 'broken');
      const { exitCode, stderr } = await runWith(
        { MINIDOCK_FAIL_AT: id },
        ...['run', '--rm', '-v', 'broken:/m', 'test', 'true'],
      );
      expect({ exitCode, stderr }).toEqual({
        exitCode: 125,
        stderr: expect.stringContaining(`step ${id} (`) as unknown,
      });
      expect(await mountsOf('broken')).toEqual([]);
    },
  );

  test('--dry-run names it first, --explain tells that it is done, and stop that it is undone', async () => {
    await ok('volume', 'create', ...TMPFS, 'shown');
    const command = (text: string): string | undefined =>
      (JSON.parse(text.split('\n')[0] ?? '') as StepObject).command;
    const words = ['--name', 'shown', '-v', 'shown:/m', 'test', 'sleep', '1000'];
    const mount = `mount -t tmpfs -o size=1m,uid=1000,nosuid tmpfs ${dataOf('shown')}`;
    expect(command(await ok('run', '--dry-run', '--explain=json', ...words))).toContain(mount);
    expect(await mountsOf('shown')).toEqual([]);
    const { stderr } = await minidock('run', '-d', '--explain=json', ...words);
    expect(command(stderr)).toContain(mount);
    const stop = await minidock('stop', '-t', '0', '--explain=all', 'shown');
    expect(stop.stderr).toContain('Unmount the volume, if nobody else uses it: shown');
    expect(stop.stderr).toContain(`umount --lazy ${dataOf('shown')}`);
    expect(await mountsOf('shown')).toEqual([]);
  });

  test('a script of --script mounts and unmounts it', async () => {
    await ok('volume', 'create', ...TMPFS, 'scripted');
    const path = join(engine.host.dir, 'volume.sh');
    const program = ['test', 'sh', '-c', 'grep -c " /m tmpfs" /proc/mounts'];
    writeFileSync(path, `${await ok('run', '--script', '-v', 'scripted:/m', ...program)}\n`);
    expect((await succeed(engine.host.run(['bash', path]))).stdout).toBe('1\n');
    expect(await mountsOf('scripted')).toEqual([]);
  });

  test.each([[], ['--userns=auto']])('--step asks for it first, and takes it back %j', async (...flags) => {
    await ok('volume', 'create', ...TMPFS, 'asked');
    const terminal = await openTerminal(engine.host);
    terminal.enter([MINIDOCK, 'run', '--rm', '--step', ...flags, '-v', 'asked:/m', 'test', 'true'].join(' '));
    const first = await terminal.see(ASKED);
    expect(first.input).toContain('Mount the file system of the volume asked');
    expect(await mountsOf('asked')).toEqual([]);
    terminal.type('\r');
    await terminal.see(ASKED);
    expect(await mountsOf('asked')).toHaveLength(1);
    terminal.type('q\r');
    await terminal.see(PROMPT);
    expect(await mountsOf('asked')).toEqual([]);
    await terminal.close();
  });
});

describe('a device with ext4', () => {
  let device = '';
  beforeAll(async () => {
    const file = join(engine.host.dir, 'disk.img');
    await succeed(engine.host.run(['truncate', '-s', '16M', file]));
    await succeed(engine.host.run(['mkfs.ext4', '-q', '-E', 'root_owner=7:8', file]));
    device = (await succeed(engine.host.run(['losetup', '--find', '--show', file]))).stdout.trim();
  });
  afterAll(async () => {
    if (device !== '') await succeed(engine.host.run(['losetup', '-d', device]));
  });
  const options = (): readonly string[] => ['-o', 'type=ext4', '-o', `device=${device}`];
  const onDisk = async (): Promise<string> =>
    (await succeed(engine.host.run(['debugfs', '-R', 'ls -p /', device]))).stdout;

  test('keeps what containers write, and is free when none runs', async () => {
    await ok('volume', 'create', ...options(), 'disk');
    expect(await inside('stat -c %u:%g /m; echo kept >/m/file', '-v', 'disk:/m')).toBe('7:8');
    expect(await mountsOf('disk')).toEqual([]);
    expect(await inside('cat /m/file', '-v', 'disk:/m:ro')).toBe('kept');
    expect(await inside('cat /m/deep/file || cat /m/file', '-v', 'disk:/m', '--read-only')).toContain('kept');
    expect(await onDisk()).toContain('/file/');
  });

  test('cp reaches it in a container that does not run', async () => {
    await ok('volume', 'create', ...options(), 'disk');
    await ok('create', '--name', 'stopped', '-v', 'disk:/m', 'test', 'cat', '/m/copied');
    const file = join(engine.host.dir, 'copied');
    writeFileSync(file, 'copied\n');
    await ok('cp', file, 'stopped:/m/copied');
    expect(await mountsOf('disk')).toEqual([]);
    expect(await ok('start', '-a', 'stopped')).toBe('copied');
    await ok('cp', 'stopped:/m/copied', `${file}-back`);
    expect(readFileSync(`${file}-back`, 'utf8')).toBe('copied\n');
  });

  test('volume rm unmounts what was left mounted, and empties no device', async () => {
    await ok('volume', 'create', ...options(), 'disk');
    await inside('echo precious >/m/precious', '-v', 'disk:/m');
    await succeed(engine.host.run(['mount', device, dataOf('disk')]));
    await ok('volume', 'rm', 'disk');
    expect(await mountsOf('disk')).toEqual([]);
    expect(await onDisk()).toContain('/precious/');
  });
});

describe('what cannot be mounted is named in the error, and the host is as before', () => {
  test.each([
    ['nothing', '/x', '', 'mount -t nothing /x', 'no such device'],
    ['tmpfs', 'tmpfs', 'colour=red', 'mount -t tmpfs -o colour=red tmpfs', 'invalid argument'],
    ['ext4', '/nowhere', '', 'mount -t ext4 /nowhere', 'no such file or directory'],
    ['ext4', '/etc/passwd', '', 'mount -t ext4 /etc/passwd', 'block device required'],
  ])('%s of %s with "%s"', async (type, device, o, command, reason) => {
    await ok('volume', 'create', '-o', `type=${type}`, '-o', `device=${device}`, '-o', `o=${o}`, 'wrong');
    const { exitCode, stderr } = await minidock('run', '--rm', '-v', 'wrong:/m', 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr.split('\n')[0]).toContain(`${command} ${dataOf('wrong')}: ${reason}`);
  });

  test('an NFS server that does not answer', async () => {
    const bin = join(engine.host.dir, 'bin');
    mkdirSync(bin);
    // The kernel of a test need not have NFS: mount(8) is played by a program that waits.
    writeFileSync(join(bin, 'mount'), `#!/bin/sh\necho "$@" >${bin}/words\nexec sleep 1000\n`);
    writeFileSync(join(bin, 'timeout'), '#!/bin/sh\nshift 3\nexec /usr/bin/timeout -s KILL 0.3 "$@"\n');
    for (const name of ['mount', 'timeout']) chmodSync(join(bin, name), 0o755);
    const nfs = ['-o', 'type=nfs', '-o', 'device=:/export', '-o', 'o=addr=localhost,rw,soft'];
    await ok('volume', 'create', ...nfs, 'far');
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const { exitCode, stderr } = await runWith(env, 'run', '--rm', '-v', 'far:/m', 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(
      /^minidock: step volume\.mount:far .*: the server did not answer within 15 seconds\n/,
    );
    expect(readFileSync(join(bin, 'words'), 'utf8')).toMatch(
      new RegExp(`^-i -t nfs -o addr=(127\\.0\\.0\\.1|::1),rw,soft :/export ${dataOf('far')}\n$`),
    );
    rmSync(bin, { recursive: true });
  });
});
