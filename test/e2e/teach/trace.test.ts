/** MINIDOCK_TRACE: a timeline of a command and all it starts, that viewers of the Trace Event Format can read. */
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { writeLayout, tarOf } from '../../support/images/oci-layout.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { startRegistry } from '../../support/images/registry.ts';
import { overlaps, readEvents, readTrace, type TracedSpan } from '../../support/trace.ts';

const engine = useEngine();
const program = join(import.meta.dirname, '../../../dist/minidock');

const newFile = (): string => join(mkdtempSync(join(engine.host.dir, 'trace-')), 'trace.json');

const traced = (file: string, ...args: readonly string[]): Promise<RunResult> =>
  succeed(engine.host.run([program, ...args], { env: { MINIDOCK_TRACE: file } }));

/** Once the last process has written: a shim goes on for a moment after its answer. */
const wholeTrace = (file: string, lastName: RegExp): Promise<readonly TracedSpan[]> =>
  engine.host.waitFor(
    () => {
      const spans = readTrace(file);
      return spans.some(({ name }) => lastName.test(name)) ? spans : undefined;
    },
    `a span like ${String(lastName)}`,
  );

const SHIM = /^shim [0-9a-f]{12}$/;

const namesIn = (spans: readonly TracedSpan[], process: RegExp): readonly string[] =>
  spans.filter((span) => process.test(span.process)).map(({ name }) => name);

describe('a timeline of run --rm -p', () => {
  test('of all its processes, nested, from one end to the other, with --explain’s times', async () => {
    const file = newFile();
    const flags = ['--rm', '--name', 'told', '-p', '8080:80', '--explain=all'];
    const clock = 'begin=$EPOCHREALTIME; "$@"; echo $begin $EPOCHREALTIME';
    const command = ['bash', '-c', clock, 'clock', program, 'run', ...flags, 'test', 'true'];
    const { stdout, stderr } = await succeed(engine.host.run(command, { env: { MINIDOCK_TRACE: file } }));
    const [begin = 0, end = 0] = stdout.split(' ').map((seconds) => Number(seconds) * 1000);
    const spans = await wholeTrace(file, SHIM);
    expect(overlaps(spans)).toEqual([]);

    const outer = namesIn(spans, /^minidock run$/);
    for (const name of [
      'start up',
      'load modules',
      'load run',
      'parse arguments',
      'create',
      'start the shim',
    ])
      expect(outer).toContain(name);
    const shim = namesIn(spans, SHIM);
    for (const name of ['start up', 'lock', 'acquire the network', 'plan', 'process.start', 'undo'])
      expect(shim).toContain(name);
    for (const name of ['wait until PID 1 is ready', 'record the exit', 'answer: started', 'answer: exited'])
      expect(shim).toContain(name);
    const init = namesIn(spans, /^told \(PID 1\)$/);
    for (const name of ['start up', 'rootfs.pivot', 'process.load-seccomp', 'process.exec', 'true'])
      expect(init).toContain(name);
    const programs = spans.filter(({ kind, name }) => kind === 'process' && name === 'nft');
    expect(programs).not.toEqual([]);
    for (const { args } of programs)
      expect(args).toMatchObject({ argv: expect.arrayContaining(['nft']), status: 0 });

    const whole = spans.find(({ name }) => name === 'minidock run') as TracedSpan;
    expect(whole.args).toMatchObject({ status: 0, argv: expect.arrayContaining(['run', '--rm']) });
    // The kernel's part of starting and ending a process is outside: a few milliseconds, more on a busy machine.
    expect([whole.begin >= begin, whole.end <= end]).toEqual([true, true]);
    expect(whole.end - whole.begin).toBeGreaterThan((end - begin) * 0.5);
    const main = spans.filter(({ process, thread }) => process === 'minidock run' && thread === 'main');
    const [, ...parts] = main;
    expect(covered(parts)).toBeGreaterThan((whole.end - whole.begin) * 0.9);

    const explained = [...stderr.matchAll(/^ {4}done in ([\d.]+) ms$/gm)].map(([, ms]) => Number(ms));
    expect(explained.length).toBeGreaterThan(40);
    const inTrace = stepTimes(spans).sort((a, b) => a - b);
    expect(inTrace).toHaveLength(explained.length);
    // Shown in tenths of a millisecond.
    const differing = explained
      .sort((a, b) => a - b)
      .filter((ms, i) => Math.abs(ms - (inTrace[i] ?? 0)) > 0.051);
    expect(differing).toEqual([]);
  });

  test('with what fails', async () => {
    const file = newFile();
    const env = { MINIDOCK_TRACE: file, MINIDOCK_FAIL_AT: 'rootfs.pivot' };
    await engine.host.run([program, 'run', '--rm', 'test', 'true'], { env });
    const spans = await wholeTrace(file, SHIM);
    expect(overlaps(spans)).toEqual([]);
    expect(spans.find(({ name }) => name === 'rootfs.pivot')?.args).toHaveProperty('error');
    expect(spans.map(({ name }) => name)).toContain('answer: failed');
  });

  test('the shim is gone right after its last answer', async () => {
    const file = newFile();
    await traced(file, 'run', '--rm', 'test', 'true');
    const spans = await wholeTrace(file, SHIM);
    const ends = (name: RegExp): number =>
      Math.max(...spans.filter((s) => name.test(s.name)).map((s) => s.end));
    expect(ends(SHIM) - ends(/^answer: exited$/)).toBeLessThan(100);
  });
});

