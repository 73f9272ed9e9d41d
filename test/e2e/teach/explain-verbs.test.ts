/** `--explain` and `--dry-run` of the verbs besides run: what is printed is what is done, and a dry run does nothing. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { killProcess } from '../../support/host/processes.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import { startRegistry } from '../../support/images/registry.ts';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';

const engine = useEngine();
const program = join(import.meta.dirname, '../../../dist/minidock');

/** Of every container there is. */
const shims = (): number[] =>
  readdirSync(join(engine.host.root, 'containers')).flatMap((id) => {
    const state = join(engine.host.root, 'containers', id, 'state.json');
    return existsSync(state)
      ? [(JSON.parse(readFileSync(state, 'utf8')) as { shimPid: number }).shimPid]
      : [];
  });

const objects = (text: string): readonly StepObject[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as StepObject);

const idsOf = (text: string): readonly string[] => objects(text).map(({ id }) => id);

/** Every step has been told, in order, with all there is to say, and how it went. */
function expectWhole(steps: readonly StepObject[]): void {
  expect(steps.map(({ n }) => n)).toEqual(steps.map((_, index) => index + 1));
  for (const step of steps) {
    expect(step.of).toBe(steps.length);
    expect(step.ms).toBeGreaterThanOrEqual(0);
    expect(step.outcome).toMatch(/^(done|already)$/);
    for (const text of [step.title, step.command, step.why, step.without, step.undo, step.section])
      expect(text).not.toBe('');
  }
}

describe('exec', () => {
  test('tells the steps of the process inside, its output apart', async () => {
    await engine.ok('run', '-d', '--name', 'execed', 'test', 'sleep', '100');
    const { stdout, stderr } = await engine.minidock(
      'exec',
      '--explain=json',
      '-u',
      '1000',
      'execed',
      'id',
      '-u',
    );
    expect(stdout).toBe('1000\n');
    const steps = objects(stderr);
    expectWhole(steps);
    expect(steps.map(({ id }) => id)).toEqual([
      'exec.start',
      'exec.join-cgroup',
      'exec.join-keyring',
      'exec.enter-namespaces',
      'process.find-user',
      'process.load-seccomp',
      'process.set-identity',
      'exec.fork',
      'process.new-session',
      'process.exec',
    ]);
    const planned = await engine.ok(
      'exec',
      '--dry-run',
      '--explain=json',
      '-u',
      '1000',
      'execed',
      'id',
      '-u',
    );
    expect(idsOf(planned)).toEqual(steps.map(({ id }) => id));
    expect(objects(planned)[0]).not.toHaveProperty('ms');
  });

  test('its commands, pasted, are in the container: its files, its network, its processes, its cgroup', async () => {
    await engine.ok('run', '-d', '--name', 'pasted', '--hostname', 'inside', 'test', 'sleep', '100');
    const look = 'hostname; cat /proc/self/cgroup; cat /proc/1/cmdline; ip -o addr show eth0';
    const words = ['exec', '--dry-run', '--explain=json', 'pasted', 'sh', '-c', look];
    const steps = objects(await engine.ok(...words));
    const commandOf = (id: string): string => steps.find((step) => step.id === id)?.command ?? '';
    // By hand a shell does what the process does that minidock starts, as far as the image has the tools.
    const inside = [
      commandOf('exec.join-cgroup'),
      `exec ${commandOf('exec.enter-namespaces')} -- ${commandOf('process.exec').replace(/^.*exec /, '')}`,
    ].join('\n');
    const byHand = await engine.host.run(['bash', '-c', inside]);
    const real = await engine.minidock('exec', 'pasted', 'sh', '-c', look);
    expect([byHand.stderr, byHand.stdout]).toEqual(['', real.stdout]);
  });
});

