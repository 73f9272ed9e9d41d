/**
 * What a hostile or unlucky user does: names that no file system takes, commands killed in the middle, closed
 * descriptors, odd places. Each ends with one clear line, and the next command finds nothing in its way.
 */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { makeChain } from '../../support/images/deep-chain.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const entries = (...path: readonly string[]): readonly string[] => readdirSync(join(...path)).sort();

/** A directory for the front of PATH, where `program` is this script. */
function shadow(program: string, script: string): string {
  const dir = join(engine.host.dir, `shadow-${program}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, program), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, program), 0o755);
  return `${dir}:${process.env['PATH'] ?? ''}`;
}

describe('names', () => {
  const LONG = 'v'.repeat(256);

  test('of volumes are as long as a file name may be; a longer one names nothing, wherever it is given', async () => {
    const longest = LONG.slice(1);
    await ok('create', '--name', longest, '-v', `${longest}:/v`, 'test', 'true');
    await ok('rename', longest, `x${longest.slice(1)}`);
    await ok('rm', `x${longest.slice(1)}`);
    await ok('volume', 'rm', longest);
    for (const [args, status, words] of [
      [['create', '-v', `${LONG}:/v`, 'test'], 1, 'file name too long'],
      [['inspect', LONG], 1, 'No such object'],
      [['start', LONG], 1, 'No such container'],
      [['volume', 'rm', LONG], 1, 'no such volume'],
    ] as const) {
      const { exitCode: code, stderr } = await minidock(...args);
      expect({ args, code, stderr }).toEqual({ args, code: status, stderr: expect.stringContaining(words) });
    }
    expect(entries(engine.host.root, 'names')).toEqual([]);
  });

  test('a volume is a child of the volumes directory, not any path from there', async () => {
    await ok('create', '--name', 'user', '-v', 'mine:/v', 'test', 'true');
    await engine.host.run(['cp', join(engine.host.root, 'volumes/mine/volume.json'), engine.host.root]);
    const { exitCode: code, stderr } = await minidock('volume', 'rm', '..');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('get ..: no such volume') });
    await ok('rm', 'user');
    await ok('volume', 'rm', 'mine');
  });
});

describe('killed', () => {
  test('in the middle of create: name, directory and volumes are free for the next command', async () => {
    const { root, runDir } = engine.host;
    // The child that fills volumes is started when everything has been taken.
    const PATH = shadow('unshare', 'kill -KILL $PPID');
    const create = ['create', '--name', 'half', '-v', '/etc', 'test', 'true'];
    const killed = await engine.host.run([binary, ...create], { env: { PATH } });
    expect(killed.exitCode).not.toBe(0);
    expect(entries(root, 'names')).toEqual(['half']);
    expect(entries(root, 'volumes')).toHaveLength(1);

    await ok('create', '--name', 'half', 'test', 'true');
    // A sweep has a bound on its time; on a busy machine the next command ends it.
    const swept = async (count: number): Promise<boolean> => {
      await ok('ps');
      return entries(root, 'containers').length === count;
    };
    await engine.host.waitFor(() => swept(1), 'the half container to go');
    expect(entries(root, 'volumes')).toEqual([]);
    expect(entries(runDir, 'containers')).toEqual([]);
    await ok('rm', 'half');

    await engine.host.run([binary, ...create], { env: { PATH } });
    await engine.host.waitFor(() => swept(0), 'all of it to go');
    for (const dir of ['names', 'containers', 'volumes']) expect(entries(root, dir)).toEqual([]);
  });

  test('in the middle of rm: the rest goes with the next command', async () => {
    const { root } = engine.host;
    const id = await ok('create', '--name', 'doomed', 'test', 'true');
    const dir = join(root, 'containers', `.removing-${id}`);
    await engine.host.run(['mv', join(root, 'containers', id), dir]);
    await ok('ps');
    expect(entries(root, 'containers')).toEqual([]);
    await ok('create', '--name', 'doomed', 'test', 'true');
  });
});

describe('a chain of directories longer than any path', () => {
  // Removed by name, level by level, it takes more than half a minute.
  const DEPTH = 5_000;
  const CONTENT = 'twelve bytes';

  test('costs neither the next create nor the sizes of others, and goes', async () => {
    const { root } = engine.host;
    const containers = join(root, 'containers');
    const other = await ok('create', '--name', 'other', 'test', 'true');
    const id = await ok('create', '--name', 'deep', '-v', 'deep:/v', 'test', 'true');
    makeChain(join(containers, id, 'overlay/upper/top'), DEPTH, CONTENT);
    makeChain(join(root, 'volumes/deep/_data/top'), DEPTH / 2);
    expect((await ok('ps', '-a', '-s', '--format', '{{.Names}} {{.Size}}')).split('\n').sort()).toEqual([
      expect.stringMatching(/^deep 12B /),
      expect.stringMatching(/^other 0B /),
    ]);
    // As a killed rm leaves it.
    await engine.host.run(['mv', join(containers, id), join(containers, `.removing-${id}`)]);
    const before = performance.now();
    await ok('create', '--name', 'next', 'test', 'true');
    expect(performance.now() - before).toBeLessThan(5000);
    expect(entries(containers)).toEqual([`.removing-${id}`, ...[other, await idOf('next')].sort()]);

    // Each command removes a piece.
    for (let n = 0; n < 1000 && entries(containers).length > 2; n++) await ok('ps');
    expect(entries(containers)).toHaveLength(2);

    makeChain(join(containers, other, 'overlay/upper/top'), DEPTH / 2);
    await ok('rm', 'other', 'next');
    expect(entries(containers)).toEqual([]);
    await ok('volume', 'rm', 'deep');
    expect(entries(root, 'volumes')).toEqual([]);
    // Its name was free all the while, and is so again.
    await ok('create', '--name', 'deep', 'test', 'true');
    await ok('rm', 'deep');
  }, 120_000);

  const idOf = (name: string): Promise<string> => ok('inspect', '--format', '{{.Id}}', name);
});

describe('at once', () => {
  const RACERS = [1, 2, 3, 4, 5];
  const race = (...args: readonly string[]): Promise<readonly number[]> =>
    Promise.all(
      RACERS.map(async (n) => (await minidock(...args.map((arg) => arg.replace('#', String(n))))).exitCode),
    );
  const statuses = async (...args: readonly string[]): Promise<readonly number[]> =>
    [...(await race(...args))].sort((a, b) => a - b);

  test('the same name: one has it', async () => {
    expect(await statuses('run', '-d', '--name', 'same', 'test', 'sleep', '100')).toEqual([
      0, 125, 125, 125, 125,
    ]);
    expect(await ok('ps', '--format', '{{.Names}}')).toBe('same');
  });

  test('the same port: one has it', async () => {
    expect(await statuses('run', '-d', '-p', '8000:80', 'test', 'sleep', '100')).toEqual([
      0, 125, 125, 125, 125,
    ]);
    expect(await ok('ps', '--format', '{{.Ports}}')).toBe('0.0.0.0:8000->80/tcp, :::8000->80/tcp');
  });

  test('start, and restart, of one container: it runs, and everyone is content', async () => {
    await ok('create', '--name', 'one', 'test', 'sleep', '100');
    expect(await race('start', 'one')).toEqual([0, 0, 0, 0, 0]);
    expect(await race('restart', '-t', '0', 'one')).toEqual([0, 0, 0, 0, 0]);
    expect(await ok('ps', '-q')).toMatch(/^[0-9a-f]{12}$/);
  });

  test('rename to several names: one wins, and the others were never taken', async () => {
    await ok('create', '--name', 'old', 'test');
    expect(await statuses('rename', 'old', 'new-#')).toEqual([0, 1, 1, 1, 1]);
    expect(entries(engine.host.root, 'names')).toEqual([await ok('ps', '-a', '--format', '{{.Names}}')]);
  });

  test('rm -f of one container, and while it starts: it goes', async () => {
    await ok('run', '-d', '--name', 'gone', 'test', 'sleep', '100');
    expect(await race('rm', '-f', 'gone')).toEqual([0, 0, 0, 0, 0]);
    for (let round = 0; round < 5; round += 1) {
      const starting = minidock('run', '-d', '--name', 'gone', 'test', 'sleep', '100');
      await engine.host.waitFor(
        () => entries(engine.host.root, 'names').length > 0 || undefined,
        'the name is taken',
      );
      expect((await minidock('rm', '-f', 'gone')).exitCode).toBe(0);
      await starting;
      await minidock('rm', '-f', 'gone');
    }
  });

  test('stop, kill, rm and restart: each ends, and nothing is left', async () => {
    for (let round = 0; round < 4; round += 1) {
      await ok('run', '-d', '--name', 'fought-over', 'test', 'sleep', '100');
      const others = [['stop', '-t', '1'], ['kill'], ['rm', '-f'], ['restart', '-t', '0']];
      const results = await Promise.all(others.map((args) => minidock(...args, 'fought-over')));
      for (const { stderr } of results) expect(stderr).toMatch(/^$|No such container|is not running/);
      await minidock('rm', '-f', 'fought-over');
    }
    await engine.expectClean();
  });
});

describe('streams', () => {
  const sh = (script: string): Promise<RunResult> => engine.host.run(['sh', '-c', script]);

  test('output that cannot be written is an error of one line, not lost in silence', async () => {
    await ok('run', '-d', '--name', 'full', 'test', 'sleep', '100');
    for (const args of ['ps', 'inspect full', 'exec full echo words', 'run --rm test echo words']) {
      const { exitCode, stderr } = await sh(`${binary} ${args} >/dev/full`);
      expect({ args, exitCode, stderr }).toEqual({
        args,
        exitCode: 1,
        stderr: expect.stringMatching(/^minidock: write \/dev\/stdout: .*no space left on device.*\n$/),
      });
    }
    expect((await sh(`${binary} inspect nobody 2>/dev/full`)).exitCode).toBe(1);
  });

  test('closed ones', async () => {
    expect((await sh(`${binary} run --rm -i test cat <&-`)).exitCode).toBe(0);
    expect((await sh(`${binary} run --rm test echo words >&-`)).exitCode).toBe(0);
    expect((await sh(`${binary} run --rm test echo words <&- >&- 2>&-`)).exitCode).toBe(0);
  });

  test('an input that never ends, and nobody who reads it', async () => {
    await ok('run', '-d', '--name', 'deaf', 'test', 'sleep', '100');
    // Once in ten times this used to go on for ever.
    for (let round = 0; round < 8; round += 1) {
      const tries = [1, 2, 3, 4].map(() => sh(`timeout 20 ${binary} exec -i deaf true </dev/zero`));
      for (const { exitCode } of await Promise.all(tries)) expect(exitCode).toBe(0);
    }
    expect((await sh(`timeout 20 ${binary} run --rm -i test true </dev/zero`)).exitCode).toBe(0);
  });
});

describe('what an image or a container makes large', () => {
  test('passwd and group of 100 MB: the user is found, within the memory of the container', async () => {
    const at = (name: string): string => join(engine.host.dir, name);
    writeFileSync(at('passwd'), `${'u:x:10:10::/:\n'.repeat(7_500_000)}app:x:1000:1001::/:\n`);
    writeFileSync(at('group'), `${'g:x:60:root,ap\n'.repeat(7_000_000)}late:x:61:app\n`);
    const files = ['passwd', 'group'].flatMap((name) => ['-v', `${at(name)}:/etc/${name}:ro`]);
    const limits = ['-m', '64m', '--memory-swap', '64m'];
    const status = await ok(
      'run',
      '--rm',
      ...limits,
      ...files,
      '-u',
      'app',
      'test',
      'cat',
      '/proc/self/status',
    );
    expect(status).toMatch(/^Uid:\t1000\t.*\nGid:\t1001\t(.*\n)*Groups:\t61 1001 $/m);
    await ok('run', '-d', '--name', 'large', ...limits, ...files, 'test', 'sleep', '100');
    expect(await ok('exec', '-u', '1000', 'large', 'grep', 'Uid', '/proc/self/status')).toMatch(
      /^Uid:\t1000/,
    );
  });

  test('a hosts file that a container has filled is not shared with the next one', async () => {
    await ok('run', '-d', '--name', 'filled', 'test', 'sh', '-c', 'sleep 100');
    await ok('exec', 'filled', 'sh', '-c', 'dd if=/dev/zero of=/etc/hosts bs=1M count=20 2>/dev/null');
    const { exitCode, stderr } = await minidock(
      'run',
      '--rm',
      '--network',
      'container:filled',
      'test',
      'true',
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: 125,
      stderr: expect.stringMatching(/^minidock: [^\n]*\/hosts is larger than 1 MB[^\n]*\n/),
    });
  });
});

describe('places and limits', () => {
  test('MINIDOCK_ROOT and MINIDOCK_RUN relative, with odd characters, or too long for a socket', async () => {
    const { dir } = engine.host;
    const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<RunResult> =>
      engine.host.run(['env', '--chdir', dir, binary, ...args], { env });
    const archive = join(dir, 'test.tar');
    await ok('save', '-o', archive, 'test');
    for (const name of ['relative', 'with space and "quotes"', `${'long'.repeat(30)}`]) {
      const env = { MINIDOCK_ROOT: `${name}/root`, MINIDOCK_RUN: `${name}/run` };
      for (const args of [
        ['load', '-q', '-i', archive],
        // Each root has a network of its own, which would stay.
        ['run', '-d', '--network', 'none', '--name', 'odd', '-v', '/v', 'test', 'sleep', '100'],
        ['exec', 'odd', 'test', '-d', '/v'],
        ['rm', '-f', '-v', 'odd'],
      ]) {
        const { exitCode, stderr } = await run(env, ...args);
        expect({ name, args, exitCode, stderr }).toEqual({ name, args, exitCode: 0, stderr: '' });
      }
      expect(entries(dir, name, 'run', 'containers')).toEqual([]);
    }
    const refused = await run({ MINIDOCK_ROOT: join(dir, 'a:b') }, 'ps');
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain('overlayfs takes the ":" for a separator');
  });

  test('MINIDOCK_RUN that cannot be written, and MINIDOCK_ROOT on an overlay: told, and nothing stays', async () => {
    const { dir } = engine.host;
    const inMounts = (mount: string, env: string, ...args: readonly string[]): Promise<RunResult> =>
      engine.host.run([
        'unshare',
        '--mount',
        'sh',
        '-ec',
        `mkdir -p "$0"; ${mount}; export ${env}; exec ${binary} "$@"`,
        join(dir, 'm'),
        ...args,
      ]);
    const readOnly = await inMounts(
      'mount -t tmpfs -o ro none "$0"',
      'MINIDOCK_RUN="$0/run"',
      'run',
      '--rm',
      'test',
    );
    expect(readOnly.exitCode).toBe(125);
    expect(readOnly.stderr).toMatch(/^minidock: EROFS: read-only file system/);
    expect(await ok('ps', '-aq')).toBe('');
    const upper =
      'mkdir -p "$0".u "$0".w; mount -t overlay -o "lowerdir=$0,upperdir=$0.u,workdir=$0.w" none "$0"';
    const archive = join(dir, 'test.tar');
    await ok('save', '-o', archive, 'test');
    const nested = await inMounts(
      `${upper}; MINIDOCK_ROOT="$0" ${binary} load -q -i ${archive}`,
      'MINIDOCK_ROOT="$0"',
      ...['run', '--rm', '--network', 'none', 'test'],
    );
    expect(nested.exitCode).toBe(125);
    expect(nested.stderr).toContain('not on another overlay');
  });

  test('no PATH, and one without the directories of root’s programs', async () => {
    for (const path of [undefined, '', '/usr/local/bin:/usr/bin:/bin']) {
      const env = path === undefined ? ['-u', 'PATH'] : [`PATH=${path}`];
      const { exitCode, stderr } = await engine.host.run([
        'env',
        ...env,
        binary,
        'run',
        '--rm',
        'test',
        'true',
      ]);
      expect({ path, exitCode, stderr }).toEqual({ path, exitCode: 0, stderr: '' });
    }
  });

  test('too few open files for a shim, or for the ports', async () => {
    const limited = (limit: number, args: string): Promise<RunResult> =>
      engine.host.run(['bash', '-c', `ulimit -n ${String(limit)}; exec ${binary} ${args}`]);
    const ports = await limited(100, 'run --rm -p 8000-8199:8000-8199 test true');
    expect(ports.exitCode).toBe(125);
    expect(ports.stderr).toContain('Each published port takes an open file');
    const shim = await limited(7, 'run --rm test true');
    expect(shim.exitCode).toBe(125);
    expect(shim.stderr).toMatch(/^minidock: cannot start the shim: .*\nLimits on open files .*\n$/);
  });
});