/** Milliseconds that at least one of the spans takes. */
function covered(spans: readonly TracedSpan[]): number {
  let [sum, until] = [0, 0];
  for (const { begin, end } of spans) {
    if (end <= until) continue;
    sum += end - Math.max(begin, until);
    until = end;
  }
  return sum;
}

/** Milliseconds; steps that one process did share its time. */
function stepTimes(spans: readonly TracedSpan[]): number[] {
  return spans
    .filter(({ kind, args }) => kind === 'step' && args['outcome'] === 'done')
    .flatMap(({ begin, end, args }) => {
      const steps = args['steps'] as readonly string[];
      return steps.map(() => (end - begin) / steps.length);
    });
}

describe('other commands', () => {
  test('exec: the process inside too', async () => {
    const file = newFile();
    await engine.ok('run', '-d', '--name', 'exec-trace', 'test', 'sleep', '100');
    await traced(file, 'exec', 'exec-trace', 'true');
    const spans = readTrace(file);
    expect(overlaps(spans)).toEqual([]);
    const inside = namesIn(spans, /^exec in exec-trace$/);
    for (const name of ['start up', 'exec.enter-namespaces', 'process.exec', 'true'])
      expect(inside).toContain(name);
  });

  test('stop of several: each in a lane of its own', async () => {
    const names = ['stop-1', 'stop-2', 'stop-3'];
    for (const name of names) await engine.ok('run', '-d', '--name', name, 'test', 'sleep', '100');
    const file = newFile();
    await traced(file, 'stop', '-t', '0', ...names);
    const spans = readTrace(file);
    expect(overlaps(spans)).toEqual([]);
    expect(new Set(spans.filter(({ name }) => names.includes(name)).map(({ thread }) => thread)).size).toBe(
      3,
    );
    expect(namesIn(spans, /^minidock stop$/).filter((name) => /^wait for shim/.test(name))).toHaveLength(3);
  });

  test('pull: each layer’s steps, and who unpacks it', async () => {
    const registry = await startRegistry(engine.host);
    try {
      const layers = [tarOf('one', '1'), tarOf('two', '2')];
      await registry.push(writeLayout(join(engine.host.dir, 'layout-trace'), [{ layers }]), 'traced');
      const file = newFile();
      await traced(file, 'pull', '-q', `${registry.address}/traced`);
      const spans = readTrace(file);
      expect(overlaps(spans)).toEqual([]);
      const steps = namesIn(spans, /^minidock pull$/);
      expect(steps.filter((name) => /^layer\.download:[0-9a-f]{12}$/.test(name))).toHaveLength(2);
      expect(steps.filter((name) => /^layer\.unpack:[0-9a-f]{12}$/.test(name))).toHaveLength(2);
      expect(namesIn(spans, /^minidock __unpack$/)).toContain('unpack');
    } finally {
      await registry.stop();
    }
  });

  test('several at once into one file, of which nobody but root reads', async () => {
    const file = newFile();
    const runs = [1, 2, 3].map(() => traced(file, 'run', '--rm', 'test', 'true'));
    await Promise.all(runs);
    const spans = await engine.host.waitFor(() => {
      const now = readTrace(file);
      return now.filter(({ name }) => SHIM.test(name)).length === 3 ? now : undefined;
    }, 'three shims');
    expect(overlaps(spans)).toEqual([]);
    expect(readFileSync(file, 'utf8').match(/^\[$/gm)).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('a path that belongs to the command’s directory, and a file that is there and empty', async () => {
    const file = newFile();
    writeFileSync(file, '', { mode: 0o600 });
    const script = `cd ${join(file, '..')} && MINIDOCK_TRACE=trace.json ${program} run --rm test true`;
    await succeed(engine.host.run(['sh', '-c', script]));
    expect((await wholeTrace(file, SHIM)).length).toBeGreaterThan(50);
    expect(readEvents(file).length).toBeGreaterThan(50);
  });
});

describe('what it is not', () => {
  test('without the variable there is no file, and no container sees it', async () => {
    const file = newFile();
    await engine.ok('run', '--rm', 'test', 'true');
    expect(existsSync(file)).toBe(false);
    const env = await traced(file, 'run', '--rm', 'test', 'env');
    expect(env.stdout).not.toContain('MINIDOCK');
    await engine.ok('run', '-d', '--name', 'env-trace', 'test', 'sleep', '100');
    const inside = await traced(file, 'exec', 'env-trace', 'env');
    expect(inside.stdout).not.toContain('MINIDOCK');
  });

  test('a file that cannot be written is one warning, and the command does its work', async () => {
    const run = (file: string): Promise<RunResult> =>
      engine.host.run([program, 'run', '--rm', 'test', 'echo', 'hello'], { env: { MINIDOCK_TRACE: file } });
    expect(await run('/no/such/directory/file')).toMatchObject({
      exitCode: 0,
      stdout: 'hello\n',
      stderr: expect.stringMatching(
        /^minidock: MINIDOCK_TRACE: ENOENT[^\n]*\/no\/such\/directory\/file'?\n$/,
      ),
    });
    const full = join(engine.host.dir, 'full');
    await succeed(engine.host.run(['mkdir', full]));
    await succeed(engine.host.run(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', full]));
    expect(await run(join(full, 'trace'))).toMatchObject({
      exitCode: 0,
      stdout: 'hello\n',
      stderr: expect.stringMatching(/^minidock: MINIDOCK_TRACE: ENOSPC[^\n]*\n$/),
    });
    const unmounts = async (): Promise<true | undefined> =>
      (await engine.host.run(['umount', full])).exitCode === 0 || undefined;
    await engine.host.waitFor(unmounts, 'the end of the shim, which has the file open');
    // Also where the warning cannot be written.
    const untold = ['sh', '-c', 'exec "$0" run --rm test echo hello 2>/dev/full', program];
    expect(
      await engine.host.run(untold, { env: { MINIDOCK_TRACE: '/no/such/directory/file' } }),
    ).toMatchObject({ exitCode: 0, stdout: 'hello\n' });
  });

  test('a file that somebody else has prepared is not written to: told in one line', async () => {
    const dir = join(engine.host.dir, 'prepared');
    const victim = join(dir, 'victim');
    mkdirSync(dir);
    writeFileSync(victim, 'as it was', { mode: 0o600 });
    const at = (name: string): string => join(dir, name);
    symlinkSync(victim, at('link'));
    symlinkSync(at('none'), at('dangling'));
    linkSync(victim, at('hard link'));
    writeFileSync(at('foreign'), '', { mode: 0o600 });
    chownSync(at('foreign'), 54321, 54321);
    writeFileSync(at('readable'), '', { mode: 0o644 });
    await succeed(engine.host.run(['mkfifo', '-m', '600', at('pipe')]));
    for (const [path, fault] of [
      [at('link'), 'is a symbolic link'],
      [at('dangling'), 'is a symbolic link'],
      [at('hard link'), 'has a second name'],
      [at('foreign'), 'belongs to uid 54321'],
      [at('readable'), 'is not for its owner alone (mode 0644)'],
      [at('pipe'), 'is not a regular file'],
      ['/dev/full', 'is not a regular file'],
    ] as const) {
      const env = { MINIDOCK_TRACE: path };
      const { exitCode, stdout, stderr } = await engine.host.run(
        [program, 'run', '--rm', 'test', 'echo', 'hello'],
        { env },
      );
      expect({ path, exitCode, stdout, stderr }).toEqual({
        path,
        exitCode: 0,
        stdout: 'hello\n',
        stderr: expect.stringMatching(/^minidock: MINIDOCK_TRACE: [^\n]*: remove it, or name[^\n]*\n$/),
      });
      expect(stderr).toContain(`${path} ${fault}`);
    }
    expect(readFileSync(victim, 'utf8')).toBe('as it was');
    for (const name of ['foreign', 'readable']) expect(readFileSync(at(name), 'utf8')).toBe('');
    expect(existsSync(at('none'))).toBe(false);
  });
});
