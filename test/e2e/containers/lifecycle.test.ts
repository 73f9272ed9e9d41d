/** A container's life as its commands show it: create, start, stop, kill, restart, wait, rename, rm, ps, inspect, port. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** Ends with the number of the signal it got, for those a shell can trap. */
const TRAPPER =
  'trap "exit 15" TERM; trap "exit 10" USR1; trap "exit 2" INT; echo ready; while :; do sleep 0.05; done';

async function startTrapper(...flags: readonly string[]): Promise<string> {
  const id = await ok('run', '-d', ...flags, 'test', 'sh', '-c', TRAPPER);
  await engine.host.waitFor(async () => (await ok('logs', id)) === 'ready', 'the traps');
  return id;
}
const state = (id: string, field: string): Promise<string> => ok('inspect', '-f', `{{.State.${field}}}`, id);

describe('create, start, wait', () => {
  test('created is not started; start prints the name; wait gives the status; it can start again', async () => {
    const id = await ok('create', '--name', 'made', '-e', 'X=1', 'test', 'sh', '-c', 'echo $X; exit 3');
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await state('made', 'Status')).toBe('created');
    await engine.host.waitFor(async () => (await engine.host.snapshot()).netns.length === 0, 'no namespace');
    expect(await ok('start', 'made')).toBe('made');
    expect(await ok('wait', 'made')).toBe('3');
    expect(await ok('wait', id.slice(0, 6), 'made')).toBe('3\n3');
    const again = await minidock('start', '-a', 'made');
    expect(again).toEqual({ stdout: '1\n', stderr: '', exitCode: 3 });
    expect(await ok('logs', 'made')).toBe('1\n1');
  });

  test('wait waits', async () => {
    const id = await ok('run', '-d', '-i', 'test', 'sh', '-c', 'read _; exit 9');
    const waiting = engine.host.spawn([binary, 'wait', id]);
    const feeding = engine.host.spawn([binary, 'attach', id]);
    await engine.host.waitFor(() => feeding.pid > 0, 'attach');
    expect(waiting.output()).toBe('');
    feeding.child.stdin?.write('\n');
    expect(await waiting.exited).toBe(0);
    expect(waiting.output()).toBe('9\n');
    expect(await feeding.exited).toBe(9);
  });

  test('what the container wrote to its root is there after a restart', async () => {
    await ok('run', '--name', 'writer', 'test', 'sh', '-c', 'cat /kept 2>/dev/null; echo again >>/kept');
    expect(await ok('start', '-a', 'writer')).toBe('again');
  });

  test('the cable of the last start, which the kernel may still be taking down, is not in the way', async () => {
    const { host } = engine;
    const id = await ok('run', '-d', 'test', 'sleep', '1000');
    const { stdout } = await host.run(['ip', '-o', 'link', 'show', 'type', 'veth']);
    const cable = /mdv[0-9a-f]+/.exec(stdout)?.[0] ?? '';
    expect(cable).toContain(id.slice(0, 8));
    await ok('stop', '-t', '0', id);
    await host.waitFor(
      async () => (await host.run(['ip', 'link', 'show', cable])).exitCode !== 0,
      'the cable to go',
    );
    await host.run(['ip', 'link', 'add', cable, 'type', 'dummy']);
    await ok('start', id);
    expect(await state(id, 'Running')).toBe('true');
    await host.run(['ip', 'link', 'delete', cable]);
  });

  test('start of what runs does nothing; several at once; an unknown one is an error and the rest goes on', async () => {
    const id = await ok('run', '-d', 'test', 'sleep', '1000');
    const pid = await state(id, 'Pid');
    await ok('create', '--name', 'second', 'test', 'sleep', '1000');
    expect(await minidock('start', id, 'nobody', 'second')).toEqual({
      exitCode: 1,
      stdout: `${id}\nsecond\n`,
      stderr: 'minidock: No such container: nobody\n',
    });
    expect([await state(id, 'Pid'), await state('second', 'Running')]).toEqual([pid, 'true']);
  });
});

