/**
 * A step that fails, for every step of a plan that uses everything: the message names the step, the status is 125,
 * and the host is what it was. Then the two ways to carry out a plan, folded and one by one, which must come to the
 * same; and the readers of a plan that do nothing, or say what was done.
 */
import { examiner } from '../../../src/engine/state/examiner.ts';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { allSteps } from '../../../src/engine/plans/run-plan.ts';
import { previewNetwork } from '../../../src/engine/network/preview-network.ts';
import { computeRun } from '../../../src/engine/plans/prepare.ts';
import { ContainerStore } from '../../../src/engine/state/store.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';
import { useEngine } from '../../support/engine.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine();
const { ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** Ports of their own, so that several can be started at once. */
const portFlags = (port: number): readonly string[] => [
  ...['-p', `${String(port)}:80`, '-p', `127.0.0.1:${String(port)}:53/udp`],
];
const OTHER_FLAGS = [
  ...['-m', '64m', '--cpus', '0.5', '--pids-limit', '50'],
  ...['--sysctl', 'net.ipv4.ip_unprivileged_port_start=7', '-v', '/data', '--tmpfs', '/t', '--read-only'],
  ...['--domainname', 'example.org', '--ulimit', 'core=0', '--oom-score-adj', '5', '-u', 'app', '-w', '/tmp'],
];
const FLAGS = [...portFlags(8000), ...OTHER_FLAGS];

const runWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<RunResult> =>
  engine.host.run([binary, ...args], { env });

/** What the shim of a container made with these flags would do, computed here from what `create` wrote. */
async function planOf(...flags: readonly string[]): Promise<readonly Step[]> {
  const id = await ok('create', ...flags, 'test', 'true');
  const paths = { root: engine.host.root, run: engine.host.runDir };
  const store = new ContainerStore(paths, examiner);
  const { config } = store.find(id);
  const { plan } = computeRun(paths, config, await previewNetwork(store, config));
  await ok('rm', '-v', id);
  return allSteps(plan);
}

describe('each step, failing', () => {
  const AT_ONCE = 6;
  let ids: readonly string[];

  beforeAll(async () => {
    ids = (await planOf(...FLAGS)).map(({ id }) => id);
  });

  test('every step of the plan has an id of its own, and --dry-run shows that many', async () => {
    expect(new Set(ids).size).toBe(ids.length);
    const text = await ok('run', '--dry-run', ...FLAGS, 'test', 'true');
    expect(text).toContain(`[${String(ids.length)}/${String(ids.length)}]`);
    expect(ids.length).toBeGreaterThan(60);
  });

  test('says which, ends with 125 and leaves nothing behind', async () => {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const batch = ids.slice(at, at + AT_ONCE).map((id, index) => id.replace('8000', String(8000 + index)));
      const runs = batch.map((id, index) => {
        const flags = [...portFlags(8000 + index), ...OTHER_FLAGS];
        return runWith({ MINIDOCK_FAIL_AT: id }, 'run', '--rm', ...flags, 'test', 'true');
      });
      for (const [index, { exitCode, stdout, stderr }] of (await Promise.all(runs)).entries()) {
        const [first = ''] = stderr.split('\n');
        const words = `minidock: step ${batch[index] ?? ''} (`;
        expect([exitCode, stdout, first.slice(0, words.length)]).toEqual([125, '', words]);
        expect(stderr).toContain('failure injected by MINIDOCK_FAIL_AT');
        expect(stderr).not.toContain('left behind');
      }
      await engine.expectClean();
      expect(await ok('volume', 'ls', '-q')).toBe('');
    }
  }, 180_000);

  test.each(['netns.create', 'veth.up', 'rootfs.pivot', 'process.exec'])(
    'is the last that --explain prints, as failed: %s',
    async (id) => {
      const words = ['run', '--rm', '--explain=json', ...FLAGS, 'test', 'true'];
      const { stderr } = await runWith({ MINIDOCK_FAIL_AT: id }, ...words);
      const told = stderr
        .split('\n')
        .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as StepObject] : []));
      expect(told.filter(({ outcome }) => outcome === 'failed').map((step) => step.id)).toEqual([id]);
      // What was done beside it may stand behind it in the plan.
      expect(told.map(({ n }) => n)).toEqual(told.map(({ n }) => n).toSorted((one, other) => one - other));
      await engine.expectClean();
    },
  );

  test('one at a time as well as folded', async () => {
    for (const id of ['veth.create', 'link.up', 'nat.masquerade', 'process.start']) {
      const env = { MINIDOCK_FAIL_AT: id, MINIDOCK_UNFOLDED: '1' };
      const { exitCode, stderr } = await runWith(env, 'run', '--rm', ...FLAGS, 'test', 'true');
      expect(exitCode).toBe(125);
      expect(stderr).toContain(`step ${id} (`);
    }
    await engine.expectClean();
  });

  test('without --rm the container stays, as created, and says why it did not start', async () => {
    const { exitCode } = await runWith(
      { MINIDOCK_FAIL_AT: 'veth.create' },
      'run',
      '--name',
      'failed',
      'test',
      'true',
    );
    expect(exitCode).toBe(125);
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}';
    expect(await ok('inspect', '-f', format, 'failed')).toMatch(/^created 125 step veth\.create \(/);
    expect(await ok('start', '-a', 'failed')).toBe('');
    await ok('rm', 'failed');
    await engine.expectClean();
  });
});

