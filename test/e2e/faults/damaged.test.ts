/**
 * Every file of minidock's own, ruined in every way, of containers that run and of such that do not. Nothing lies:
 * the file is named, all else is served, the kernel decides whether a container runs, everything can be ended and its
 * port is free again, and doctor finds and repairs. One round for each kind of damage, with all files ruined at once.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CONTAINER_FILES,
  containerFile,
  DAMAGES,
  RUN_FILES,
  ruin,
  sharedFiles,
  type Damage,
} from '../../support/damage.ts';
import { useEngine } from '../../support/engine.ts';
import { copyOf } from '../../../images/foreign/kept.ts';

const engine = useEngine();
const { minidock, ok } = engine;

interface Case {
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly isRunning: boolean;
  /** As `inspect` has it while nothing is ruined. */
  readonly told: string;
  readonly pid: number;
}

const TOLD =
  '{{.Id}} {{.State.Running}} {{.State.Pid}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.MacAddress}} {{json .NetworkSettings.Ports}}';

async function makeCases(): Promise<readonly Case[]> {
  const files = [...CONTAINER_FILES, ...RUN_FILES];
  const running = files.map(async (file, at) => {
    const name = `runs-${file}`;
    const ports = ['-p', `${String(8000 + at)}:80`, '-p', '81'];
    const id = await ok('run', '-d', '--name', name, ...ports, 'test', 'sh', '-c', 'sleep 1000');
    return { name, id, file, isRunning: true };
  });
  const stopped = CONTAINER_FILES.map(async (file) => {
    const name = `stopped-${file}`;
    const id = await ok('create', '--name', name, 'test', 'sleep', '1000');
    return { name, id, file, isRunning: false };
  });
  return Promise.all(
    [...running, ...stopped].map(async (making) => {
      const { name, id, file, isRunning } = await making;
      const told = await ok('inspect', '-f', TOLD, name);
      const path = containerFile(engine.host, id, name, file);
      return { name, id, path, isRunning, told, pid: Number(told.split(' ')[2]) };
    }),
  );
}

const warningsOf = (stderr: string): readonly string[] =>
  stderr.split('\n').flatMap((line) => /^WARNING: (\S+) is (?:damaged|missing)/.exec(line)?.[1] ?? []);

describe.each(DAMAGES)('%s', (damage: Damage) => {
  let cases: readonly Case[] = [];
  let shared: readonly string[] = [];
  let before = new Map<string, string | undefined>();
  const ruinAll = (): void => {
    before = new Map([...cases.map(({ path }) => path), ...shared].map((path) => [path, ruin(path, damage)]));
  };

  beforeEach(async () => {
    await ok('network', 'create', 'own');
    await ok('run', '--rm', '-v', 'named:/data', 'test', 'true');
    cases = await makeCases();
    shared = sharedFiles(engine.host);
  });

  afterEach(async () => {
    await minidock('doctor', '--fix');
    await minidock('rm', '-f', ...cases.map(({ id }) => id));
    await minidock('network', 'rm', 'own');
    await minidock('volume', 'rm', 'named');
    await engine.expectClean();
  });

  test('all else is served, the kernel is believed, and doctor repairs', async () => {
    ruinAll();
    // What a list has no use for is not read by it.
    const listed = cases.filter(
      ({ path }) => /\/(config|state)\.json$/.test(path) && !path.includes('bundle'),
    );
    const all = await minidock('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}');
    expect(all.stdout.trim().split('\n').sort()).toEqual(
      cases
        .map(({ id, name, isRunning }) => {
          const state = isRunning ? 'running' : name === 'stopped-state' ? 'dead' : 'created';
          return `${id} ${name} ${state}`;
        })
        .sort(),
    );
    expect([...warningsOf(all.stderr)].sort()).toEqual(
      expect.arrayContaining(listed.map(({ path }) => path).sort()),
    );
    const look = async ({ name, id, path, told: as, isRunning }: Case): Promise<void> => {
      const { stdout, exitCode, stderr } = await minidock('inspect', '-f', TOLD, name);
      expect([name, exitCode, stdout.trim()]).toEqual([name, 0, as]);
      const told = warningsOf(stderr);
      expect([name, told.includes(path)]).toEqual([name, !/journal|bundle|sock|lease/.test(path)]);
      // Each once, and nothing that is whole: a lost name is looked for in all configurations, say.
      expect(told.filter((one, at) => told.indexOf(one) !== at || !before.has(one))).toEqual([]);
      if (isRunning) {
        const entered = await minidock('exec', name, 'echo', 'entered');
        if (name === 'runs-bundle') {
          expect(entered.exitCode).toBe(1);
          expect(entered.stderr).toContain(path);
        } else expect([name, entered.stdout]).toEqual([name, 'entered\n']);
        expect(await ok('kill', '-s', 'CONT', id)).toBe(id);
        expect(await ok('start', name)).toBe(name);
      }
    };
    await Promise.all(cases.map(look));
    for (const [words, names] of [
      [
        ['images', '--format', '{{.Repository}}'],
        ['configured', 'test'],
      ],
      [
        ['network', 'ls', '--format', '{{.Name}}'],
        ['bridge', 'host', 'none', 'own'],
      ],
      [['volume', 'ls', '-q'], ['named']],
    ] as const) {
      const { stdout, stderr, exitCode } = await minidock(...words);
      expect(exitCode).toBe(0);
      expect(stdout.trim().split('\n').sort()).toEqual(names);
      expect(warningsOf(stderr).every((path) => before.has(path))).toBe(true);
      expect(warningsOf(stderr).length).toBeGreaterThan(0);
    }
    const found = await minidock('doctor', '--json');
    expect([found.exitCode, found.stderr]).toEqual([1, '']);
    const { findings } = JSON.parse(found.stdout) as { findings: { id: string; what: string }[] };
    const named = findings
      .filter(({ id }) => id.startsWith('records.'))
      .map(({ what }) => what.split(' ')[0]);
    expect(named.sort()).toEqual([...before.keys()].sort());
    await minidock('doctor', '--fix');
    const left = await minidock('doctor', '--json');
    const after = (JSON.parse(left.stdout) as { findings: { id: string; level: string }[] }).findings;
    expect(after.filter(({ id, level }) => /^(records|leftovers)\./.test(id) && level !== 'ok')).toEqual([
      expect.objectContaining({ id: expect.stringContaining('shim.sock') as unknown }),
    ]);
    // Nothing is invented: what was in a file is in it again, where it is not worked out anew.
    for (const path of [
      ...shared,
      ...cases.filter(({ name }) => !/state|journal|socket/.test(name)).map(({ path }) => path),
    ])
      expect(JSON.stringify(readFileSync(path, 'utf8'))).toBe(JSON.stringify(before.get(path)));
    const quiet = await minidock('ps', '-a');
    expect(quiet.stderr).toBe('');
  });

  test('stop, kill and rm -f end what runs, in their time, and its port is free', async () => {
    ruinAll();
    const running = cases.filter(({ isRunning }) => isRunning);
    const begin = Date.now();
    await Promise.all(
      running.map(async ({ name, pid }, at) => {
        const how = [['stop', '-t', '0'], ['kill'], ['rm', '-f']][at % 3] as string[];
        const result = await minidock(...how, name);
        expect([name, how, result.exitCode, result.stdout]).toEqual([name, how, 0, `${name}\n`]);
        expect([name, existsSync(`/proc/${String(pid)}`)]).toEqual([name, false]);
      }),
    );
    expect(Date.now() - begin).toBeLessThan(8_000);
    for (const { name } of cases) {
      const { exitCode, stderr } = await minidock('rm', '-f', name);
      expect([name, exitCode, stderr.includes('Error')]).toEqual([name, 0, false]);
    }
    const ports = running.flatMap((_, at) => ['-p', `${String(8000 + at)}:80`]);
    await ok('run', '--rm', ...ports, 'test', 'true');
  });
});

