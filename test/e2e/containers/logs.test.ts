/** `logs`: everything that was written, in order and apart; the last lines; since and until; following. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

beforeAll(async () => {
  const script = 'for i in 1 2 3 4 5; do echo line $i; done; echo error >&2; printf unfinished';
  await ok('run', '-d', '--name', 'talker', 'test', 'sh', '-c', script);
  await ok('wait', 'talker');
});

test('both streams, each on its own', async () => {
  expect(await minidock('logs', 'talker')).toEqual({
    stdout: 'line 1\nline 2\nline 3\nline 4\nline 5\nunfinished',
    stderr: 'error\n',
    exitCode: 0,
  });
});

test('what a foreground run printed is in the log as well', async () => {
  await ok('run', '--name', 'foreground', 'test', 'echo', 'printed');
  expect(await ok('logs', 'foreground')).toBe('printed');
});

test('--tail', async () => {
  const tail = async (count: string): Promise<string> =>
    (await minidock('logs', '-n', count, 'talker')).stdout;
  expect(await tail('0')).toBe('');
  // Which of the two pipes is read first is open; how many lines it is is not.
  for (const count of [1, 3]) {
    const { stdout, stderr } = await minidock('logs', '-n', String(count), 'talker');
    const lines = [stdout, stderr].flatMap((text) => text.trimEnd().split('\n')).filter(Boolean);
    expect(lines).toHaveLength(count);
    expect(['error', 'unfinished']).toContain(lines.at(-1));
  }
  expect(await tail('99')).toMatch(/^line 1\n/);
  expect(await tail('all')).toMatch(/^line 1\n/);
  expect((await minidock('logs', '--tail', 'some', 'talker')).exitCode).not.toBe(0);
});

test('--timestamps: RFC 3339 with nanoseconds, one for each line', async () => {
  const { stdout } = await minidock('logs', '-t', 'talker');
  const lines = stdout.split('\n');
  expect(lines).toHaveLength(6);
  for (const line of lines) {
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (line \d|unfinished)$/);
  }
  const [stamp = ''] = (lines[0] ?? '').split(' ');
  expect(Math.abs(Date.parse(stamp) - Date.now())).toBeLessThan(60_000);
});

test('--since and --until', async () => {
  const script = 'echo early; read _; echo late';
  const argv = ['run', '-d', '-i', '--name', 'phases', 'test', 'sh', '-c', script];
  await ok(...argv);
  await engine.host.waitFor(async () => (await ok('logs', 'phases')) === 'early', 'the first line');
  const boundary = Date.now() + 1;
  const between = new Date(boundary).toISOString();
  await engine.host.waitFor(() => Promise.resolve(Date.now() > boundary), 'the clock to pass the boundary');
  const attach = engine.host.spawn([binary, 'attach', 'phases']);
  attach.child.stdin?.write('\n');
  await attach.waitForOutput(/late/);
  await ok('wait', 'phases');
  expect(await ok('logs', '--since', between, 'phases')).toBe('late');
  expect(await ok('logs', '--until', between, 'phases')).toBe('early');
  expect(await ok('logs', '--since', '1h', 'phases')).toBe('early\nlate');
  expect(await ok('logs', '--until', '1h', 'phases')).toBe('');
  const seconds = String(Math.floor(Date.now() / 1000) + 100);
  expect(await ok('logs', '--since', seconds, 'phases')).toBe('');
});

describe('--follow', () => {
  test('goes on as the container writes, and ends with it', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'slow',
      'test',
      'sh',
      '-c',
      'echo first; trap "echo last; exit 0" TERM; while :; do sleep 0.05; done',
    );
    const follower = engine.host.spawn([binary, 'logs', '-f', 'slow']);
    await follower.waitForOutput(/first/);
    await ok('stop', 'slow');
    expect(await follower.exited).toBe(0);
    expect(follower.output()).toBe('first\nlast\n');
  });

  test('of a container that has ended, it ends', async () => {
    expect((await minidock('logs', '-f', 'talker')).stdout).toMatch(/unfinished$/);
  });
});

test('a log of a million lines is complete', async () => {
  const started = await ok('run', '-d', 'test', 'seq', '1', '1000000');
  await ok('wait', started);
  const { stdout } = await engine.host.run([
    'bash',
    '-c',
    `"$0" logs ${started} | sha256sum; seq 1 1000000 | sha256sum`,
    binary,
  ]);
  const [logged, expected] = stdout.trim().split('\n');
  expect(logged).toBe(expected);
  expect(await ok('logs', '--tail', '2', started)).toBe('999999\n1000000');
  await ok('rm', started);
});

test('a second start appends', async () => {
  await ok('run', '--name', 'twice', 'test', 'echo', 'again');
  await ok('start', '-a', 'twice');
  expect(await ok('logs', 'twice')).toBe('again\nagain');
});

test('an unknown container', async () => {
  expect(await minidock('logs', 'nobody')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'minidock: No such container: nobody\n',
  });
});
