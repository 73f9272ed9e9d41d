/** Namespaces that a container shares with the host or with another container, as the kernel has them. */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
const { minidock, ok, expectClean } = engine;

const sleeping = (...flags: readonly string[]): Promise<string> =>
  ok('run', '-d', ...flags, 'test', 'sleep', '1000');

async function namespaceOf(name: string, type: string): Promise<string> {
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', name);
  return readlinkSync(`/proc/${pid}/ns/${type}`);
}
const host = async (...argv: readonly string[]): Promise<string> =>
  (await engine.host.run(argv)).stdout.trim();
const ofHost = (type: string): Promise<string> => host('readlink', `/proc/self/ns/${type}`);

async function sharedWith(one: string, other: string): Promise<readonly string[]> {
  const shared: string[] = [];
  for (const type of ['pid', 'ipc', 'uts', 'mnt', 'net', 'cgroup']) {
    if ((await namespaceOf(one, type)) === (await namespaceOf(other, type))) shared.push(type);
  }
  return shared;
}

describe('the PID namespace', () => {
  test('of another container: its processes are seen and signalled, all else is apart', async () => {
    await sleeping('--name', 'donor');
    await sleeping('--name', 'guest', '--pid', 'container:donor');
    expect(await sharedWith('donor', 'guest')).toEqual(['pid']);
    expect(await ok('exec', 'guest', 'cat', '/proc/1/comm')).toBe('sleep');
    expect(await ok('run', '--rm', '--pid', 'container:donor', 'test', 'sh', '-c', 'echo $$')).not.toBe('1');
    const id = await ok('inspect', '-f', '{{.Id}}', 'donor');
    expect(await ok('inspect', '-f', '{{.HostConfig.PidMode}}', 'guest')).toBe(`container:${id}`);
    await ok('rm', '-f', 'guest', 'donor');
    await expectClean();
  });

  test('stop and rm of the guest end its own processes only, also those that lost their parent', async () => {
    await sleeping('--name', 'donor');
    const script = '(sleep 1234 & sleep 1234 &) ; exec sleep 1000';
    await ok('run', '-d', '--name', 'guest', '--pid', 'container:donor', 'test', 'sh', '-c', script);
    const seen = async (): Promise<number> =>
      (await ok('exec', 'donor', 'sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')).split('sleep 1234')
        .length - 1;
    await engine.host.waitFor(async () => (await seen()) === 2, 'its two children');
    const before = Date.now();
    await ok('stop', '-t', '0', 'guest');
    expect(await seen()).toBe(0);
    expect(Date.now() - before).toBeLessThan(8000);
    expect(await ok('inspect', '-f', '{{.State.Status}}', 'donor')).toBe('running');
    await ok('rm', 'guest');
    await ok('exec', 'donor', 'true');
    await ok('rm', '-f', 'donor');
    await expectClean();
  });

  test('the end of its owner ends the guest', async () => {
    await sleeping('--name', 'donor');
    await sleeping('--name', 'guest', '--pid', 'container:donor');
    await ok('kill', 'donor');
    expect(await ok('wait', 'guest')).toBe('137');
    const { exitCode, stderr } = await minidock('start', 'guest');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('is not running');
    await ok('rm', '-f', 'guest', 'donor');
    await expectClean();
  });

  test('of the host', async () => {
    await sleeping('--name', 'guest', '--pid', 'host');
    expect(await namespaceOf('guest', 'pid')).toBe(await ofHost('pid'));
    const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'guest');
    expect(await ok('exec', 'guest', 'cat', `/proc/${pid}/comm`)).toBe('sleep');
    const view = await ok('inspect', '--host', '--format', 'table', 'guest');
    expect(view).toMatch(/^ {2}pid +\d+ +the host's own$/m);
    await ok('rm', '-f', 'guest');
    await expectClean();
  });

  test('the kernel’s words are in inspect --host: with whom it is shared', async () => {
    await sleeping('--name', 'donor');
    await sleeping('--name', 'guest', '--pid', 'container:donor');
    expect(await ok('inspect', '--host', '--format', 'table', 'guest')).toMatch(
      /^ {2}pid .*shared with donor$/m,
    );
    const graph = await ok('graph');
    expect(graph).toContain('donor');
    expect(graph).toContain('guest');
    await ok('rm', '-f', 'guest', 'donor');
  });

  test('where a container may trace, no other one begins', async () => {
    await sleeping('--name', 'donor', '--cap-add', 'SYS_PTRACE');
    const { exitCode, stderr } = await minidock('run', '--rm', '--pid', 'container:donor', 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('CAP_SYS_PTRACE');
    await ok('rm', '-f', 'donor');
    await expectClean();
  });
});

describe('the IPC namespace', () => {
  test('of a shareable container, with /dev/shm; a private one is refused', async () => {
    await sleeping('--name', 'donor', '--ipc', 'shareable', '--shm-size', '1m');
    await sleeping('--name', 'guest', '--ipc', 'container:donor');
    await sleeping('--name', 'third', '--ipc', 'container:guest');
    expect(await sharedWith('donor', 'guest')).toEqual(['ipc']);
    await ok('exec', 'guest', 'sh', '-c', 'echo word > /dev/shm/x');
    for (const name of ['donor', 'third']) expect(await ok('exec', name, 'cat', '/dev/shm/x')).toBe('word');
    expect(await ok('exec', 'guest', 'sh', '-c', 'df -k /dev/shm | tail -1')).toContain(' 1024 ');
    await sleeping('--name', 'alone');
    const { exitCode, stderr } = await minidock('run', '--rm', '--ipc', 'container:alone', 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('non-shareable IPC');
    await ok('restart', '-t', '0', 'donor');
    expect(await ok('exec', 'donor', 'ls', '/dev/shm')).toBe('');
    await ok('rm', '-f', 'third', 'guest', 'donor', 'alone');
    await expectClean();
  });

  test('of the host, and none', async () => {
    await sleeping('--name', 'hosts', '--ipc', 'host');
    expect(await namespaceOf('hosts', 'ipc')).toBe(await ofHost('ipc'));
    expect(await ok('inspect', '-f', '{{.HostConfig.IpcMode}}', 'hosts')).toBe('host');
    await ok('rm', '-f', 'hosts');
    expect(
      await ok(
        'run',
        '--rm',
        '--ipc',
        'none',
        'test',
        'sh',
        '-c',
        'ls -A /dev/shm 2>/dev/null; cat /proc/mounts | grep -c /dev/shm; true',
      ),
    ).toBe('0');
    await expectClean();
  });

  test.each(['shm.mount'])('a start that fails at %s leaves nothing', async (step) => {
    const { exitCode } = await engine.host.run(
      [MINIDOCK, 'run', '--rm', '--ipc', 'shareable', 'test', 'true'],
      {
        env: { MINIDOCK_FAIL_AT: step },
      },
    );
    expect(exitCode).toBe(125);
    await expectClean();
  });
});

test('--uts host and --cgroupns host', async () => {
  await sleeping('--name', 'guest', '--uts', 'host', '--cgroupns', 'host');
  expect(await namespaceOf('guest', 'uts')).toBe(await ofHost('uts'));
  expect(await namespaceOf('guest', 'cgroup')).toBe(await ofHost('cgroup'));
  expect(await ok('exec', 'guest', 'hostname')).toBe(await host('hostname'));
  expect(await ok('inspect', '-f', '{{.HostConfig.UTSMode}} {{.HostConfig.CgroupnsMode}}', 'guest')).toBe(
    'host host',
  );
  await ok('rm', '-f', 'guest');
  await expectClean();
});

test('--cgroup-parent: limits, exec, pause, stop and rm reach the group below it', async () => {
  const parent = `/minidock-test-parent-${String(process.pid)}`;
  const id = await sleeping('--name', 'low', '--cgroup-parent', parent);
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'low');
  expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`${parent}/${id}`);
  await ok('exec', 'low', 'true');
  await ok('pause', 'low');
  expect(await ok('inspect', '-f', '{{.State.Status}}', 'low')).toBe('paused');
  await ok('unpause', 'low');
  expect(await ok('inspect', '-f', '{{.HostConfig.CgroupParent}}', 'low')).toBe(parent);
  await ok('rm', '-f', 'low');
  await engine.host.run([
    'sh',
    '-c',
    `find /sys/fs/cgroup -depth -type d -name ${parent.slice(1)} -exec rmdir {} +`,
  ]);
  await expectClean();
});

