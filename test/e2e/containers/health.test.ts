/**
 * Health checks: probed by the shim's process for it, with what confines the container, and told by ps, inspect and
 * filters. Between two probes the shim sleeps.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  }[];
}

const start = (name: string, command: string, ...flags: readonly string[]): Promise<string> =>
  ok(
    'run',
    '-d',
    '--name',
    name,
    '--health-cmd',
    command,
    '--health-interval',
    '200ms',
    ...flags,
    'test',
    'sleep',
    '1000',
  );
const health = async (name: string): Promise<Health> =>
  JSON.parse(await ok('inspect', '-f', '{{json .State.Health}}', name)) as Health;
const until = (name: string, is: (now: Health) => boolean, what: string): Promise<Health> =>
  engine.host.waitFor(
    async () => {
      const now = await health(name);
      return is(now) ? now : undefined;
    },
    what,
    20_000,
  );
const untilStatus = (name: string, status: string): Promise<Health> =>
  until(name, (now) => now.Status === status, `${name} to be ${status}`);

test('starting, healthy, unhealthy, healthy: in ps, inspect and the filter', async () => {
  await start(
    'well',
    'echo to-out; echo to-err >&2; test ! -e /bad',
    '--health-retries',
    '2',
    '--health-start-period',
    '1h',
    '--health-start-interval',
    '100ms',
  );
  expect((await health('well')).Status).toMatch(/^(starting|healthy)$/);
  const first = await untilStatus('well', 'healthy');
  expect(first.Log[0]).toMatchObject({ ExitCode: 0, Output: 'to-out\nto-err\n' });
  expect(Date.parse(first.Log[0]?.End ?? '')).toBeGreaterThanOrEqual(Date.parse(first.Log[0]?.Start ?? ''));
  expect(await ok('ps', '--format', '{{.Status}}')).toMatch(/^Up .* \(healthy\)$/);
  await ok('exec', 'well', 'touch', '/bad');
  const bad = await untilStatus('well', 'unhealthy');
  expect(bad.FailingStreak).toBeGreaterThanOrEqual(2);
  expect(await ok('ps', '--format', '{{.Names}} {{.Status}}', '--filter', 'health=unhealthy')).toMatch(
    /^well .* \(unhealthy\)$/,
  );
  expect(await ok('ps', '-q', '--filter', 'health=healthy')).toBe('');
  await ok('exec', 'well', 'rm', '/bad');
  const again = await until(
    'well',
    (now) => now.Status === 'healthy' && now.Log.length === 5,
    'five results',
  );
  expect(again.FailingStreak).toBe(0);
  await ok('stop', '-t', '0', 'well');
  expect((await health('well')).Status).toBe('unhealthy');
  await ok('start', 'well');
  expect((await health('well')).Status).toMatch(/^(starting|healthy)$/);
});

test('before the first result ps says so; a container without a check, or with none, says nothing', async () => {
  await ok('run', '-d', '--name', 'new', '--health-cmd', 'true', 'test', 'sleep', '1000');
  await ok('run', '-d', '--name', 'plain', 'test', 'sleep', '1000');
  await ok('run', '-d', '--name', 'off', '--no-healthcheck', 'test', 'sleep', '1000');
  const rows = (await ok('ps', '--format', '{{.Names}} {{.Status}}')).split('\n').sort();
  expect(rows).toEqual([
    expect.stringMatching(/^new Up .* \(health: starting\)$/),
    expect.stringMatching(/^off Up [^(]*$/),
    expect.stringMatching(/^plain Up [^(]*$/),
  ]);
  expect(await ok('inspect', '-f', '{{json .State.Health}} {{json .Config.Healthcheck}}', 'off')).toBe(
    'null {"Test":["NONE"]}',
  );
  expect((await ok('ps', '-q', '--filter', 'health=none')).split('\n')).toHaveLength(2);
  const wrong = await minidock('ps', '--filter', 'health=fine');
  expect(wrong.stderr).toContain('unrecognized filter value for health: fine');
});

test('what does not end in time is killed in the container, and says so', async () => {
  await start('slow', 'echo begun; sleep 54321', '--health-timeout', '300ms', '--health-retries', '1');
  const {
    Log: [result],
  } = await untilStatus('slow', 'unhealthy');
  expect(result).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (300ms): begun\n' });
  await ok('pause', 'slow');
  await ok('unpause', 'slow');
  await engine.host.waitFor(
    async () =>
      (await ok('exec', 'slow', 'ps')).split('\n').filter((line) => line.includes('54321')).length <= 2,
    'no more than the probe of the moment',
  );
});

test('output without end is kept up to 4096 bytes, and the container does not suffer', async () => {
  await start('loud', 'head -c 9000000 /dev/zero | tr "\\0" x');
  const { Log } = await untilStatus('loud', 'healthy');
  expect(Log[0]?.Output).toBe(`${'x'.repeat(4096)}...`);
});

test('a command that is not there; and one that tells what confines it', async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'none',
    '--health-cmd',
    '/not/there',
    '--health-interval',
    '200ms',
    '--health-retries',
    '1',
    'test',
    'sleep',
    '1000',
  );
  expect((await untilStatus('none', 'unhealthy')).Log[0]?.Output).toContain('/not/there');
  await start(
    'confined',
    'id -u; grep -c minidock /proc/self/cgroup; grep CapBnd /proc/self/status; grep Seccomp: /proc/self/status',
    '-u',
    '1234',
    '--cap-drop',
    'ALL',
  );
  const {
    Log: [result],
  } = await untilStatus('confined', 'healthy');
  expect(result?.Output).toMatch(/^1234\n\d+\nCapBnd:\t0000000000000000\nSeccomp:\t2\n$/);
}, 60_000);

test('the shim sleeps between two probes', async () => {
  const id = await ok(
    'run',
    '-d',
    '--name',
    'idle',
    '--health-cmd',
    'true',
    '--health-interval',
    '3s',
    'test',
    'sleep',
    '1000',
  );
  const { shimPid } = JSON.parse(
    readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8'),
  ) as { shimPid: number };
  const sleeps = (): boolean => readlinkSync(`/proc/${String(shimPid)}/exe`).startsWith('/memfd:minidock');
  await untilStatus('idle', 'healthy');
  await engine.host.waitFor(sleeps, 'the shim to sleep');
  const { Log } = await health('idle');
  await until('idle', (now) => now.Log.length > Log.length, 'the next result');
  await engine.host.waitFor(sleeps, 'the shim to sleep again');
  await ok('rm', '-f', 'idle');
  await engine.expectClean();
});

test('a container that ends during a probe, and one whose result file is damaged', async () => {
  const id = await start('ends', 'sleep 1000');
  await engine.host.waitFor(async () => (await ok('exec', 'ends', 'ps')).includes('sleep 1000'), 'a probe');
  await ok('kill', 'ends');
  await ok('rm', 'ends');
  expect(id).not.toBe('');
  const other = await start('damaged', 'true');
  await untilStatus('damaged', 'healthy');
  await engine.host.run(['sh', '-c', `echo '{' >${engine.host.root}/containers/${other}/health.json`]);
  expect((await minidock('ps')).exitCode).toBe(0);
  await untilStatus('damaged', 'healthy');
  await ok('rm', '-f', 'damaged');
  await engine.expectClean();
});