describe('a dry run ends as the real one would', () => {
  test.each([
    ['no address of the network', ['run', '--rm', '--ip', '10.0.0.1', 'test', 'true'], 125],
    ['no number of seconds', ['stop', '-t', 'soon', 'first'], 125],
  ] as const)('%s', async (_, [verb, ...words], status) => {
    await engine.ok('run', '-d', '--name', 'first', '-p', '8080:80', 'test', 'sleep', '100');
    const planned = await engine.minidock(verb, '--dry-run', ...words);
    const { exitCode, stderr } = await engine.minidock(verb, ...words);
    expect(exitCode).toBe(status);
    expect(planned).toMatchObject({ exitCode, stderr, stdout: '' });
    expect(stderr).not.toMatch(/'minidock (?!stop)\w+ --help'/);
  });

  test.each([
    [
      'a port',
      ['run', '-p', '8080:80'],
      /8080 failed: port is already allocated\ncontainer \w{12} listens on 8080\/tcp/,
    ],
    ['every port of a range', ['run', '-p', '8080-8080:80'], /8080 failed: port is already allocated/],
    ['a name', ['run', '--name', 'taker'], /name "\/taker" is already in use/],
    ['an address', ['run', '--ip', '172.17.0.2'], /172\.17\.0\.2/],
    ['a port, since it was created,', ['start', 'later'], /8080 failed: port is already allocated/],
    [
      'an address that this host has not',
      ['run', '-p', '192.0.2.77:80:80'],
      /cannot assign requested address/,
    ],
  ])('%s that cannot be had now is noted, and the steps are printed', async (_, [verb, ...words], what) => {
    await engine.ok('create', '--name', 'later', '-p', '8080:80', 'test', 'true');
    await engine.ok(
      'run',
      '-d',
      '--name',
      'taker',
      '-p',
      '8080:80',
      '--ip',
      '172.17.0.2',
      'test',
      'sleep',
      '100',
    );
    const rest = verb === 'run' ? ['test', 'true'] : [];
    const planned = await engine.minidock(verb ?? '', '--dry-run', ...words, ...rest);
    expect(planned.exitCode).toBe(0);
    expect(planned.stderr).toMatch(/^Note: this would fail now: /);
    expect(planned.stderr).toMatch(what);
    expect(planned.stdout).toContain('Create the network namespace');
    if (words.includes('-p')) expect(planned.stdout).toMatch(/nft add element ip minidock published.*: 172/);
    if (words.includes('--ip')) expect(planned.stdout).toContain('address add 172.17.0.2/16');
    const real = await engine.minidock(verb ?? '', ...words, ...rest);
    expect([real.exitCode, real.stderr]).toEqual([verb === 'run' ? 125 : 1, expect.stringMatching(what)]);
  });

  test('a port that the kernel is to choose is one that it could', async () => {
    const planned = await engine.ok('run', '--dry-run', '-p', '80', 'test', 'true');
    const port = Number(/published '\{ tcp \. (\d+) :/.exec(planned)?.[1]);
    expect(port).toBeGreaterThan(1023);
    expect((await engine.host.run(['ss', '-Htln', `sport = :${port}`])).stdout).toBe('');
  });
});

describe('how to look', () => {
  const PATH = `${join(program, '..')}:${process.env['PATH'] ?? ''}`;
  const look = async (observe: string | null | undefined): Promise<string> => {
    const { exitCode, stdout, stderr } = await engine.host.run(['bash', '-c', observe ?? ''], {
      env: { PATH },
    });
    expect([observe, exitCode, stderr]).toEqual([observe, 0, '']);
    return stdout;
  };
  /** Not every kernel has all that is covered. */
  const isMissing = ({ id }: StepObject): boolean => {
    const path = /^rootfs\.(?:mask|readonly):(.*)$/.exec(id)?.[1];
    return path !== undefined && !existsSync(path);
  };

  test('while a container runs, each look at a step of run, pasted, shows something of that container', async () => {
    const flags = ['--hostname', 'inside', '-p', '8080:80', '-u', '1000', '--read-only', '-w', '/tmp', '-t'];
    const words = ['--name', 'looked-at', '--explain=json', ...flags];
    const { stderr } = await engine.minidock('run', '-d', ...words, 'test', 'sleep', '100');
    const seen = new Map<string, string>();
    for (const step of objects(stderr).filter((each) => each.look !== null && !isMissing(each)))
      seen.set(step.id, await look(step.look));
    const silent = [...seen].flatMap(([id, text]) =>
      text.replace(/^total 0\n$/, 'a hidden directory').trim() === '' ? [id] : [],
    );
    expect(silent).toEqual([]);
    const id = await engine.ok('inspect', '-f', '{{.Id}}', 'looked-at');
    const pid = await engine.ok('inspect', '-f', '{{.State.Pid}}', 'looked-at');
    expect(seen.get('process.join-cgroup')?.split('\n')).toContain(pid);
    expect(seen.get('process.join-keyring')).toMatch(new RegExp(`^.* _ses\\.${id}: .*$`, 'm'));
    expect(seen.get('rootfs.mount-overlay')).toMatch(/^overlay \/ overlay [^\n]*\n$/);
    expect(seen.get('rootfs.make-readonly')).toMatch(/^overlay \/ overlay ro,[^\n]*\n$/);
    expect(seen.get('isolation.set-hostname')).toBe('inside\n');
    expect(seen.get('process.open-terminal')).toMatch(/^\/dev\/pts\/\d+\r\n$/);
    expect(seen.get('process.find-user') ?? seen.get('process.set-identity')).toMatch(/1000/);
    expect(seen.get('process.exec')).toContain('sleep 100');
    for (const path of ['/proc/keys', '/proc/timer_list'].filter((each) => existsSync(each)))
      expect(seen.get(`rootfs.mask:${path}`)).toMatch(/^c.* 1, +3 /);
    // Some hundred processes of exec.
  }, 120_000);

  test('of exec it is as that user, in that directory', async () => {
    await engine.ok('run', '-d', '--name', 'entered', 'test', 'sleep', '100');
    const words = ['-d', '-u', '1000', '-w', '/tmp', '--explain=json', 'entered', 'sleep', '50'];
    const steps = objects((await engine.minidock('exec', ...words)).stderr);
    for (const { look: observe } of steps) if (observe !== null) expect(await look(observe)).not.toBe('');
    const seen = (id: string): Promise<string> => look(steps.find((step) => step.id === id)?.look);
    expect(await seen('process.find-user')).toContain('uid=1000');
    expect(await seen('process.exec')).toContain('sleep 50');
    expect((await seen('exec.join-cgroup')).trim().split('\n').length).toBeGreaterThan(1);
    expect(steps.find(({ id }) => id === 'process.exec')?.why).not.toContain('keeps PID 1');
  });
});

describe('start', () => {
  test('a dry run tells what start then does, and starts nothing', async () => {
    await engine.ok('create', '--name', 'begun', '-p', '8080:80', 'test', 'sleep', '100');
    const planned = objects(await engine.ok('start', '--dry-run', '--explain=json', 'begun'));
    expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'begun')).toBe('created');
    expect((await engine.host.run(['ip', 'netns', 'list'])).stdout).toBe('');
    const steps = objects((await engine.minidock('start', '--explain=json', 'begun')).stderr);
    expectWhole(steps);
    expect(planned.map(({ id }) => id)).toEqual(steps.map(({ id }) => id));
  });

  test('of one that runs already nothing is to be done, which is said; attached to, it is refused', async () => {
    await engine.ok('run', '-d', '--name', 'on', 'test', 'sleep', '100');
    const words = 'Nothing to do: container on is running already.\n';
    expect(await engine.minidock('start', '--dry-run', 'on')).toMatchObject({ exitCode: 0, stdout: words });
    expect(await engine.minidock('start', '--explain', 'on')).toMatchObject({
      exitCode: 0,
      stdout: 'on\n',
      stderr: words,
    });
    expect(await engine.ok('start', '--dry-run', '--explain=json', 'on')).toBe('');
    const attached = await engine.minidock('start', '-a', 'on');
    expect([attached.exitCode, attached.stderr]).toEqual([1, expect.stringContaining('already running')]);
    expect(await engine.minidock('start', '-a', '--dry-run', 'on')).toEqual(attached);
  });

  test('flags that cannot be are refused once, before any container is looked at', async () => {
    await engine.ok('run', '-d', '--name', 'runs', 'test', 'sleep', '100');
    for (const [flags, words] of [
      [['--explain=nonsense'], 'invalid argument "nonsense" for "--explain" flag'],
      [['--dry-run', '--step'], 'conflicting options: with --dry-run nothing is done'],
      [['--step'], 'there is no terminal to press one on'],
    ] as const) {
      const { exitCode, stderr } = await engine.minidock('start', ...flags, 'runs', 'nobody');
      expect([exitCode, stderr]).toEqual([125, expect.stringContaining(words)]);
      expect(stderr).not.toContain('nobody');
    }
  });
});