describe('stop, kill, restart', () => {
  test('stop sends TERM, or the image’s or the flag’s signal', async () => {
    const plain = await startTrapper();
    expect(await ok('stop', plain)).toBe(plain);
    expect(await state(plain, 'ExitCode')).toBe('15');
    const flagged = await startTrapper('--stop-signal', 'USR1');
    await ok('stop', flagged);
    expect(await state(flagged, 'ExitCode')).toBe('10');
    const asked = await startTrapper();
    await ok('stop', '-s', 'INT', asked);
    expect(await state(asked, 'ExitCode')).toBe('2');
  });

  test('after the grace period comes KILL', async () => {
    const id = await ok('run', '-d', '--stop-timeout', '60', 'test', 'sleep', '1000');
    const begin = Date.now();
    await ok('stop', '-t', '1', id);
    expect(Date.now() - begin).toBeGreaterThanOrEqual(1000);
    expect(Date.now() - begin).toBeLessThan(8000);
    expect(await state(id, 'ExitCode')).toBe('137');
    expect(await ok('stop', id)).toBe(id);
  });

  test('kill: KILL, or a signal that the program may live through', async () => {
    const killed = await startTrapper();
    await ok('kill', killed);
    expect([await state(killed, 'Running'), await state(killed, 'ExitCode')]).toEqual(['false', '137']);
    const signalled = await startTrapper();
    await ok('kill', '-s', 'USR1', signalled);
    expect(await ok('wait', signalled)).toBe('10');
    const refused = await minidock('kill', signalled);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('is not running');
    expect((await minidock('kill', '-s', 'NONSENSE', signalled)).stderr).toContain(
      'invalid signal: NONSENSE',
    );
  });

  test('restart gives a new process, also to one that had ended', async () => {
    const id = await startTrapper();
    const before = await state(id, 'Pid');
    expect(await ok('restart', id)).toBe(id);
    const after = await state(id, 'Pid');
    expect(Number(after)).toBeGreaterThan(0);
    expect(after).not.toBe(before);
    await ok('kill', id);
    await ok('restart', id);
    expect(await state(id, 'Running')).toBe('true');
  });

  test('stopping leaves no link, namespace, rule, lease, mount or cgroup; the record stays', async () => {
    const id = await ok('run', '-d', '-p', '8080:80', 'test', 'sleep', '1000');
    await ok('stop', '-t', '0', id);
    const record = `${engine.host.root}/containers/${id}`;
    await engine.host.waitFor(async () => {
      const { containers, ...rest } = await engine.host.snapshot();
      return (
        containers.length === 1 &&
        containers[0] === record &&
        rest.links.length === 3 &&
        rest.cgroups.length === 0 &&
        rest.leases.length === 0 &&
        rest.netns.length === 0 &&
        rest.processes.length === 0
      );
    }, 'nothing but the record');
    await ok('rm', id);
    await engine.expectClean();
  });
});

describe('rm', () => {
  test('refuses what runs, unless -f; several at once', async () => {
    const one = await ok('run', '-d', '--name', 'one', 'test', 'sleep', '1000');
    await ok('create', '--name', 'two', 'test', 'true');
    const refused = await minidock('rm', 'one');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /container is running: stop the container before removing or force remove/,
    );
    expect(await ok('rm', '-f', 'one', 'two')).toBe('one\ntwo');
    expect(await minidock('inspect', one)).toMatchObject({ exitCode: 1 });
    expect((await minidock('rm', 'one')).exitCode).toBe(1);
    expect((await minidock('rm', '-f', 'one')).exitCode).toBe(0);
    await engine.expectClean();
  });
});

test('rm waits for the command that holds the container, and then removes it', async () => {
  const id = await ok('create', '--name', 'held', 'test', 'true');
  const lock = join(engine.host.root, 'containers', id, 'lock');
  const holder = engine.host.spawn(['flock', '--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 1000']);
  await holder.waitForOutput(/held/);
  const trace = join(engine.host.dir, 'trace-rm');
  const removal = engine.host.spawn(['env', `MINIDOCK_TRACE=${trace}`, binary, 'rm', 'held']);
  let ended = false;
  void removal.exited.then(() => (ended = true));
  const waits = (): boolean => existsSync(trace) && readFileSync(trace, 'utf8').includes('wait for its lock');
  await engine.host.waitFor(() => ended || waits(), 'rm at the lock');
  expect(ended).toBe(false);
  holder.kill();
  expect(await removal.exited).toBe(0);
  expect(await ok('ps', '-aq')).toBe('');
});

