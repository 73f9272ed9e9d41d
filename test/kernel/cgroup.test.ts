/**
 * Real control groups, in whichever version this machine has: made by the plan's own steps under a directory that no
 * container uses, read back, felt by real processes, and removed.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OciResources } from '../../runtime/bundle.ts';
import { cgroupDirectories, cgroupLayout } from '../../runtime/cgroup/detect.ts';
import { planCgroup } from '../../runtime/cgroup/plan.ts';
import {
  cgroupProcesses,
  cgroupProcsFiles,
  killCgroup,
  readOomKills,
} from '../../runtime/cgroup/processes.ts';
import { performHostCommand } from '../../runtime/plan/perform-host.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import { driver } from '../support/bun.ts';
import { runProgram, startProgram, waitFor, type RunResult } from '../support/host/processes.ts';
import { missingController, testUnless } from '../support/host/requirements.ts';

const layout = cgroupLayout();
const parent = `/minidock-test-${process.pid}`;
const group = `${parent}/one`;
const MiB = 1024 * 1024;
let steps: readonly HostStep[] = [];

/** Filtering devices on version 2 is a system call, which Jest's Node cannot make: a driver does. */
async function create(resources: Partial<OciResources>): Promise<void> {
  steps = planCgroup(group, { devices: [], ...resources }, layout);
  for (const { command } of steps) {
    if (command.kind !== 'filter-devices') await performHostCommand(command);
    else await runProgram(driver('device-filter-driver.ts', command.path, JSON.stringify(command.rules)));
  }
}

/** A shell that joins the group as PID 1 of a container does, then becomes the program. */
const joined = (script: string): string[] => {
  const join = cgroupProcsFiles(group, layout).map((file) => `echo 0 >'${file}'`);
  return ['sh', '-c', `${join.join(' && ')} && exec "$@"`, 'sh', 'sh', '-c', script];
};
const run = (script: string): Promise<RunResult> => runProgram(joined(script));

const file = (name: string): string => {
  const found = cgroupDirectories(group, layout).find((directory) => existsSync(join(directory, name)));
  if (found === undefined) throw new Error(`no ${name} in ${group}`);
  return readFileSync(join(found, name), 'utf8').trim();
};
const inVersion = <T>(one: T, two: T): T => (layout.version === 1 ? one : two);

beforeEach(() => {
  steps = [];
});
afterEach(async () => {
  await killCgroup(group, layout);
  for (const { undo } of [...steps].reverse()) {
    if (undo.kind === 'command') await performHostCommand(undo.command);
  }
  for (const directory of cgroupDirectories(group, layout)) expect(existsSync(directory)).toBe(false);
});
afterAll(() => {
  for (const directory of cgroupDirectories(parent, layout)) if (existsSync(directory)) rmdirSync(directory);
});

test('limits are readable back', async () => {
  await create({
    memory: { limit: 64 * MiB, swap: 96 * MiB },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0' },
    pids: { limit: 20 },
  });
  expect(file('pids.max')).toBe('20');
  expect(file('cpuset.cpus')).toBe('0');
  expect(file(inVersion('memory.limit_in_bytes', 'memory.max'))).toBe(String(64 * MiB));
  const swap = inVersion(['memory.memsw.limit_in_bytes', 96 * MiB], ['memory.swap.max', 32 * MiB] as const);
  if (layout.swap) expect(file(String(swap[0]))).toBe(String(swap[1]));
  expect(file(inVersion('cpu.shares', 'cpu.weight'))).toBe(inVersion('512', '59'));
  expect(file(inVersion('cpu.cfs_quota_us', 'cpu.max'))).toBe(inVersion('50000', '50000 100000'));
});

test('a process that joins is in the group in every tree, and so are its children', async () => {
  await create({});
  const { stdout, stderr } = await run('cat /proc/self/cgroup');
  expect(stderr).toBe('');
  const places = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, controllers]) => layout.version === 2 || controllers !== '');
  expect(places.length).toBe(cgroupDirectories(group, layout).length);
  for (const [, , path] of places) expect(path?.endsWith(group)).toBe(true);
});

describe('limits are felt', () => {
  testUnless(missingController('pids'), 'processes', async () => {
    await create({ pids: { limit: 4 } });
    const { stderr } = await run('for i in 1 2 3 4 5 6; do sleep 5 >/dev/null 2>&1 & done');
    expect(stderr).toMatch(/fork/i);
  });

  testUnless(missingController('memory'), 'memory: the greedy process is killed, and counted', async () => {
    await create({ memory: { limit: 16 * MiB, swap: 16 * MiB } });
    expect(readOomKills(group, layout)).toBe(0);
    const { stdout } = await run('tail /dev/zero; echo $?');
    expect(stdout).toBe('137\n');
    expect(readOomKills(group, layout)).toBe(1);
  });

  testUnless(missingController('cpu'), 'processor time: the group is throttled', async () => {
    await create({ cpu: { quota: 10_000, period: 100_000 } });
    await run('timeout 0.5 sh -c "while :; do :; done"');
    const throttled = /^nr_throttled (\d+)$/m.exec(file('cpu.stat'))?.[1];
    expect(Number(throttled)).toBeGreaterThan(0);
  });

  test('devices: any node may be made, but only those that are allowed opened', async () => {
    await create({
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', access: 'm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 9, access: 'r' },
      ],
    });
    const node = `/tmp/minidock-test-node-${process.pid}`;
    const { stdout, stderr, exitCode } = await run(
      `mknod ${node} c 1 1 && echo made; head -c 1 ${node}; rm ${node}; mknod ${node} b 7 0
       echo x >/dev/null && head -c 1 /dev/urandom | wc -c; head -c 1 /dev/full; exit 0`,
    );
    expect([stdout, exitCode]).toEqual(['made\n1\n', 0]);
    expect(stderr.match(/Operation not permitted/g)).toHaveLength(3);
  });
});

test('all of a group is killed, also processes that moved to a group below it', async () => {
  await create({});
  const [directory = ''] = cgroupDirectories(group, layout).filter((path) => path.includes('/freezer/'));
  const below = inVersion(directory, layout.version === 2 ? layout.mount + group : '');
  const background = startProgram(
    joined(
      `mkdir ${below}/below && (sleep 20 & sleep 20 & (echo 0 >${below}/below/cgroup.procs; sleep 20) &
       echo started; sleep 20)`,
    ),
  );
  await background.waitForOutput(/started/);
  await waitFor(
    () => (readFileSync(`${below}/below/cgroup.procs`, 'utf8') === '' ? undefined : true),
    'a process in the group below',
  );
  expect(cgroupProcesses(group, layout).length).toBeGreaterThanOrEqual(4);
  await killCgroup(group, layout);
  expect(cgroupProcesses(group, layout)).toEqual([]);
  await background.exited;
});