test.each([
  [['--pid', 'foo'], '--pid: invalid PID mode'],
  [['--uts', 'foo'], '--uts: invalid UTS mode'],
  [['--ipc', 'foo'], 'invalid IPC mode: foo'],
  [['--cgroupns', 'foo'], '--cgroupns: invalid CGROUP mode'],
  [['--pid', 'container:nosuch'], 'No such container: nosuch'],
  [['--uts', 'host', '-h', 'x'], 'conflicting options: hostname and the UTS mode'],
  [['--cgroup-parent', '/a/../b'], 'invalid --cgroup-parent'],
  [['--pid', 'host', '--userns', 'auto'], 'incompatible with --userns=auto'],
])('%j is refused', async (flags, words) => {
  const { exitCode, stderr } = await minidock('run', '--rm', ...flags, 'test', 'true');
  expect(exitCode).toBe(125);
  expect(stderr).toContain(words);
});

test('annotations are in the bundle and in inspect', async () => {
  const id = await sleeping('--annotation', 'org.example.a=b=c');
  expect(await ok('inspect', '-f', '{{json .HostConfig.Annotations}}', id)).toBe('{"org.example.a":"b=c"}');
  const bundle = readFileSync(join(engine.host.runDir, 'containers', id, 'bundle/config.json'), 'utf8');
  expect((JSON.parse(bundle) as { annotations: Record<string, string> }).annotations['org.example.a']).toBe(
    'b=c',
  );
  await ok('rm', '-f', id);
});
