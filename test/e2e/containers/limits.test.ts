/** Resource limits, as the kernel holds them and as a program runs into them, in whatever hierarchy this machine has. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { missingController, testUnless } from '../../support/host/requirements.ts';

const engine = useEngine();
const { minidock, ok, inside } = engine;

/** A knob of a running container's cgroup, by its name in version 1 and version 2. */
async function knob(id: string, controller: string, v1: string, v2: string): Promise<string> {
  const { stdout } = await engine.host.run([
    'bash',
    '-c',
    `cat /sys/fs/cgroup/${controller}/minidock/${id}/${v1} 2>/dev/null || cat /sys/fs/cgroup/minidock/${id}/${v2}`,
  ]);
  return stdout.trim();
}
const running = (...flags: readonly string[]): Promise<string> =>
  ok('run', '-d', ...flags, 'test', 'sleep', '1000');
const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');

describe('memory', () => {
  testUnless(
    missingController('memory'),
    'the limit is the kernel’s, seen inside and in inspect',
    async () => {
      const id = await running('-m', '32m', '--memory-reservation', '16m');
      expect(await knob(id, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe('33554432');
      expect(await knob(id, 'memory', 'memory.soft_limit_in_bytes', 'memory.low')).toBe('16777216');
      const seen = isUnified ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes';
      expect(await ok('exec', id, 'cat', seen)).toBe('33554432');
      const format = '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}}';
      expect(await ok('inspect', '-f', format, id)).toBe('33554432 67108864 16777216');
    },
  );

  testUnless(missingController('memory'), 'too much is killed, and inspect says so', async () => {
    const hog = 'x=$(head -c 60000000 /dev/zero | tr "\\0" x); echo survived';
    const flags = ['-m', '16m', '--memory-swap', '16m'];
    const { exitCode, stdout } = await minidock(
      'run',
      '--name',
      'hog',
      ...flags,
      'test',
      'sh',
      '-c',
      `exec sh -c '${hog}'`,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 137, stdout: '' });
    expect(await ok('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hog')).toBe('true 137');
    const again = await minidock('start', '-a', 'hog');
    expect(again).toMatchObject({ exitCode: 137, stdout: '' });
    expect(await ok('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hog')).toBe('true 137');
    await ok('run', '--name', 'modest', ...flags, 'test', 'true');
    expect(await ok('inspect', '-f', '{{.State.OOMKilled}}', 'modest')).toBe('false');
  });

  test.each([
    ['-m', 'lots', 'invalid argument "lots" for "-m, --memory" flag'],
    ['-m', '1k', 'Minimum memory limit allowed is 6MB'],
    ['-m', '-5', 'invalid argument "-5"'],
    ['--memory-swap', '64m', 'You should always set the Memory limit when using Memoryswap limit'],
    ['--cpus', 'many', 'invalid argument "many" for "--cpus" flag'],
    ['--cpus', '9999', 'Range of CPUs is from 0.01'],
    ['--cpuset-cpus', '9999', 'Requested CPUs are not available'],
    ['--cpuset-cpus', 'a-b', 'Invalid value a-b for cpuset cpus'],
    ['--pids-limit', 'x', 'invalid argument "x" for "--pids-limit" flag'],
    ['--ulimit', 'nofile', 'invalid ulimit argument: nofile'],
    ['--ulimit', 'dreams=1', 'invalid ulimit type: dreams'],
    ['--shm-size', 'big', 'invalid argument "big" for "--shm-size" flag'],
  ])('%s %s is refused', async (flag, value, words) => {
    const { exitCode, stdout, stderr } = await minidock(
      'run',
      `${flag}=${value}`.replace(/^-m=/, '--memory='),
      'test',
      'true',
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toMatch(/^minidock: [^\n]+\n([^\n]+\n)?$/);
    expect(stderr).toContain(words);
    await engine.expectClean();
  });

  test('more memory than swap and memory together is refused', async () => {
    const { exitCode, stderr } = await minidock('run', '-m', '64m', '--memory-swap', '32m', 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain('Minimum memoryswap limit should be larger than memory limit');
  });
});

describe('processor and processes', () => {
  testUnless(missingController('cpu'), '--cpus and --cpu-shares', async () => {
    const id = await running('--cpus', '0.5', '--cpu-shares', '512');
    if (isUnified) {
      expect(await knob(id, 'cpu', '-', 'cpu.max')).toBe('50000 100000');
      expect(await knob(id, 'cpu', '-', 'cpu.weight')).toMatch(/^\d+$/);
    } else {
      expect(await knob(id, 'cpu', 'cpu.cfs_quota_us', '-')).toBe('50000');
      expect(await knob(id, 'cpu', 'cpu.cfs_period_us', '-')).toBe('100000');
      expect(await knob(id, 'cpu', 'cpu.shares', '-')).toBe('512');
    }
    expect(await ok('inspect', '-f', '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}}', id)).toBe(
      '500000000 512',
    );
  });

  testUnless(missingController('cpuset'), '--cpuset-cpus', async () => {
    expect(await inside('grep Cpus_allowed_list /proc/self/status | cut -f2', '--cpuset-cpus', '0')).toBe(
      '0',
    );
  });

  testUnless(missingController('pids'), '--pids-limit stops a fork bomb', async () => {
    const script = 'i=0; while [ $i -lt 50 ]; do sleep 1000 & i=$((i+1)); done; echo forked all';
    const { exitCode, stdout, stderr } = await minidock(
      'run',
      '--rm',
      '--pids-limit',
      '10',
      'test',
      'sh',
      '-c',
      script,
    );
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/fork/);
    await engine.expectClean();
    const id = await running('--pids-limit', '10');
    expect(await knob(id, 'pids', 'pids.max', 'pids.max')).toBe('10');
    const free = await running('--pids-limit', '-1');
    expect(await knob(free, 'pids', 'pids.max', 'pids.max')).toBe('max');
  });

  test('every process of the container is in its cgroup, those of exec too', async () => {
    const id = await ok('run', '-d', 'test', 'sh', '-c', 'sleep 1000 & exec sleep 1000');
    await ok('exec', '-d', id, 'sleep', '1000');
    await engine.host.waitFor(async () => {
      const controller = isUnified ? '' : 'pids/';
      const { stdout } = await engine.host.run([
        'cat',
        `/sys/fs/cgroup/${controller}minidock/${id}/cgroup.procs`,
      ]);
      const commands = stdout
        .trim()
        .split('\n')
        .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
      return commands.length === 3 && commands.every((command) => command === 'sleep 1000');
    }, 'three processes in the cgroup');
  });
});