test('folded and unfolded leave the same in the kernel', async () => {
  const seen = [];
  for (const env of [{}, { MINIDOCK_UNFOLDED: '1' }]) {
    const flags = ['--name', 'same', '--ip', '172.17.0.99', '-p', '8080:80', '-m', '64m'];
    const { stdout } = await runWith(env, 'run', '-d', ...flags, 'test', 'sleep', '1000');
    const id = stdout.trim();
    const inside = await ok('exec', 'same', 'sh', '-c', 'ip address; ip route; cat /proc/mounts');
    const host = await engine.host.snapshot();
    const cgroup = await engine.host.run([
      'bash',
      '-c',
      `cd /sys/fs/cgroup; grep -r . --include=memory.limit_in_bytes --include=devices.list */minidock/${id}`,
    ]);
    const text = JSON.stringify({ inside, host, cgroup: cgroup.stdout });
    // What names this one run: its id, the veth's index and the order of layers' short names stays.
    seen.push(
      text
        .replaceAll(id, 'ID')
        .replaceAll(id.slice(0, 12), 'ID')
        .replaceAll(new RegExp(`mdv${id.slice(0, 8)}[0-9a-f]{4}`, 'g'), 'mdvID')
        .replace(/eth0@if\d+|^\d+: eth0/g, 'eth0')
        .replace(/\b\d+: eth0/g, 'eth0'),
    );
    await ok('rm', '-f', 'same');
    await engine.expectClean();
  }
  expect(seen[1]).toBe(seen[0]);
});

describe('readers of the plan', () => {
  test('--dry-run tells every step and touches nothing', async () => {
    const before = await engine.host.run([
      'find',
      engine.host.root,
      engine.host.runDir,
      '-printf',
      '%p %T@\n',
    ]);
    const steps = await planOf(...FLAGS);
    const text = await ok('run', '--dry-run', ...FLAGS, 'test', 'true');
    const flat = text.replace(/\s+/g, ' ');
    // Up to what is of the one container only: its id, or its volume's.
    for (const { title } of steps) expect(flat).toContain(title.replace(/[0-9a-f]{12}.*$/, ''));
    await engine.expectClean();
    await ok('run', '--dry-run', ...FLAGS, 'test', 'true');
    const after = await engine.host.run([
      'find',
      engine.host.root,
      engine.host.runDir,
      '-printf',
      '%p %T@\n',
    ]);
    const lines = (listing: string): readonly string[] =>
      listing.split('\n').filter((line) => !/\/(containers|names|volumes|events)\b/.test(line));
    expect(lines(after.stdout)).toEqual(lines(before.stdout));
  });

  test('--explain tells what ran: the program’s output is the program’s, every step is there with its command', async () => {
    const { stdout, stderr, exitCode } = await engine.minidock(
      'run',
      '--rm',
      '--explain=all',
      ...FLAGS,
      'test',
      'echo',
      'hello',
    );
    expect({ stdout, exitCode }).toEqual({ stdout: 'hello\n', exitCode: 0 });
    const numbers = [...stderr.matchAll(/\[ *(\d+)\/(\d+)\]/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual((await planOf(...FLAGS)).map((_, index) => index + 1));
    expect(stderr).toMatch(/\$ ip netns add md-[0-9a-f]{12}\n/);
    expect(stderr).toMatch(/\$ ip link add mdv[0-9a-f]{12} type veth peer name eth0/);
  });

  test('what --explain prints is what the kernel is asked to do', async () => {
    const wrapper = join(engine.host.dir, 'wrapped');
    const script = `mkdir ${wrapper}; printf '#!/bin/bash\\necho "ip $*" >>${wrapper}/log; tee -a ${wrapper}/log </dev/stdin | exec %s "$@"\\n' "$(command -v ip)" >${wrapper}/ip; chmod +x ${wrapper}/ip`;
    await engine.host.run(['bash', '-c', script]);
    const { stderr } = await runWith(
      { PATH: `${wrapper}:${process.env['PATH'] ?? ''}`, MINIDOCK_UNFOLDED: '1' },
      'run',
      '--rm',
      '--explain=all',
      'test',
      'true',
    );
    const ran = (await engine.host.run(['cat', `${wrapper}/log`])).stdout
      .split('\n')
      .filter((line) => line !== '');
    const told = stderr
      .split('\n')
      .filter((line) => line.startsWith('    $ ip '))
      .map((line) => line.slice(6));
    expect(told.length).toBeGreaterThan(5);
    for (const line of told.filter((command) => !/bridge|forward/.test(command))) {
      if (/minidock0( |$)/.test(line) && !/master/.test(line)) continue; // Shared: there already.
      expect(ran).toContain(line);
    }
  });
});