describe('stop and rm', () => {
  const STOP = ['stop.signal', 'stop.wait', 'stop.kill'];

  test('stop tells the signal, the wait and what the shim takes back, as the journal has it', async () => {
    await engine.ok(
      'run',
      '-d',
      '--name',
      'stopped',
      '-p',
      '8080:80',
      '--init=false',
      'test',
      'sleep',
      '100',
    );
    const planned = objects(await engine.ok('stop', '--dry-run', '--explain=json', '-t', '1', 'stopped'));
    expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'stopped')).toBe('running');
    const { stdout, stderr } = await engine.minidock('stop', '--explain=json', '-t', '1', 'stopped');
    expect(stdout).toBe('stopped\n');
    const steps = objects(stderr);
    expectWhole(steps);
    expect(steps.map(({ command }) => command)).toEqual(planned.map(({ command }) => command));
    const ids = steps.map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(STOP);
    for (const id of [
      'undo:port.publish:8080/tcp',
      'undo:netns.create',
      'undo:process.start',
      'address.release',
    ])
      expect(ids).toContain(id);
    expect(steps.slice(0, 2).map(({ title }) => title)).toEqual([
      'Send SIGTERM to the program',
      'Give it 1 second to end',
    ]);
    for (const { title, look } of steps) expect([title, look]).not.toEqual([title, null]);
    const titles = steps.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
    // A PID 1 without a handler does not hear of SIGTERM.
    expect(steps[2]?.outcome).toBe('done');
  });

  test('of one that does not run nothing is to be stopped, which is said', async () => {
    await engine.ok('create', '--name', 'idle', 'test', 'sleep', '100');
    const words = 'Nothing to do: container idle is not running (created).\n';
    expect(await engine.minidock('stop', '--dry-run', 'idle')).toMatchObject({ exitCode: 0, stdout: words });
    expect(await engine.minidock('stop', '--explain', 'idle')).toMatchObject({
      exitCode: 0,
      stdout: 'idle\n',
      stderr: words,
    });
    expect(await engine.ok('stop', '--dry-run', '--explain=json', 'idle')).toBe('');
    for (const verb of [['stop'], ['rm'], ['rm', '-f'], ['start']]) {
      const { exitCode, stderr } = await engine.minidock(...verb, 'nobody');
      expect(await engine.minidock(...verb, '--dry-run', 'nobody')).toMatchObject({ exitCode, stderr });
    }
  });

  test('one that ends in time is not killed', async () => {
    const script = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done';
    await engine.ok('run', '-d', '--name', 'obedient', 'test', 'sh', '-c', script);
    await engine.host.waitFor(async () => (await engine.ok('logs', 'obedient')) === 'ready', 'its trap');
    const { stderr } = await engine.minidock('stop', '--explain', 'obedient');
    expect(stderr).toMatch(/Kill it, if it goes on\n[^[]*\n {4}not needed\n/);
  });

  test('the signal, pasted, reaches the program', async () => {
    const script = 'trap "exit 7" USR1; echo ready; while :; do sleep 0.05; done';
    await engine.ok('run', '-d', '--name', 'signalled', 'test', 'sh', '-c', script);
    await engine.host.waitFor(async () => (await engine.ok('logs', 'signalled')) === 'ready', 'its trap');
    const [signal] = objects(
      await engine.ok('stop', '-s', 'USR1', '--dry-run', '--explain=json', 'signalled'),
    );
    // A shell's own kill, not the program of that name.
    const pasted = await engine.host.run(['bash', '-c', signal?.command ?? '']);
    expect([pasted.exitCode, pasted.stderr]).toEqual([0, '']);
    expect(await engine.ok('wait', 'signalled')).toBe('7');
  });

  test('of SIGKILL nobody says that the program may finish what it does', async () => {
    await engine.ok('run', '-d', '--name', 'killed', 'test', 'sleep', '100');
    const planned = await engine.ok('rm', '-f', '--dry-run', 'killed');
    expect(planned).toContain('Send SIGKILL to the program\n');
    expect(planned).not.toMatch(/could not\s+finish|writes its\s+files and answers/);
  });

  test('rm lists its files too, and a dry run leaves them', async () => {
    await engine.ok('run', '-d', '--name', 'removed', '-v', '/data', 'test', 'sleep', '100');
    const flags = ['-f', '-v', '--explain=json', 'removed'];
    const planned = idsOf(await engine.ok('rm', '--dry-run', ...flags));
    expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'removed')).toBe('running');
    const { stdout, stderr } = await engine.minidock('rm', ...flags);
    expect(stdout).toBe('removed\n');
    expectWhole(objects(stderr));
    expect(idsOf(stderr)).toEqual(planned);
    expect(planned.join(' ')).toMatch(
      /^stop\.signal stop\.wait .*container\.take-away container\.release-name volume\.remove:\w+ container\.delete-files$/,
    );
  });

  test('of several, each is printed whole, also by a shim that was asleep', async () => {
    const names = ['one', 'two', 'three', 'four'].map((name) => `many-${name}`);
    for (const name of names) await engine.ok('run', '-d', '--name', name, 'test', 'sleep', '100');
    // Asleep, a shim is a program of one page, and what wakes it comes all at once.
    const isAsleep = (pid: number): boolean =>
      readlinkSync(`/proc/${String(pid)}/exe`).startsWith('/memfd:minidock');
    await engine.host.waitFor(
      () => shims().length === names.length && shims().every(isAsleep),
      'every shim asleep',
    );
    const { stdout, stderr } = await engine.minidock('rm', '-f', '--explain=json', ...names);
    expect(stdout.trim().split('\n')).toEqual(names);
    const steps = objects(stderr);
    const begins = steps.flatMap(({ n }, index) => (n === 1 ? [index] : []));
    expect(begins).toHaveLength(names.length);
    begins.forEach((begin, index) => expectWhole(steps.slice(begin, begins[index + 1])));
  });

  test.each([
    ['stop', '-t', '0'],
    ['rm', '-f'],
  ])('%s tells how one with --rm is removed, volumes and all, which its shim does', async (...verb) => {
    await engine.ok('run', '-d', '--rm', '--name', 'goes', '-v', '/data', 'test', 'sleep', '100');
    const planned = idsOf(await engine.ok(...verb, '--dry-run', '--explain=json', 'goes'));
    const { stderr } = await engine.minidock(...verb, '--explain=json', 'goes');
    expectWhole(objects(stderr));
    expect(idsOf(stderr)).toEqual(planned);
    expect(planned.join(' ')).toMatch(/ volume\.remove:\w+ container\.delete-files$/);
    expect(await engine.ok('ps', '-aq')).toBe('');
  });

  test('a container that runs is refused without -f, told or not', async () => {
    await engine.ok('run', '-d', '--name', 'kept', 'test', 'sleep', '100');
    const { exitCode, stderr } = await engine.minidock('rm', '--explain', 'kept');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('container is running')]);
  });

  test('the undo, pasted, takes back what a killed shim left', async () => {
    await engine.ok('run', '-d', '--name', 'lost', '-p', '8080:80', 'test', 'sleep', '100');
    const steps = objects(await engine.ok('stop', '--dry-run', '--explain=json', 'lost'));
    shims().forEach(killProcess);
    const undo = steps.filter(({ id }) => id.startsWith('undo:') || id === 'address.release');
    // A group's directory is busy until the kernel has done with its last process.
    const pasted = undo.map(({ command }) => `until ${command}; do sleep 0.01; done`).join('\n');
    await engine.host.run(['timeout', '5', 'bash', '-c', pasted]);
    expect((await engine.host.run(['ip', 'netns', 'list'])).stdout.trim()).toBe('');
    expect(
      (await engine.host.run(['nft', 'list', 'map', 'ip', 'minidock', 'published'])).stdout,
    ).not.toContain('8080');
    expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'lost')).toBe('exited');
  });
});

