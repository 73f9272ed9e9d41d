/**
 * `--restart`: what ends is started again by its shim, with Docker's back-off and counters, and what somebody stops stays
 * stopped. Between two runs the shim sleeps as any idle one.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS } from '../../support/host/host.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const FIELDS = '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}';
const fields = (name: string): Promise<string> => ok('inspect', '-f', FIELDS, name);
const start = (name: string, policy: string, script: string, ...flags: readonly string[]): Promise<string> =>
  ok('run', '-d', '--name', name, '--restart', policy, ...flags, 'test', 'sh', '-c', script);
const until = (name: string, pattern: RegExp): Promise<string> =>
  engine.host.waitFor(
    async () => {
      const now = await fields(name);
      return pattern.test(now) ? now : undefined;
    },
    `${name} to be ${String(pattern)}`,
    20_000,
  );
/** No command makes its program die. */
async function crash(name: string): Promise<void> {
  await engine.host.run(['sh', '-c', `kill -KILL $(${binary} inspect -f '{{.State.Pid}}' ${name})`]);
}

/** Between two runs, for a while: after four ends it is 1.6 seconds. */
const resting = (name: string): Promise<string> => until(name, /^restarting ([5-9]|\d\d)/);

async function shimOf(name: string): Promise<number> {
  const id = await ok('inspect', '-f', '{{.Id}}', name);
  const state = readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8');
  return (JSON.parse(state) as { readonly shimPid: number }).shimPid;
}
const sleeps = (pid: number): boolean => {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`).startsWith('/memfd:minidock');
  } catch {
    return false;
  }
};

describe('who is started again', () => {
  test('on-failure:3, three times; each run is in the log, and the last one’s status stays', async () => {
    await start('three', 'on-failure:3', 'echo run; exit 7');
    await until('three', /^exited/);
    expect(await fields('three')).toBe('exited 3 7');
    expect(await ok('logs', 'three')).toBe('run\nrun\nrun\nrun');
    expect(await ok('inspect', '-f', '{{json .HostConfig.RestartPolicy}}', 'three')).toBe(
      '{"Name":"on-failure","MaximumRetryCount":3}',
    );
    // Somebody starts it: the count begins anew.
    await ok('start', 'three');
    await until('three', /^exited 3 7/);
    expect((await ok('logs', 'three')).split('\n')).toHaveLength(8);
  });

  test('on-failure not after status 0, always after any', async () => {
    await start('fine', 'on-failure', 'exit 0');
    await start('again', 'always', 'exit 0');
    await until('again', /^restarting [2-9] 0/);
    expect(await fields('fine')).toBe('exited 0 0');
  });

  test('without a policy, or with no, nothing is', async () => {
    await start('never', 'no', 'exit 1');
    await ok('wait', 'never');
    expect(await fields('never')).toBe('exited 0 1');
    expect(await ok('inspect', '-f', '{{.HostConfig.RestartPolicy.Name}}', 'never')).toBe('no');
  });

  test('its port serves again, by an address of its own, and the shim sleeps meanwhile as ever', async () => {
    await start('web', 'always', 'echo up >/www/index.html; exec httpd -f -p 80 -h /www', '-p', '8080:80');
    const page = async (): Promise<boolean> =>
      (await engine.host.outside(['curl', '-s', '-m', '2', `http://${HOST_ADDRESS}:8080/`])).stdout ===
      'up\n';
    await engine.host.waitFor(page, 'the page');
    const shim = await shimOf('web');
    await engine.host.waitFor(() => sleeps(shim), 'the shim to sleep');
    await crash('web');
    await until('web', /^running 1/);
    await engine.host.waitFor(page, 'the page again');
    expect(await shimOf('web')).toBe(shim);
    await engine.host.waitFor(() => sleeps(shim), 'the shim to sleep again');
    await ok('rm', '-f', 'web');
    await engine.expectClean();
  });
});

