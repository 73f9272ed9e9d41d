/** What is killed without warning: the command, the shim, the container, all of them; what goes on, what is left. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { processesInside } from '../../support/host/host-cleanup.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const field = (name: string, format: string): Promise<string> => ok('inspect', '-f', format, name);
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It ended while it was looked at.
  }
};
const pidsOf = (part: string): readonly number[] =>
  processesInside(engine.host.pid).filter((pid) => commandOf(pid).includes(part));

async function killShim(id: string): Promise<void> {
  const shims = (): readonly number[] => pidsOf(`__shim {"id":"${id}`);
  // A child that is about to execute another program still has its words.
  const [pid] = await engine.host.waitFor(() => (shims().length === 1 ? shims() : undefined), 'one shim');
  killProcess(pid ?? -1);
  await engine.host.waitFor(() => pidsOf(`__shim {"id":"${id}`).length === 0, 'the shim to be gone');
}

describe('the command is killed', () => {
  test('the container goes on, its log too, and it can be attached to again', async () => {
    const script = 'i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.02; done';
    const run = engine.host.spawn([binary, 'run', '--name', 'ticker', 'test', 'sh', '-c', script]);
    await run.waitForOutput(/tick 3\n/);
    run.kill('SIGKILL');
    await run.exited;
    const seen = (await ok('logs', 'ticker')).split('\n').length;
    await engine.host.waitFor(
      async () => (await ok('logs', 'ticker')).split('\n').length > seen + 5,
      'more ticks',
    );
    const attached = engine.host.spawn([binary, 'attach', 'ticker']);
    await attached.waitForOutput(/tick \d+\n/);
    await ok('kill', 'ticker');
    expect(await attached.exited).toBe(137);
    const lines = (await ok('logs', 'ticker')).split('\n');
    expect(lines).toEqual(lines.map((_, index) => `tick ${String(index + 1)}`));
  });

  test('one that fed its input with -i: the container sees the end of it', async () => {
    const run = engine.host.spawn([
      binary,
      'run',
      '-i',
      '--name',
      'reader',
      'test',
      'sh',
      '-c',
      'cat; echo ended',
    ]);
    run.child.stdin?.write('text\n');
    await run.waitForOutput(/text/);
    run.kill('SIGKILL');
    expect(await ok('wait', 'reader')).toBe('0');
    expect(await ok('logs', 'reader')).toBe('text\nended');
  });

  test('one that reads its output slowly, or not at all, does not hold the container up once it is gone', async () => {
    const run = engine.host.spawn([binary, 'run', '--name', 'flood', 'test', 'seq', '1', '300000']);
    run.child.stdout?.pause();
    await engine.host.waitFor(
      async () => (await minidock('logs', '-n', '1', 'flood')).stdout !== '',
      'the flood',
    );
    run.kill('SIGKILL');
    expect(await ok('wait', 'flood')).toBe('0');
    expect(await ok('logs', '-n', '1', 'flood')).toBe('300000');
  });

  test('while it starts: nothing is left half made after the next command', async () => {
    for (const milliseconds of [5, 20, 40, 60, 80, 100, 150]) {
      const run = engine.host.spawn([binary, 'run', '-d', '--rm', '-p', '8080:80', 'test', 'true']);
      setTimeout(() => run.kill('SIGKILL'), milliseconds);
      await run.exited;
      // Its shim, if there is one by then, brings what it was asked for to its end.
      await engine.host.waitFor(() => pidsOf('__shim').length === 0, 'the shim to finish');
      await ok('ps', '-a');
      const left = (await ok('ps', '-aq')).split('\n').filter((id) => id !== '');
      if (left.length > 0) await ok('rm', '-f', ...left);
      await engine.expectClean();
    }
  }, 60_000);
});

describe('the shim is killed', () => {
  test('the next command notices, ends what is left, and says 255', async () => {
    const id = await ok('run', '-d', '-p', '8080:80', '--name', 'orphan', 'test', 'sleep', '1000');
    await killShim(id);
    expect(await ok('ps', '-a', '--format', '{{.Names}} {{.State}}')).toBe('orphan exited');
    expect(await field('orphan', '{{.State.ExitCode}} {{.State.Running}} {{.State.Error}}')).toBe(
      '255 false the shim was killed',
    );
    await engine.host.waitFor(async () => {
      const { links, netns, cgroups, leases, processes } = await engine.host.snapshot();
      return links.length === 3 && [netns, cgroups, leases, processes].every((list) => list.length === 0);
    }, 'nothing of the container to be left in the kernel');
    expect(await ok('start', 'orphan')).toBe('orphan');
    expect(await field('orphan', '{{.State.Running}}')).toBe('true');
    await ok('rm', '-f', 'orphan');
    await engine.expectClean();
  });

  test.each([
    ['stop', ['stop', 'orphan']],
    ['rm -f', ['rm', '-f', 'orphan']],
    ['wait', ['wait', 'orphan']],
    ['restart', ['restart', 'orphan']],
    ['a run that wants the same port', ['run', '--rm', '-p', '8080:80', 'test', 'true']],
  ])('then %s works', async (_, args) => {
    const id = await ok('run', '-d', '-p', '8080:80', '--name', 'orphan', 'test', 'sleep', '1000');
    await killShim(id);
    const { exitCode, stderr } = await minidock(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('with everyone who waits for it: they end', async () => {
    const id = await ok('run', '-d', '--name', 'orphan', 'test', 'sleep', '1000');
    const waiting = [
      ['wait', 'orphan'],
      ['logs', '-f', 'orphan'],
      ['attach', 'orphan'],
    ].map((args) => engine.host.spawn([binary, ...args]));
    await engine.host.waitFor(() => pidsOf('orphan ').length >= 3, 'the three');
    await killShim(id);
    const [status, logs] = await Promise.all(waiting.map(({ exited }) => exited));
    expect([status, logs]).toEqual([0, 0]);
    expect(waiting[0]?.output()).toBe('255\n');
  });

  test('with --rm: the container and its anonymous volume go with the next command', async () => {
    const id = await ok('run', '-d', '--rm', '-v', '/data', 'test', 'sleep', '1000');
    await killShim(id);
    await ok('ps');
    await engine.host.waitFor(async () => (await ok('ps', '-aq')) === '', 'the container to be gone');
    expect(await ok('volume', 'ls', '-q')).toBe('');
    await engine.expectClean();
  });

  test('at any moment of a start: the next command leaves nothing in the kernel', async () => {
    for (const milliseconds of [0, 5, 10, 20, 30, 45, 60, 80]) {
      const id = await ok('create', '-p', '8080:80', 'test', 'sleep', '1000');
      const run = engine.host.spawn([binary, 'start', id]);
      await engine.host.waitFor(
        () => pidsOf(`__shim {"id":"${id}`).length === 1 || run.child.exitCode !== null,
        'a shim',
      );
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      for (const pid of pidsOf(`__shim {"id":"${id}`)) killProcess(pid);
      await run.exited;
      await ok('rm', '-f', id);
      await engine.expectClean();
    }
  }, 60_000);
});

describe('the host is restarted', () => {
  test('what ran is exited with 255 and starts again', async () => {
    const id = await ok('run', '-d', '--name', 'before', 'test', 'sleep', '1000');
    await killShim(id);
    for (const pid of pidsOf('sleep 1000')) killProcess(pid);
    // Another boot: another boot id in the record, and a run directory that is gone.
    const path = join(engine.host.root, 'containers', id, 'state.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...state, bootId: 'another' }));
    await engine.host.run(['ip', 'netns', 'delete', `md-${id.slice(0, 12)}`]);
    rmSync(join(engine.host.runDir, 'containers'), { recursive: true });
    rmSync(join(engine.host.runDir, 'leases'), { recursive: true });
    expect(await field('before', '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}')).toBe(
      'exited 255 the host was restarted',
    );
    await ok('start', 'before');
    expect(await field('before', '{{.State.Running}}')).toBe('true');
  });
});

test('the program is killed: its status is 137, and nothing was out of memory', async () => {
  const id = await ok('run', '-d', '--name', 'killed', 'test', 'sleep', '1000');
  killProcess(Number(await field('killed', '{{.State.Pid}}')));
  expect(await ok('wait', 'killed')).toBe('137');
  expect(await field('killed', '{{.State.OOMKilled}}')).toBe('false');
  // A command that begins to wait after the end is on record need not wait for the last files to go.
  const runDir = join(engine.host.runDir, 'containers', id);
  await engine.host.waitFor(() => !existsSync(runDir), 'the run directory to be gone');
});

test('a directory that was swept before its maker had the lock of it takes no name along', async () => {
  const id = await ok('create', '--name', 'made', 'test', 'true');
  const swept = join(engine.host.root, 'containers', `.removing-${id}`);
  mkdirSync(swept, { mode: 0o700 });
  await ok('ps', '-a');
  expect(existsSync(swept)).toBe(false);
  const { stdout, stderr } = await minidock('inspect', '-f', '{{.Id}}', 'made');
  expect([stdout, stderr]).toEqual([`${id}\n`, '']);
});