describe('rename', () => {
  test('the new name works, the old is free, a taken one is refused', async () => {
    const id = await ok('run', '-d', '--name', 'before', 'test', 'sleep', '1000');
    await ok('rename', 'before', 'after');
    expect(await ok('inspect', '-f', '{{.Name}}', 'after')).toBe('/after');
    expect((await minidock('inspect', 'before')).exitCode).toBe(1);
    await ok('create', '--name', 'before', 'test', 'true');
    const refused = await minidock('rename', 'after', 'before');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('"/before" is already in use');
    expect((await minidock('rename', 'after', '-')).stderr).toContain('Invalid container name');
    expect(await ok('inspect', '-f', '{{.Id}}', 'after')).toBe(id);
  });
});

describe('references', () => {
  test('names, ids and unambiguous prefixes, for every command', async () => {
    const id = await ok('run', '-d', '--name', 'named', 'test', 'sleep', '1000');
    for (const reference of ['named', '/named', id, id.slice(0, 12), id.slice(0, 3)]) {
      expect(await ok('inspect', '-f', '{{.Id}}', reference)).toBe(id);
      expect(await ok('exec', reference, 'echo', 'here')).toBe('here');
      expect(await ok('logs', reference)).toBe('');
      expect(await ok('port', reference)).toBe('');
    }
    expect(await ok('stop', '-t', '0', id.slice(0, 4))).toBe(id.slice(0, 4));
  });

  test('an ambiguous prefix is refused', async () => {
    const ids: string[] = [];
    // Sixteen digits: by the seventeenth container two begin with the same.
    for (let index = 0; index < 17; index += 1) ids.push(await ok('create', 'test', 'true'));
    const first =
      ids.map((id) => id.charAt(0)).find((digit, index, all) => all.indexOf(digit) !== index) ?? '';
    const { exitCode, stderr } = await minidock('inspect', '--type', 'container', first);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`multiple IDs found with provided prefix: ${first}`);
  });
});

describe('ps', () => {
  test('columns, -a, -q, -n, -l, --no-trunc, filters, formats, sizes', async () => {
    const up = await ok(
      'run',
      '-d',
      '--name',
      'up',
      '-l',
      'tier=web',
      '-p',
      '8080:80',
      'test',
      'sleep',
      '1000',
    );
    await ok('run', '--name', 'down', '-l', 'tier=db', 'test', 'sh', '-c', 'echo 12345 >/file; exit 4').catch(
      () => undefined,
    );
    const made = await ok('create', '--name', 'made', 'test', 'true');
    const [header = '', ...rows] = (await ok('ps')).split('\n');
    expect(header).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(
      new RegExp(
        `^${up.slice(0, 12)} +test +"sleep 1000" +\\d+ seconds? ago|Less than a second ago +Up .* +0\\.0\\.0\\.0:8080->80/tcp, :::8080->80/tcp +up$`,
      ),
    );
    expect(await ok('ps', '-a', '--format', '{{.Names}}:{{.State}}')).toBe(
      'made:created\ndown:exited\nup:running',
    );
    expect(await ok('ps', '-aq')).toHaveLength(12 * 3 + 2);
    expect(await ok('ps', '-q', '--no-trunc')).toBe(up);
    expect(await ok('ps', '-lq', '--no-trunc')).toBe(made);
    expect(await ok('ps', '-n', '2', '--format', '{{.Names}}')).toBe('made\ndown');
    const names = (...filters: readonly string[]): Promise<string> =>
      ok('ps', '-a', ...filters.flatMap((filter) => ['-f', filter]), '--format', '{{.Names}}');
    expect(await names('status=exited')).toBe('down');
    expect(await names('exited=4')).toBe('down');
    expect(await names('label=tier')).toBe('down\nup');
    expect(await names('label=tier=web')).toBe('up');
    expect(await names('name=ma')).toBe('made');
    expect(await names(`id=${up.slice(0, 5)}`)).toBe('up');
    expect(await names('ancestor=test', 'status=running')).toBe('up');
    expect(await names('publish=8080')).toBe('up');
    expect((await minidock('ps', '-f', 'colour=red')).stderr).toContain("invalid filter 'colour'");
    expect(await ok('ps', '-as', '--format', '{{.Names}} {{.Size}}')).toMatch(/down 6B \(virtual .*\)/);
    expect(JSON.parse(await ok('ps', '-f', 'name=^up$', '--format', 'json'))).toMatchObject({
      Names: 'up',
      Image: 'test',
      State: 'running',
    });
    expect(await ok('ps', '-a', '--format', 'table {{.Names}}\t{{.Status}}')).toMatch(
      /^NAMES +STATUS\nmade +Created\ndown +Exited \(4\) .* ago\nup +Up /,
    );
  });
});

