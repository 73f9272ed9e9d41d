/** `exec`: one more process in a running container, with the same walls around it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readPairs, useEngine } from '../../support/engine.ts';
import { testUnless } from '../../support/host/requirements.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');
const untraceable =
  spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0 ? '' : 'strace may not trace here';
let pid: string;

beforeAll(async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'box',
    '-e',
    'MADE=run',
    '-w',
    '/www',
    '-m',
    '64m',
    'test',
    'sleep',
    '1000',
  );
  pid = await ok('inspect', '-f', '{{.State.Pid}}', 'box');
});

test('streams apart, status handed on, input handed in', async () => {
  expect(await minidock('exec', 'box', 'sh', '-c', 'echo out; echo err >&2; exit 5')).toEqual({
    stdout: 'out\n',
    stderr: 'err\n',
    exitCode: 5,
  });
  const input = 'x'.repeat(3_000_000);
  const counted = await engine.host.run([binary, 'exec', '-i', 'box', 'wc', '-c'], { input });
  expect(counted).toEqual({ stdout: '3000000\n', stderr: '', exitCode: 0 });
  expect((await engine.host.run([binary, 'exec', 'box', 'cat'], { input: 'not for it' })).stdout).toBe('');
});

test('the same namespaces, root, cgroup and limits as the container', async () => {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'];
  const seen = await ok(
    'exec',
    'box',
    'sh',
    '-c',
    `for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`,
  );
  expect(seen.split('\n')).toEqual(kinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`)));
  expect(await ok('exec', 'box', 'cat', '/www/index.html')).toBe('hello from the image');
  const own = (await ok('exec', 'box', 'cat', '/proc/self/cgroup')).split('\n');
  for (const line of own) expect(line).toMatch(/:\/$/);
});

test('the same privileges, filter, and nothing inherited', async () => {
  const script = "sed -n 's/:\\t/=/p' /proc/self/status; ls /proc/self/fd | wc -l";
  const status = readPairs(await ok('exec', 'box', 'sh', '-c', script));
  expect(status).toMatchObject({
    CapEff: '00000000a80425fb',
    CapBnd: '00000000a80425fb',
    Seccomp: '2',
    SigIgn: '0000000000000000',
    SigBlk: '0000000000000000',
  });
  const privileged = readPairs(await ok('exec', '--privileged', 'box', 'sh', '-c', script));
  expect(privileged['CapEff']).not.toBe('00000000a80425fb');
  const user = readPairs(await ok('exec', '-u', 'app', 'box', 'sh', '-c', script));
  expect(user).toMatchObject({ CapEff: '0000000000000000', CapBnd: '00000000a80425fb' });
});

test('no_new_privs and the limits of the container hold for it', async () => {
  const flags = ['--security-opt', 'no-new-privileges', '--ulimit', 'nofile=100:200', '--ulimit', 'core=0'];
  await ok('run', '-d', '--name', 'bound', ...flags, 'test', 'sleep', '1000');
  const script = 'grep NoNewPrivs /proc/self/status; ulimit -Sn; ulimit -Hn; ulimit -c';
  for (const more of [[], ['-u', 'app'], ['--privileged']])
    expect(await ok('exec', ...more, 'bound', 'sh', '-c', script)).toBe('NoNewPrivs:\t1\n100\n200\n0');
  await ok('rm', '-f', 'bound');
  // It is those flags' doing.
  expect((await ok('exec', 'box', 'sh', '-c', script)).split('\n').slice(0, 2)).not.toEqual([
    'NoNewPrivs:\t1',
    '100',
  ]);
});

test('-e, -w and -u', async () => {
  expect(await ok('exec', 'box', 'sh', '-c', 'pwd; echo $MADE; id -u; echo $HOME')).toBe(
    '/www\nrun\n0\n/root',
  );
  const flags = ['-e', 'MADE=exec', '-e', 'MORE=1', '-w', '/tmp', '-u', 'app:staff'];
  expect(await ok('exec', ...flags, 'box', 'sh', '-c', 'pwd; echo $MADE$MORE; id; echo $HOME')).toBe(
    '/tmp\nexec1\nuid=1000(app) gid=50(staff) groups=50(staff)\n/home/app',
  );
});

test('-d returns at once and the process goes on', async () => {
  expect(await ok('exec', '-d', 'box', 'sh', '-c', 'echo $$ >/tmp/detached; exec sleep 999')).toBe('');
  await engine.host.waitFor(
    async () =>
      (await minidock('exec', 'box', 'sh', '-c', 'ps -o args | grep -c "^sleep 999"')).stdout === '1\n',
    'the detached process',
  );
  await ok('exec', 'box', 'sh', '-c', 'kill $(cat /tmp/detached)');
});

describe('what fails', () => {
  test.each([
    ['not found', ['box', 'no-such-program'], 127, /no-such-program/],
    ['not executable', ['box', '/etc/not-executable'], 126, /permission denied/],
    ['unknown user', ['-u', 'nobody-here', 'box', 'true'], 125, /nobody-here/],
    ['unknown container', ['nobody', 'true'], 1, /No such container: nobody/],
    ['unknown flag', ['--fly', 'box', 'true'], 125, /unknown flag: --fly/],
  ])('%s', async (_, args, status, words) => {
    const { exitCode, stdout, stderr } = await minidock('exec', ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: status, stdout: '' });
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^minidock: /);
  });

  test('a container that does not run', async () => {
    await ok('create', '--name', 'idle', 'test', 'true');
    const { exitCode, stderr } = await minidock('exec', 'idle', 'true');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/is not running\nStart it first: minidock start idle\n/);
    await ok('rm', 'idle');
  });

  test('nothing is left in the run directory', () => {
    const [id = ''] = readdirSync(join(engine.host.runDir, 'containers'));
    expect(
      readdirSync(join(engine.host.runDir, 'containers', id)).filter((name) => name.startsWith('exec-')),
    ).toEqual([]);
  });
});

test('killed with the container: exec ends when its process does', async () => {
  await ok('run', '-d', '--name', 'doomed', 'test', 'sleep', '1000');
  const inside = engine.host.spawn([binary, 'exec', 'doomed', 'sh', '-c', 'echo here; exec sleep 1000']);
  await inside.waitForOutput(/here/);
  await ok('rm', '-f', 'doomed');
  expect(await inside.exited).toBe(137);
});

test('a signal to the command ends the process by its signal, as 128 plus its number', async () => {
  const { exitCode } = await minidock('exec', 'box', 'sh', '-c', 'kill -TERM $$');
  expect(exitCode).toBe(143);
});

test('what enters takes little room: one more process for a moment, no memory of the engine’s', async () => {
  await ok('run', '-d', '--name', 'tight', '--pids-limit', '4', '-m', '6m', 'test', 'sleep', '1000');
  expect(await ok('exec', 'tight', 'echo', 'there')).toBe('there');
  const waiting = engine.host.spawn([binary, 'exec', 'tight', 'sh', '-c', 'echo here; exec sleep 1000']);
  await waiting.waitForOutput(/here/);
  expect((await ok('exec', 'tight', 'ps', '-o', 'args')).split('\n').slice(1)).toEqual([
    'sleep 1000',
    'sleep 1000',
    'ps -o args',
  ]);
  await ok('rm', '-f', 'tight');
  expect(await waiting.exited).toBe(137);
});

test('a limit of processes for the user counts the program alone', async () => {
  const flags = ['-u', 'app', '--ulimit', 'nproc=2:2'];
  await ok('run', '-d', '--name', 'few', ...flags, 'test', 'sleep', '1000');
  expect(await ok('exec', 'few', 'sh', '-c', 'ulimit -u')).toBe('2');
  await ok('rm', '-f', 'few');
});

test('its standard input is the container’s own null device', async () => {
  const own = await ok('exec', 'box', 'stat', '-c', '%d:%i', '/dev/null');
  expect(await ok('exec', 'box', 'stat', '-L', '-c', '%d:%i', '/proc/self/fd/0')).toBe(own);
});

test('the oom score of the container holds for it', async () => {
  await ok('run', '-d', '--name', 'scored', '--oom-score-adj', '321', 'test', 'sleep', '1000');
  expect(await ok('exec', 'scored', 'cat', '/proc/self/oom_score_adj')).toBe('321');
  await ok('rm', '-f', 'scored');
});

testUnless(
  untraceable,
  'its first process has a session and a keyring of its own before it can be traced inside',
  async () => {
    const record = join(engine.host.dir, 'exec-calls');
    const traced = ['strace', '-f', '-qq', '-e', 'trace=setsid,keyctl,clone,clone3', '-o', record];
    await engine.host.run([...traced, binary, 'exec', 'box', 'true']);
    const calls = readFileSync(record, 'utf8').split('\n');
    // Only the child of the list has the caller's parent.
    const born = calls.findIndex((line) => line.includes('CLONE_PARENT') && !line.includes('CLONE_THREAD'));
    const pid = calls[born]?.split(' ', 1)[0] ?? 'nobody';
    expect(born).toBeGreaterThan(-1);
    // The session is the bearing process's own; the keyring has been inherited by then.
    for (const own of [`${pid} setsid(`, ' keyctl(KEYCTL_JOIN_SESSION_KEYRING, "_ses.']) {
      const made = calls.findIndex((line) => line.replace(/ +/, ' ').includes(own));
      expect([own, made >= 0, made < born]).toEqual([own, true, true]);
    }
  },
);