describe('pull', () => {
  test('tells its requests and each layer; a dry run keeps nothing; pasted, it brings the same files', async () => {
    const { host } = engine;
    const registry = await startRegistry(host);
    const name = `${registry.address}/told:one`;
    try {
      const layers = [tarOf('first', 'one'), tarOf('dir/second', 'two')];
      await registry.push(writeLayout(join(host.dir, 'layout-told'), [{ layers }]), 'told:one');
      const before = await imageFiles();
      const planned = objects(await engine.ok('pull', '--dry-run', '--explain=json', name));
      expect(await imageFiles()).toEqual(before);
      expect(await engine.ok('images', '-q', name)).toBe('');

      const byHand = join(host.dir, 'by-hand');
      const commands = planned.filter(({ id }) => id !== 'image.name').map(({ command }) => command);
      const pasted = ['set -e', ...commands].join('\n').replaceAll(host.root, byHand);
      const done = await host.run(['bash', '-c', pasted]);
      expect([done.exitCode, done.stderr]).toEqual([0, '']);

      const both = await host.run(['sh', '-c', `${program} pull --explain=json ${name} 2>&1`]);
      const [stderr = '', stdout = ''] = both.stdout.split(/^(?=Digest: )/m);
      // No step is printed after it says that it is done.
      expect(stdout).toMatch(/^Digest: sha256:\w{64}\nStatus: Downloaded newer image for .*\n.*\n$/);
      const steps = objects(stderr);
      expectWhole(steps);
      expect(steps.map(({ command }) => command)).toEqual(planned.map(({ command }) => command));
      expect(steps.filter(({ id }) => id.startsWith('layer.'))).toHaveLength(6);
      expect(steps.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['registry.ping', 'registry.manifest', 'registry.config', 'image.name']),
      );
      for (const { id, command, look: observe } of steps) {
        expect(command).not.toMatch(/^sh -c/);
        if (!/^(registry\.config|layer|image)/.test(id)) continue;
        const looked = await host.run(['bash', '-c', observe ?? '']);
        expect([id, looked.exitCode, looked.stderr, looked.stdout]).toEqual([
          id,
          0,
          '',
          expect.stringMatching(/./),
        ]);
      }
      expect(steps.find(({ id }) => id === 'registry.config')?.undo).toMatch(/^rm -f .*\/sha256\/\w{64}$/);
      for (const { look: observe } of steps.filter(({ id }) => id.startsWith('layer.unpack'))) {
        const list = (observe ?? '').replace('ls ', 'ls -lR --time-style=+ ');
        const there = await host.run(['sh', '-c', list.replaceAll(host.root, byHand)]);
        expect(there.stdout.replaceAll(byHand, host.root)).toBe((await host.run(['sh', '-c', list])).stdout);
        expect(there.stdout).toMatch(/first|second/);
      }
      const again = objects((await engine.minidock('pull', '--explain=json', name)).stderr);
      expect(again.map(({ id }) => id)).toContain('registry.resolve');
      // The configuration is here, so minidock does not ask for it, and says so.
      const asked = steps.find(({ id }) => id === 'registry.config');
      expect(again.filter(({ id }) => id === 'registry.config')).toEqual([
        { ...asked, n: expect.any(Number), of: again.length, ms: 0, outcome: 'already' },
      ]);
      expect(again.filter(({ id }) => id.startsWith('layer.')).every((s) => s.outcome === 'already')).toBe(
        true,
      );
    } finally {
      await engine.minidock('rmi', name);
      await registry.stop();
    }
  });

  test('of an image that is here a dry run tells what a pull would do, which a pull then does', async () => {
    const { host } = engine;
    const registry = await startRegistry(host);
    const [one, two] = ['one', 'two'].map((tag) => `${registry.address}/again:${tag}`) as [string, string];
    const outcomes = (text: string): readonly string[] =>
      objects(text)
        .filter(({ id }) => id.startsWith('layer.'))
        .map(({ id, outcome }) => `${id} ${outcome === 'already' ? 'already' : 'to do'}`);
    try {
      const shared = tarOf('first', 'shared');
      const push = (tag: string, layers: readonly Buffer[]): Promise<void> =>
        registry.push(writeLayout(join(host.dir, `layout-${tag}`), [{ layers }]), `again:${tag}`);
      await push('one', [shared]);
      await push('two', [shared, tarOf('second', 'new')]);
      await engine.ok('pull', '-q', one);
      for (const name of [one, two]) {
        const before = await imageFiles();
        const planned = await engine.ok('pull', '--dry-run', '--explain=json', name);
        expect(await imageFiles()).toEqual(before);
        const { stderr } = await engine.minidock('pull', '--explain=json', name);
        expect(objects(stderr).map(({ command }) => command)).toEqual(
          objects(planned).map(({ command }) => command),
        );
        expect(outcomes(stderr)).toEqual(outcomes(planned));
        expect(outcomes(planned).filter((line) => line.endsWith(' already'))).toHaveLength(3);
        expect(outcomes(planned)).toHaveLength(name === one ? 3 : 6);
      }
      expect(await engine.ok('pull', '--dry-run', two)).toContain('there already, nothing to do\n');
    } finally {
      await engine.minidock('rmi', one, two);
      await registry.stop();
    }
  });

  test('run explains the pull that it needs; with --dry-run neither is done', async () => {
    const { host } = engine;
    const registry = await startRegistry(host);
    const name = `${registry.address}/needed:one`;
    try {
      const layers = [tarOf('echo', readFileSync(join(host.dir, 'image-rootfs/bin/busybox')))];
      await registry.push(writeLayout(join(host.dir, 'layout-needed'), [{ layers }]), 'needed:one');
      const words = ['run', '--rm', '--network', 'none', '--explain=json', name, '/echo', 'it runs'];
      const before = await imageFiles();
      const planned = idsOf(await engine.ok('run', '--dry-run', ...words.slice(1)));
      expect(await imageFiles()).toEqual(before);
      expect(await engine.ok('ps', '-aq')).toBe('');
      const { stdout, stderr } = await engine.minidock(...words);
      expect(stdout).toBe('it runs\n');
      expect(stderr).toContain(`Unable to find image '${name}' locally\n`);
      expect(idsOf(stderr)).toEqual(planned);
      const steps = objects(stderr);
      const runs = steps.findIndex(({ id }) => id === 'netns.create');
      expectWhole(steps.slice(0, runs));
      expectWhole(steps.slice(runs));
      expect(planned.slice(0, runs)).toEqual(expect.arrayContaining(['registry.manifest', 'image.name']));
      expect(idsOf((await engine.minidock(...words)).stderr)).toEqual(planned.slice(runs));
    } finally {
      await engine.minidock('rmi', name);
      await registry.stop();
    }
  });

  const imageFiles = async (): Promise<readonly string[]> =>
    (await engine.host.run(['find', `${engine.host.root}/images`])).stdout.split('\n').sort();

  test('a password is asked for as a registry asks, and is not told', async () => {
    const { host } = engine;
    const user = { name: 'learner', password: 'secret-word' };
    const registry = await startRegistry(host, { address: '127.0.0.1:5001', user });
    const name = `${registry.address}/told:closed`;
    try {
      const layers = [tarOf('first', 'closed')];
      await registry.push(writeLayout(join(host.dir, 'layout-closed'), [{ layers }]), 'told:closed');
      const login = `printf %s secret-word | ${program} login -u learner --password-stdin ${registry.address}`;
      const env = { DOCKER_CONFIG: join(host.dir, 'docker-config') };
      await succeed(host.run(['sh', '-c', login], { env }));
      const { stderr } = await succeed(host.run([program, 'pull', '--explain=json', name], { env }));
      expectWhole(objects(stderr));
      expect(stderr).toContain('--netrc');
      expect(stderr).not.toMatch(/secret-word|Basic|bGVhcm5lcjpzZWNyZXQ/);
    } finally {
      await engine.minidock('rmi', name);
      await registry.stop();
    }
  });
});