describe('what is lost for good', () => {
  const lose = (path: string): void => {
    ruin(path, 'garbage');
    rmSync(copyOf(path));
  };

  test.each([
    ['stop', ['stop', '-t', '0']],
    ['rm -f', ['rm', '-f']],
  ])(
    'config.json and its copy: %s ends the container all the same, and nothing it may use goes',
    async (_, how) => {
      const id = await ok(
        'run',
        '-d',
        '--name',
        'lost',
        '-v',
        '/data',
        '-p',
        '8080:80',
        'test',
        'sleep',
        '1000',
      );
      const path = containerFile(engine.host, id, 'lost', 'config');
      const pid = Number(await ok('inspect', '-f', '{{.State.Pid}}', 'lost'));
      lose(path);
      const listed = await minidock('ps', '--format', '{{.Names}} {{.State}}');
      expect(listed.stdout).toBe('lost running\n');
      expect(warningsOf(listed.stderr)).toEqual([path]);
      expect((await minidock('rmi', 'test')).stderr).toContain('its config.json is damaged');
      expect((await minidock('volume', 'rm', 'any')).stderr).toContain('its config.json is damaged');
      expect(await ok('exec', 'lost', 'echo', 'entered')).toBe('entered');
      expect(await ok(...how, 'lost')).toBe('lost');
      expect(existsSync(`/proc/${String(pid)}`)).toBe(false);
      if (how[0] === 'stop') {
        const started = await minidock('start', 'lost');
        expect(started.exitCode).toBe(1);
        expect(started.stderr).toContain(`${path} is damaged`);
        await ok('rm', 'lost');
      }
      await ok('volume', 'rm', ...(await ok('volume', 'ls', '-q')).split('\n'));
      await engine.expectClean();
    },
  );

  test('a network and its copy: the others are listed, and its containers end', async () => {
    const network = await ok('network', 'create', 'own');
    await ok('run', '-d', '--name', 'in-it', '--network', 'own', '-p', '8080:80', 'test', 'sleep', '1000');
    const path = join(engine.host.root, 'networks', `${network}.json`);
    const whole = readFileSync(path, 'utf8');
    lose(path);
    expect(await ok('network', 'ls', '--format', '{{.Name}}')).toBe('bridge\nhost\nnone');
    await ok('stop', '-t', '0', 'in-it');
    const started = await minidock('start', 'in-it');
    expect(started.stderr).toContain('network own not found');
    expect(started.stderr).toContain(path);
    await ok('rm', 'in-it');
    const { stdout } = await minidock('doctor', '--json');
    expect(stdout).toContain(`"id": "records.${path}"`);
    // A backup of it, say.
    writeFileSync(path, whole);
    await ok('network', 'rm', 'own');
    await engine.expectClean();
  });
});

test('the lease of an address is lost: nobody else gets it', async () => {
  const id = await ok('run', '-d', '--name', 'first', 'test', 'sleep', '1000');
  const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'first');
  const path = containerFile(engine.host, id, 'first', 'lease');
  rmSync(path);
  const second = await minidock('run', '-d', '--name', 'second', 'test', 'sleep', '1000');
  expect(second.exitCode).toBe(0);
  expect(await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'second')).not.toBe(address);
  expect(await ok('exec', 'second', 'ping', '-c', '1', '-W', '2', address)).toContain(' 0% packet loss');
  expect(readFileSync(path, 'utf8')).toBe(id);
});
