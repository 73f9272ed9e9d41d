/**
 * What commands cost, in counts that are the same on any machine: programs started, files opened, bytes written,
 * modules loaded. The bounds are what was measured when it was good and a tenth more, so that one more process per
 * container or one more library per `ps` fails here for its author. A cheaper command gets lower limits.
 *
 * Times are the benchmark's affair (scripts/bench).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { staticModules } from '../../support/static-modules.ts';
import { countCosts, type Costs } from '../../support/kernel/strace.ts';

const engine = useEngine();
const untraceable =
  spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0 ? '' : 'strace may not trace here';

/** The command, which must end, under strace with all it starts. */
async function costOf(...args: readonly string[]): Promise<Costs> {
  const { host } = engine;
  const record = join(host.dir, 'strace');
  const program = join(import.meta.dirname, '../../../dist/minidock');
  const strace = ['strace', '-f', '-qq', '-y', '-e', 'signal=none', '-s', '0', '-o', record];
  const calls = ['-e', 'trace=execve,openat,open,creat,write,pwrite64,writev'];
  await succeed(host.run([...strace, ...calls, program, ...args]));
  return countCosts(readFileSync(record, 'utf8'), [host.root, host.runDir]);
}

function expectAtMost(cost: Costs, limits: Omit<Costs, 'programs'>): void {
  const over = (['opened', 'openedOfState', 'written'] as const).filter(
    (count) => cost[count] > limits[count],
  );
  expect({ over, cost }).toEqual({ over: [], cost });
}

/** The command, its shim and PID 1; the namespaces; the image's own program; `ip` to make the network namespace, and to set it up. */
const CONTAINER = ['minidock', 'minidock', 'minidock', 'unshare', 'true', 'ip', 'ip'];
/** To publish and to withdraw, whatever their number; that the bridge's table is there is asked of the kernel. */
const PORTS = ['nft', 'nft'];

describe('programs started by run --rm', () => {
  testUnless(untraceable, 'without a network', async () => {
    const cost = await costOf('run', '--rm', '--network', 'none', 'test', 'true');
    expect([...cost.programs].sort()).toEqual([...CONTAINER].sort());
  });

  testUnless(untraceable, 'with one, and files and bytes', async () => {
    const cost = await costOf('run', '--rm', 'test', 'true');
    expect([...cost.programs].sort()).toEqual([...CONTAINER].sort());
    expectAtMost(cost, { opened: 400, openedOfState: 222, written: 20_300 });
  });

  testUnless(untraceable, 'with one published port and with a hundred', async () => {
    const programs = [...CONTAINER, ...PORTS].sort();
    const one = await costOf('run', '--rm', '-p', '8080:80', 'test', 'true');
    expect([...one.programs].sort()).toEqual(programs);
    expectAtMost(one, { opened: 440, openedOfState: 227, written: 20_900 });
    const hundred = await costOf('run', '--rm', '-p', '8000-8099:8000-8099', 'test', 'true');
    expect([...hundred.programs].sort()).toEqual(programs);
    expectAtMost(hundred, { opened: 440, openedOfState: 227, written: 58_200 });
  });
});

describe('asking starts no program and writes nothing', () => {
  const start = (name: string): Promise<string> =>
    engine.ok('run', '-d', '--name', name, 'test', 'sleep', '100');

  testUnless(untraceable, 'ps opens two files a container, inspect no more for others', async () => {
    await start('cost-1');
    const [ps, inspect] = [await costOf('ps'), await costOf('inspect', 'cost-1')];
    for (const cost of [ps, inspect]) {
      expect(cost.programs).toEqual(['minidock']);
      expectAtMost(cost, { opened: 30, openedOfState: 5, written: 0 });
    }
    for (const name of ['cost-2', 'cost-3', 'cost-4', 'cost-5']) await start(name);
    const more = await costOf('ps');
    expect(more.openedOfState - ps.openedOfState).toBeLessThanOrEqual(4 * 2);
    expect(more.opened - ps.opened).toBeLessThanOrEqual(4 * 3);
    expect(await costOf('inspect', 'cost-1')).toEqual(inspect);
  });

  testUnless(untraceable, 'so do logs, images and --help', async () => {
    await start('cost-1');
    for (const command of [['logs', 'cost-1'], ['images'], ['--help']]) {
      const cost = await costOf(...command);
      expect([command, cost.programs]).toEqual([command, ['minidock']]);
      expectAtMost(cost, { opened: 30, openedOfState: 5, written: 0 });
    }
  });
});

testUnless(untraceable, 'exec starts one process of ours, and the program', async () => {
  await engine.ok('run', '-d', '--name', 'cost-exec', 'test', 'sleep', '100');
  const cost = await costOf('exec', 'cost-exec', 'true');
  expect([...cost.programs].sort()).toEqual([...EXEC].sort());
  expectAtMost(cost, { opened: 92, openedOfState: 12, written: 8_900 });
});

const EXEC = ['minidock', 'minidock', 'true'];

/** What a command's file brings with it; the rest of the program is in the executable but is never run. */
describe('modules loaded', () => {
  const help = ['src/cli.ts', 'src/command.ts', 'src/commands/program/program.ts'];
  const verb = [...help, 'src/commands/program/verb-runner.ts'];

  test.each([
    ['--help', help, 17],
    ['ps', [...verb, 'src/commands/container/ps.ts'], 56],
    ['inspect', [...verb, 'src/commands/system/inspect.ts', 'src/docker/inspect/container.ts'], 56],
    ['port', [...verb, 'src/commands/container/port.ts'], 45],
    ['images', [...verb, 'src/commands/image/images.ts'], 52],
    ['logs', [...verb, 'src/commands/container/logs.ts'], 57],
    ['exec', [...verb, 'src/commands/container/exec.ts'], 81],
    ['run', [...verb, 'src/commands/container/run.ts'], 116],
    ['the shim', ['src/cli.ts', 'src/engine/shim/entry.ts', 'src/engine/shim/main.ts'], 168],
    ['PID 1', ['src/cli.ts', 'runtime/process/init.ts'], 62],
  ])('by %s: no library but commander, and few of our own', (name, entries, limit) => {
    const { files, libraries } = staticModules(...entries);
    expect(libraries.filter((library) => library !== 'commander')).toEqual([]);
    expect([name, files.length <= limit ? 'within its limit' : files]).toEqual([name, 'within its limit']);
  });

  // What Node offers for these is built of streams and sockets, and takes longer to load than the command to run.
  test.each([
    ['--help', help],
    ['ps', [...verb, 'src/commands/container/ps.ts']],
    ['inspect', [...verb, 'src/commands/system/inspect.ts', 'src/docker/inspect/container.ts']],
    ['port', [...verb, 'src/commands/container/port.ts']],
  ])('by %s: of what is built in, files and paths', (name, entries) => {
    const allowed = ['node:fs', 'node:path', 'node:os'];
    const { builtIn } = staticModules(...entries);
    expect([name, builtIn.filter((module) => !allowed.includes(module))]).toEqual([name, []]);
  });
});