describe('files and names', () => {
  const at = (name: string): string => join(engine.host.dir, name);

  test.each([
    ['rename', ['off', 'renamed'], 'container.rename'],
    ['tag', ['test', 'tagged'], 'image.name'],
    ['cp', ['off:/www', at], 'files.copy'],
    ['cp', ['/etc/hosts', 'off:/tmp'], 'files.copy'],
    ['export', ['-o', at, 'off'], 'archive.write'],
    ['save', ['-o', at, 'test'], 'archive.write'],
  ] as const)(
    '%s %j: what a dry run prints is what is done, and it does nothing',
    async (verb, words, id) => {
      await engine.ok('create', '--name', 'off', 'test', 'sleep', '100');
      rmSync(at('written'), { recursive: true, force: true });
      const own = at('written');
      const argv = words.map((word) => (typeof word === 'string' ? word : own));
      const before = await engine.host.snapshot();
      const images = await engine.ok('images');
      const planned = objects(await engine.ok(verb, '--dry-run', '--explain=json', ...argv));
      expect(planned.map((step) => step.id)).toEqual([id]);
      expect([await engine.host.snapshot(), await engine.ok('images'), existsSync(own)]).toEqual([
        before,
        images,
        false,
      ]);
      expect(await engine.ok('ps', '-a', '--format', '{{.Names}}')).toBe('off');
      const { stderr, exitCode } = await engine.minidock(verb, '--explain=json', ...argv);
      expect(exitCode).toBe(0);
      expectWhole(objects(stderr));
      expect(objects(stderr).map(({ command }) => command)).toEqual(planned.map(({ command }) => command));
      expect(existsSync(own)).toBe(argv.includes(own));
      if (verb === 'tag') await engine.ok('rmi', 'tagged');
    },
  );

  test('load and import, of a file that must be there', async () => {
    await engine.ok('save', '-o', at('saved.tar'), 'test');
    for (const [verb, ...more] of [['load', '-i'], ['import']] as const) {
      const images = await engine.ok('images');
      const planned = idsOf(await engine.ok(verb, '--dry-run', '--explain=json', ...more, at('saved.tar')));
      expect([planned, await engine.ok('images')]).toEqual([[`archive.${verb}`], images]);
      const { stderr, stdout } = await engine.minidock(verb, '--explain=json', ...more, at('saved.tar'));
      expectWhole(objects(stderr));
      expect(idsOf(stderr)).toEqual(planned);
      expect(stdout).toMatch(/^(Loaded image: test:latest|sha256:[0-9a-f]{64})\n$/);
      if (verb === 'import') await engine.ok('rmi', stdout.trim());
      const none = await engine.minidock(verb, '--dry-run', ...more, at('none.tar'));
      expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('no such file')]);
    }
  });

  test('a taken name, a container and an image that are not there', async () => {
    await engine.ok('create', '--name', 'one', 'test', 'true');
    await engine.ok('create', '--name', 'two', 'test', 'true');
    for (const words of [
      ['rename', 'one', 'two'],
      ['cp', 'none:/x', at('x')],
      ['export', '-o', at('x'), 'none'],
      ['tag', 'none', 'x'],
      ['save', '-o', at('x'), 'none'],
    ] as const) {
      const [verb, ...rest] = words;
      const [dry, done] = [
        await engine.minidock(verb, '--dry-run', ...rest),
        await engine.minidock(...words),
      ];
      expect([words, dry.exitCode, dry.stderr]).toEqual([words, done.exitCode, done.stderr]);
    }
  });
});