describe('between two runs', () => {
  test('it says so, in ps, inspect, filters and info; the shim sleeps and wakes in time', async () => {
    await start('rest', 'always', 'exit 7');
    await resting('rest');
    const shim = await shimOf('rest');
    await engine.host.waitFor(() => sleeps(shim), 'the shim to sleep');
    expect(await ok('ps', '--format', '{{.State}} {{.Status}} {{.Ports}}')).toMatch(
      /^restarting Restarting \(7\) .* ago $/,
    );
    expect(await ok('ps', '-q', '--filter', 'status=restarting')).not.toBe('');
    expect(await ok('inspect', '-f', '{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}', 'rest')).toBe(
      'true true 0',
    );
    expect(await ok('info', '-f', '{{.ContainersRunning}} {{.ContainersStopped}}')).toBe('1 0');
    const count = Number((await fields('rest')).split(' ')[1]);
    await until('rest', new RegExp(`^\\w+ ${String(count + 1)} `));
  });

  test('what takes a program is refused in Docker’s words', async () => {
    const id = await start('rest', 'always', 'exit 7');
    await resting('rest');
    const words = `Container ${id} is restarting, wait until the container is running`;
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [['exec', 'rest', 'true'], words],
      [['pause', 'rest'], words],
      [['attach', 'rest'], 'You cannot attach to a restarting container, wait until it is running'],
      [
        ['rm', 'rest'],
        'cannot remove container "/rest": container is restarting: stop the container before removing or force remove',
      ],
    ];
    for (const [args, message] of refusals) {
      const { exitCode, stderr } = await minidock(...args);
      expect([args, exitCode, stderr.split('\n')[0]]).toEqual([args, 1, `minidock: ${message}`]);
    }
    expect(await ok('start', 'rest')).toBe('rest');
  });

  test.each([[['stop']], [['kill']], [['kill', '-s', 'HUP']]])(
    '%j ends the waiting at once',
    async (verb) => {
      await start('rest', 'always', 'exit 7');
      await resting('rest');
      const shim = await shimOf('rest');
      await ok(...verb, 'rest');
      await until('rest', /^exited \d+ 7/);
      await engine.host.waitFor(() => !existsSync(`/proc/${String(shim)}`), 'the shim to be gone');
      await ok('start', 'rest');
      await until('rest', /^restarting 1/);
      await ok('rm', '-f', 'rest');
      await engine.expectClean();
    },
  );

  test('rm -f removes it, and a killed shim leaves what can be started', async () => {
    await start('rest', 'always', 'exit 7');
    await resting('rest');
    await ok('rm', '-f', 'rest');
    expect(await ok('ps', '-aq')).toBe('');
    await start('lost', 'always', 'exit 7');
    await resting('lost');
    killProcess(await shimOf('lost'));
    expect(await fields('lost')).toMatch(/^exited \d+ 7$/);
    await ok('start', 'lost');
    await ok('rm', '-f', 'lost');
    await engine.expectClean();
  });

  test('a start that fails ends it, with what failed', async () => {
    const dir = join(engine.host.dir, 'programs');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'once'), '#!/bin/sh\nread go; exit 1\n', { mode: 0o755 });
    await ok(
      'run',
      '-d',
      '-i',
      '--name',
      'once',
      '--restart',
      'always',
      '-v',
      `${dir}:/p`,
      'test',
      '/p/once',
    );
    rmSync(join(dir, 'once'));
    await crash('once');
    await until('once', /^exited 1 127/);
    expect(await ok('inspect', '-f', '{{.State.Error}}', 'once')).toContain('/p/once');
    await ok('rm', 'once');
    await engine.expectClean();
  });
});

describe('by hand', () => {
  const POLITE = 'trap "exit 3" TERM HUP; while :; do sleep 0.1; done';

  test('stop of one that runs: it stays stopped', async () => {
    await start('polite', 'always', POLITE);
    await ok('stop', 'polite');
    expect(await fields('polite')).toBe('exited 0 3');
    await ok('restart', 'polite');
    expect(await fields('polite')).toMatch(/^running 0/);
  });

  test('a signal that is not to end it: always starts again, unless-stopped does not', async () => {
    await start('always', 'always', POLITE, '--stop-signal', 'INT');
    await start('unless', 'unless-stopped', POLITE, '--stop-signal', 'INT');
    await ok('kill', '-s', 'HUP', 'always', 'unless');
    await until('always', /^running 1/);
    await until('unless', /^exited 0 3/);
  });

  test('unless-stopped starts what ended by itself', async () => {
    await start('own', 'unless-stopped', 'exit 0');
    await until('own', /^\w+ 2/);
  });
});

describe('who waits', () => {
  test('run in the foreground ends with the first run, and its status', async () => {
    const run = await minidock(
      'run',
      '--name',
      'fore',
      '--restart',
      'always',
      'test',
      'sh',
      '-c',
      'echo once; exit 5',
    );
    expect(run).toMatchObject({ exitCode: 5, stdout: 'once\n' });
    await until('fore', /^\w+ [1-9]/);
  });

  test('wait tells the end of the run that comes next', async () => {
    await start('next', 'always', 'exit 7');
    await resting('next');
    expect(await ok('wait', 'next')).toBe('7');
  });
});

test('with --rm, and with what is no policy: refused before anything is made', async () => {
  const refused: readonly (readonly [readonly string[], string])[] = [
    [['--rm', '--restart', 'always'], 'Conflicting options: --restart and --rm'],
    [['--restart', 'on-failure:x'], 'invalid restart policy format: maximum retry count must be an integer'],
  ];
  for (const [flags, message] of refused) {
    const { exitCode, stderr } = await minidock('run', ...flags, 'test', 'true');
    expect([flags, exitCode, stderr.split('\n')[0]]).toEqual([flags, 125, `minidock: ${message}`]);
  }
  expect(await ok('ps', '-aq')).toBe('');
  expect(await ok('run', '--rm', '--restart', 'no', 'test', 'echo', 'fine')).toBe('fine');
});
