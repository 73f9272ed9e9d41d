/** `update`: the kernel's own files, the record, and what is refused in Docker's words with nothing changed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { missingController, testUnless } from '../../support/host/requirements.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');
const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');

async function knob(id: string, controller: string, v1: string, v2: string): Promise<string> {
  const file = isUnified ? `minidock/${id}/${v2}` : `${controller}/minidock/${id}/${v1}`;
  return (await engine.host.run(['cat', `/sys/fs/cgroup/${file}`])).stdout.trim();
}
const MIB = 1024 * 1024;
const memory = async (id: string): Promise<number> =>
  Number(await knob(id, 'memory', 'memory.limit_in_bytes', 'memory.max')) / MIB;
/** Beside memory. */
const swap = async (id: string): Promise<number> => {
  const found = Number(await knob(id, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max')) / MIB;
  return isUnified ? found : found - (await memory(id));
};
const running = (...flags: readonly string[]): Promise<string> =>
  ok('run', '-d', ...flags, 'test', 'sleep', '1000');
const inspect = (id: string, ...fields: readonly string[]): Promise<string> =>
  ok('inspect', '-f', fields.map((field) => `{{.HostConfig.${field}}}`).join(' '), id);
const refused = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await minidock('update', ...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  return stderr;
};

describe('memory of a container that runs', () => {
  testUnless(
    missingController('memory'),
    'is raised and lowered with its swap, in either order',
    async () => {
      const id = await running('--name', 'web', '-m', '32m');
      for (const [limit, sum] of [
        [128, 256],
        [16, 24],
        [24, 24],
        [512, 600],
      ] as const) {
        expect(await ok('update', '-m', `${limit}m`, '--memory-swap', `${sum}m`, 'web')).toBe('web');
        expect([limit, await memory(id), await swap(id)]).toEqual([limit, limit, sum - limit]);
        expect(await inspect(id, 'Memory', 'MemorySwap')).toBe(`${limit * MIB} ${sum * MIB}`);
      }
      await ok('update', '-m', '64m', '--memory-reservation', '20m', id);
      expect([await memory(id), await swap(id)]).toEqual([64, 536]);
      expect(await knob(id, 'memory', 'memory.soft_limit_in_bytes', 'memory.low')).toBe(`${20 * MIB}`);
      await ok('restart', '-t', '0', id);
      expect([await memory(id), await swap(id)]).toEqual([64, 536]);
    },
  );

  testUnless(
    missingController('memory'),
    'keeps the sum where only it is said, and the other way',
    async () => {
      const id = await running('-m', '32m');
      await ok('update', '-m', '48m', id);
      expect([await memory(id), await swap(id), await inspect(id, 'MemorySwap')]).toEqual([
        48,
        16,
        `${64 * MIB}`,
      ]);
      await ok('update', '--memory-swap', '-1', id);
      expect(await memory(id)).toBe(48);
      expect(await inspect(id, 'Memory', 'MemorySwap')).toBe(`${48 * MIB} -1`);
      expect(await knob(id, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max')).toMatch(
        /^(max|9\d{18})$/,
      );
    },
  );

  testUnless(
    isUnified ? 'version 2 reclaims, and kills' : missingController('memory'),
    'below what is used is refused by the kernel, and nothing is recorded',
    async () => {
      const hog = 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); echo full; exec sleep 1000';
      // The shell's own memory would go with exec: it stays, and waits.
      const id = await ok(
        'run',
        '-d',
        '-m',
        '128m',
        'test',
        'sh',
        '-c',
        hog.replace('exec sleep 1000', 'sleep 1000; :'),
      );
      await engine.host.waitFor(async () => (await ok('logs', id)) === 'full', 'a full memory');
      await engine.host.run(['swapoff', '-a']);
      const words = await refused('--cpu-shares', '512', '-m', '8m', '--memory-swap', '8m', id);
      expect(words).toMatch(
        `minidock: Cannot update container ${id}: unable to set memory limit to ${8 * MIB} (current usage: `,
      );
      expect(words).toMatch(/current usage: \d{8}, peak usage: \d{8,}\)\nundone: everything done so far\n/);
      expect([await memory(id), await swap(id)]).toEqual([128, 128]);
      expect(await inspect(id, 'Memory', 'MemorySwap', 'CpuShares')).toBe(`${128 * MIB} ${256 * MIB} 0`);
      expect(await knob(id, 'cpu', 'cpu.shares', 'cpu.weight')).toBe('1024');
    },
  );
});

describe('processors and processes', () => {
  testUnless(missingController('cpu'), '--cpus, --cpu-shares, --cpuset-cpus, --pids-limit', async () => {
    const id = await running();
    await ok('update', '--cpus', '0.5', '-c', '512', '--cpuset-cpus', '0', '--pids-limit', '20', id);
    expect(await knob(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000\b/);
    expect(await knob(id, 'cpu', 'cpu.shares', 'cpu.weight')).toBe(isUnified ? '59' : '512');
    expect(await knob(id, 'cpuset', 'cpuset.cpus', 'cpuset.cpus')).toBe('0');
    expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('20');
    const fields = ['NanoCpus', 'CpuShares', 'CpusetCpus', 'PidsLimit'];
    expect(await inspect(id, ...fields)).toBe('500000000 512 0 20');
    await ok('pause', id);
    await ok('update', '--pids-limit', '-1', id);
    expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('max');
    await ok('unpause', id);
    await ok('restart', '-t', '0', id);
    expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('max');
    expect(await knob(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000\b/);
  });

  testUnless(missingController('cpu'), 'a step that fails takes back the ones before it', async () => {
    const id = await running('--cpu-shares', '300', '--pids-limit', '30');
    const env = { MINIDOCK_FAIL_AT: 'cgroup.limit:pids.max' };
    const args = ['update', '-c', '512', '--pids-limit', '20', id];
    const { exitCode, stderr } = await engine.host.run([binary, ...args], { env });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Cannot update container ${id}: step cgroup.limit:pids.max (`);
    expect(await knob(id, 'cpu', 'cpu.shares', 'cpu.weight')).toBe(isUnified ? '40' : '300');
    expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('30');
    expect(await inspect(id, 'CpuShares', 'PidsLimit')).toBe('300 30');
  });
});

test('a stopped container starts with its new limits; of several, one that is missing is an error', async () => {
  await ok('create', '--name', 'one', '-m', '32m', 'test', 'sleep', '1000');
  await ok('create', '--name', 'two', 'test', 'true');
  const { exitCode, stdout, stderr } = await minidock('update', '--pids-limit', '7', 'one', 'nobody', 'two');
  expect([exitCode, stdout, stderr]).toEqual([1, 'one\ntwo\n', 'minidock: No such container: nobody\n']);
  expect([await inspect('one', 'PidsLimit'), await inspect('two', 'PidsLimit')]).toEqual(['7', '7']);
  await ok('start', 'one');
  const id = await ok('inspect', '-f', '{{.Id}}', 'one');
  expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('7');
  const events = await ok(
    'events',
    '--since',
    '1m',
    '--until',
    '0s',
    '--filter',
    'event=update',
    '--format',
    '{{.Actor.Attributes.name}}',
  );
  expect(events.split('\n').slice(-2)).toEqual(['one', 'two']);
});

test('--restart counts at the next end of a run, and can be taken away', async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'web',
    'test',
    'sh',
    '-c',
    'trap "exit 4" USR1; while :; do sleep 0.01; done',
  );
  await ok('update', '--restart', 'on-failure:3', 'web');
  expect(await inspect('web', 'RestartPolicy.Name', 'RestartPolicy.MaximumRetryCount')).toBe('on-failure 3');
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'web');
  await engine.host.run(['kill', '-KILL', pid]);
  const again = '{{.RestartCount}} {{.State.Status}}';
  await engine.host.waitFor(
    async () => (await ok('inspect', '-f', again, 'web')) === '1 running',
    'a second run',
  );
  await ok('update', '--restart', 'no', '--pids-limit', '50', 'web');
  expect(await inspect('web', 'RestartPolicy.Name')).toBe('no');
  await engine.host.run(['kill', '-KILL', await ok('inspect', '-f', '{{.State.Pid}}', 'web')]);
  expect(await ok('wait', 'web')).toBe('137');
  expect(await ok('inspect', '-f', again, 'web')).toBe('1 exited');
});

test('between two runs only the record changes, and the next run goes by it', async () => {
  const id = await ok(
    'run',
    '-d',
    '--restart',
    'always',
    'test',
    'sh',
    '-c',
    'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null',
  );
  await engine.host.waitFor(
    async () => (await ok('inspect', '-f', '{{.State.Status}}', id)) === 'restarting',
    'a respite',
  );
  await ok('update', '--pids-limit', '33', id);
  await engine.host.waitFor(
    async () => (await ok('logs', '--tail', '1', id)) === '33',
    'a run with the new limit',
  );
});

test('what is refused says so in Docker’s words', async () => {
  const id = await ok('create', '--name', 'web', '--rm', '-m', '32m', 'test', 'true');
  await ok('create', '--name', 'free', 'test', 'true');
  const before = await ok('inspect', 'web', 'free');
  expect(await refused('web')).toBe('minidock: you must provide one or more flags when using this command\n');
  expect(await refused('--restart', 'always', 'web')).toBe(
    `minidock: Cannot update container ${id}: Restart policy cannot be updated because AutoRemove is enabled for the container\n`,
  );
  expect(await refused('-m', '128m', 'web')).toBe(
    `minidock: Cannot update container ${id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time\n`,
  );
  expect(await refused('-m', '1m', 'web')).toBe('minidock: Minimum memory limit allowed is 6MB\n');
  expect(await refused('--cpuset-cpus', '9999', 'web')).toContain('Requested CPUs are not available');
  expect(await refused('--memory-swap', '64m', 'free')).toContain('You should always set the Memory limit');
  expect(await refused('--restart', 'often', 'free')).toContain("unknown policy 'often'");
  const typo = await minidock('update', '-m', 'lots', 'web');
  expect([typo.exitCode, typo.stdout]).toEqual([125, '']);
  expect(typo.stderr).toContain('invalid argument "lots" for "-m, --memory" flag');
  expect(await ok('inspect', 'web', 'free')).toBe(before);
  expect(await ok('update', '--restart', 'no', 'web')).toBe('web');
});

testUnless(missingController('pids'), '--dry-run and --explain tell the write that is done', async () => {
  const id = await running();
  expect(await ok('update', '--dry-run', '--pids-limit', '9', id)).toMatch(/\$ echo 9 > \S+pids\.max/);
  expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('max');
  const { stderr } = await minidock('update', '--explain=short', '--pids-limit', '9', id);
  expect(stderr).toMatch(/^1\/1 .*Allow at most 9 processes/);
  expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('9');
});
