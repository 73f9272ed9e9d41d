/**
 * `pause` and `unpause`, by the kernel's freezer in both of its versions: nothing in the container moves, and every
 * other verb says or does what Docker's does with a paused container.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { installImages, succeed } from '../../support/images/image.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { missingController } from '../../support/host/requirements.ts';

const binary = join(import.meta.dirname, '../../../dist/minidock');
/** Says a line as fast as it can; ends with 3 when asked. */
const TICKER = 'trap "exit 3" TERM; while :; do echo tick; sleep 0.01; done';

const versions = (['machine', 'v2'] as const).filter(
  (cgroup) => cgroup === 'v2' || missingController('freezer') === '',
);

describe.each(versions)('cgroups of the %s', (cgroup) => {
  let host: TestHost;
  const minidock = (...args: readonly string[]): Promise<RunResult> => host.minidock(...args);
  const ok = async (...args: readonly string[]): Promise<string> =>
    (await succeed(minidock(...args))).stdout.replace(/\n$/, '');
  const start = (name: string): Promise<string> =>
    ok('run', '-d', '--name', name, 'test', 'sh', '-c', TICKER);
  const lines = async (name: string): Promise<number> => (await ok('logs', name)).split('\n').length;
  const ticks = async (name: string): Promise<void> => {
    const before = await lines(name);
    await host.waitFor(async () => (await lines(name)) > before + 2, 'more lines');
  };
  const status = (name: string): Promise<string> => ok('inspect', '-f', '{{.State.Status}}', name);

  beforeAll(async () => {
    host = await createHost({ cgroup });
    await installImages(host);
  });
  afterEach(async () => {
    const left = (await ok('ps', '-aq')).split('\n').filter((id) => id !== '');
    if (left.length > 0) await ok('rm', '-f', ...left);
  });
  afterAll(() => host.dispose());

  test('nothing moves until it is unpaused, and ps and inspect say so', async () => {
    await start('clock');
    await ticks('clock');
    expect(await ok('pause', 'clock')).toBe('clock');
    // What was in the pipe has been read once two looks see the same.
    const still = await host.waitFor(async () => {
      const count = await lines('clock');
      return (await lines('clock')) === count ? count : undefined;
    }, 'a log that stands still');
    const usage = (): Promise<RunResult> =>
      host.run(['sh', '-c', `cat /proc/$(${binary} inspect -f '{{.State.Pid}}' clock)/stat`]);
    const [one, two] = [(await usage()).stdout, (await usage()).stdout];
    expect(two).toBe(one);
    expect(await lines('clock')).toBe(still);
    expect(await ok('ps', '--format', '{{.State}} {{.Status}}')).toMatch(/^paused Up .* \(Paused\)$/);
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}', 'clock')).toBe(
      'paused true true',
    );
    expect(await ok('ps', '-q', '--filter', 'status=paused')).not.toBe('');
    expect(await ok('ps', '-q', '--filter', 'status=running')).toBe('');
    expect(await ok('info', '-f', '{{.ContainersRunning}} {{.ContainersPaused}}')).toBe('0 1');
    expect(await ok('unpause', 'clock')).toBe('clock');
    await ticks('clock');
    expect(await status('clock')).toBe('running');
  });

  test('the kernel decides: one that is thawed by hand runs, and says so', async () => {
    const id = await start('clock');
    await ok('pause', 'clock');
    const thaw = `echo THAWED >/sys/fs/cgroup/freezer/minidock/${id}/freezer.state || echo 0 >/sys/fs/cgroup/minidock/${id}/cgroup.freeze`;
    await host.run(['sh', '-c', thaw]);
    expect(await status('clock')).toBe('running');
    await ticks('clock');
    expect((await minidock('unpause', 'clock')).stderr).toBe(`minidock: Container ${id} is not paused\n`);
    await ok('pause', 'clock');
    expect(await status('clock')).toBe('paused');
  });

  test('what cannot be done meanwhile is refused in Docker’s words', async () => {
    const id = await start('clock');
    await ok('pause', 'clock');
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [['pause', 'clock'], `Container ${id} is already paused`],
      [['exec', 'clock', 'true'], `Container ${id} is paused, unpause the container before exec`],
      [['start', 'clock'], 'cannot start a paused container, try unpause instead'],
      [['attach', 'clock'], 'You cannot attach to a paused container, unpause it first'],
      [['rm', 'clock'], 'cannot remove container "/clock": container is paused and must be unpaused first'],
      [['pause', 'nobody'], 'No such container: nobody'],
    ];
    for (const [args, message] of refusals) {
      const { exitCode, stderr } = await minidock(...args);
      expect([args, exitCode, stderr.split('\n')[0]]).toEqual([args, 1, `minidock: ${message}`]);
    }
    await ok('unpause', 'clock');
    await ok('stop', 'clock');
    expect((await minidock('pause', 'clock')).stderr).toBe(`minidock: container ${id} is not running\n`);
    expect((await minidock('unpause', 'clock')).stderr).toBe(`minidock: Container ${id} is not paused\n`);
  });

  test('one of several that cannot be paused is an error, and the others are paused', async () => {
    await start('one');
    await start('two');
    const { exitCode, stdout, stderr } = await minidock('pause', 'one', 'nobody', 'two');
    expect([exitCode, stdout, stderr]).toEqual([1, 'one\ntwo\n', 'minidock: No such container: nobody\n']);
    expect(await ok('ps', '--filter', 'status=paused', '-q')).toMatch(/^\w+\n\w+$/);
  });

  test.each([
    [['stop'], '3'],
    [['kill', '-s', 'TERM'], '3'],
    [['kill'], '137'],
  ])('%j ends a paused container, which goes on for that', async (verb, code) => {
    await start('clock');
    await ok('pause', 'clock');
    await ok(...verb, 'clock');
    expect(await ok('wait', 'clock')).toBe(code);
    expect(await status('clock')).toBe('exited');
    await ok('start', 'clock');
    await ticks('clock');
  });

  test('a signal that is not to end it stays pending', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'hup',
      '--stop-signal',
      'INT',
      'test',
      'sh',
      '-c',
      `trap "exit 9" HUP; ${TICKER}`,
    );
    await ok('pause', 'hup');
    await ok('kill', '-s', 'HUP', 'hup');
    expect(await status('hup')).toBe('paused');
    await ok('unpause', 'hup');
    expect(await ok('wait', 'hup')).toBe('9');
  });

  test('rm -f, and the end of the process that killed its shim', async () => {
    await start('gone');
    await ok('pause', 'gone');
    await ok('rm', '-f', 'gone');
    await start('lost');
    await ok('pause', 'lost');
    await host.run([
      'sh',
      '-c',
      `kill -KILL $(sed 's/.*"shimPid":\\([0-9]*\\).*/\\1/' ${host.root}/containers/*/state.json)`,
    ]);
    expect(await ok('ps', '-a', '--format', '{{.Names}} {{.Status}}')).toMatch(/^lost Exited \(255\)/);
  });

  test.each(['cgroup.freeze', 'cgroup.settle'])('pause fails at %s: it runs on', async (step) => {
    await start('clock');
    const { exitCode, stderr } = await host.run([binary, 'pause', 'clock'], {
      env: { MINIDOCK_FAIL_AT: step },
    });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`step ${step} (`)]);
    expect(await status('clock')).toBe('running');
    await ticks('clock');
  });

  test.each(['layer.pack', 'image.name', 'cgroup.thaw'])(
    'commit is killed before %s: it goes on',
    async (step) => {
      await start('clock');
      await ok('exec', 'clock', 'touch', '/new');
      await host.run([binary, 'commit', 'clock'], { env: { MINIDOCK_FAIL_AT: `kill:${step}` } });
      expect(await status('clock')).toBe('running');
      await ticks('clock');
      await ok('image', 'prune', '-f');
    },
  );

  test('unpause fails: it stays paused, and can be tried again', async () => {
    await start('clock');
    await ok('pause', 'clock');
    const env = { MINIDOCK_FAIL_AT: 'cgroup.thaw' };
    expect((await host.run([binary, 'unpause', 'clock'], { env })).exitCode).toBe(1);
    expect(await status('clock')).toBe('paused');
    await ok('unpause', 'clock');
    await ticks('clock');
  });

  test('--dry-run and --explain tell the write that is done', async () => {
    await start('clock');
    const dry = await ok('pause', '--dry-run', 'clock');
    expect(dry).toMatch(/\$ echo (1|FROZEN) > \S+(cgroup\.freeze|freezer\.state)/);
    expect(await status('clock')).toBe('running');
    const { stderr } = await minidock('pause', '--explain=short', 'clock');
    expect(stderr).toMatch(/^1\/2 .*Freeze all processes.*\n2\/2 .*Wait until all have stopped/);
    expect(await ok('stop', '--dry-run', 'clock')).toMatch(
      /Send SIGTERM[\s\S]*Let the processes go on[\s\S]*Give it 10 seconds/,
    );
  });
});