describe('inspect and port', () => {
  test('Docker’s fields', async () => {
    const id = await ok(
      'run',
      '-d',
      '--name',
      'looked-at',
      '-p',
      '8081:80',
      '-p',
      '127.0.0.1:5353:53/udp',
      '-P',
      '--expose',
      '99',
      'test',
      'sleep',
      '1000',
    );
    const [data] = JSON.parse(await ok('inspect', 'looked-at')) as [Record<string, unknown>];
    expect(data).toMatchObject({
      Id: id,
      Name: '/looked-at',
      Path: 'sleep',
      Args: ['1000'],
      State: { Status: 'running', Running: true, Paused: false, OOMKilled: false, ExitCode: 0, Error: '' },
      Config: { Hostname: id.slice(0, 12), Cmd: ['sleep', '1000'], Image: 'test', Tty: false },
      HostConfig: { NetworkMode: 'bridge', Privileged: false },
      NetworkSettings: {
        Ports: {
          '80/tcp': [
            { HostIp: '0.0.0.0', HostPort: '8081' },
            { HostIp: '::', HostPort: '8081' },
          ],
          '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }],
        },
        Gateway: '172.17.0.1',
        IPPrefixLen: 16,
      },
    });
    const article = '{{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    expect(await ok('inspect', '-f', article, 'looked-at')).toMatch(/^172\.17\.0\.\d+$/);
    expect(await ok('exec', 'looked-at', 'hostname', '-i')).toBe(
      await ok('inspect', '-f', article, 'looked-at'),
    );
    expect(await ok('port', 'looked-at', '80')).toBe('0.0.0.0:8081\n[::]:8081');
    expect(await ok('port', 'looked-at', '53/udp')).toBe('127.0.0.1:5353');
    expect(await ok('port', 'looked-at')).toMatch(
      /^53\/udp -> 127\.0\.0\.1:5353\n80\/tcp -> 0\.0\.0\.0:8081\n80\/tcp -> \[::\]:8081\n99\/tcp -> 0\.0\.0\.0:(\d+)\n99\/tcp -> \[::\]:\1$/,
    );
    expect(await minidock('port', 'looked-at', '81')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("No public port '81/tcp' published for looked-at") as unknown,
    });
    const missing = await minidock('inspect', 'nobody');
    expect(missing).toMatchObject({ exitCode: 1, stdout: '[]\n' });
    expect(missing.stderr).toContain('nobody');
  });

  test('times and status after the end', async () => {
    await ok('run', '--name', 'ended', 'test', 'sh', '-c', 'exit 6').catch(() => undefined);
    const format =
      '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.FinishedAt}} {{.NetworkSettings.IPAddress}}';
    const [status, running, pid, code, started = '', finished = '', address = ''] = (
      await ok('inspect', '-f', format, 'ended')
    ).split(' ');
    expect([status, running, pid, code, address]).toEqual(['exited', 'false', '0', '6', '']);
    expect(started).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d+Z$/);
    expect(finished >= started).toBe(true);
  });
});

test('info and version answer, and count containers', async () => {
  await ok('run', '-d', 'test', 'sleep', '1000');
  await ok('create', 'test', 'true');
  expect(await ok('info', '--format', '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}}')).toBe(
    '2 1 1',
  );
  expect(await ok('version', '--format', '{{.Client.Version}}')).toMatch(/^\d+\.\d+\.\d+/);
});
