/** `events`: what happens, in Docker's order and words, to those who ask afterwards and to those who follow. */
import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** Seconds with a fraction, as --since takes them. */
const now = (): string => (Date.now() / 1000 + 0.0005).toFixed(6);

/** Type, action and attributes, without what is different each time. */
async function eventsSince(since: string, ...flags: readonly string[]): Promise<readonly string[]> {
  const text = await ok('events', '--since', since, '--until', now(), ...flags);
  return text.split('\n').map((line) =>
    line
      .replace(/^\S+ /, '')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/sha256:ID/g, 'ID'),
  );
}

describe('as Docker 26.1 tells them', () => {
  test('run --rm', async () => {
    const since = now();
    await ok('run', '--rm', '--name', 'short', '--label', 'x=y', 'test', 'sh', '-c', 'exit 0');
    const of = 'image=test, name=short, x=y';
    expect(await eventsSince(since)).toEqual([
      `container create ID (${of})`,
      `container attach ID (${of})`,
      'network connect ID (container=ID, name=bridge, type=bridge)',
      `container start ID (${of})`,
      'network disconnect ID (container=ID, name=bridge, type=bridge)',
      `container die ID (execDuration=0, exitCode=0, ${of})`,
      `container destroy ID (${of})`,
    ]);
  });

  test('a detached exec ends with an event of its own, of a status or a signal, and with the container', async () => {
    const since = now();
    await ok('run', '-d', '--name', 'aa', '--network', 'none', 'test', 'sleep', '100');
    await ok('exec', '-d', 'aa', 'sh', '-c', 'exit 7');
    await ok('exec', '-d', 'aa', 'sh', '-c', 'kill -15 $$');
    await ok('exec', '-d', 'aa', 'sleep', '100');
    const ends = async (): Promise<readonly string[]> =>
      (await eventsSince(since)).filter((line) => line.includes('exec_die'));
    const end = (status: number): string =>
      `container exec_die ID (execID=ID, exitCode=${String(status)}, image=test, name=aa)`;
    await engine.host.waitFor(async () => (await ends()).length === 2, 'two programs to end');
    expect([...(await ends())].sort()).toEqual([end(143), end(7)]);
    await ok('rm', '-f', 'aa');
    await engine.host.waitFor(async () => (await ends()).includes(end(137)), 'the third to end');
    await engine.expectClean();
  });

  test('a life with volumes, exec, stop, start, rename and rm -f', async () => {
    const since = now();
    await ok('run', '-d', '--name', 'aa', '--network', 'none', '-v', 'vol1:/x', 'test', 'sleep', '100');
    await minidock('exec', 'aa', 'sh', '-c', 'exit 3');
    await ok('stop', '-t', '0', 'aa');
    await ok('restart', 'aa');
    await ok('rename', 'aa', 'bb');
    await ok('rm', '-f', 'bb');
    await ok('volume', 'rm', 'vol1');
    const mount =
      'volume mount vol1 (container=ID, destination=/x, driver=local, propagation=, read/write=true)';
    expect(await eventsSince(since)).toEqual([
      'volume create vol1 (driver=local)',
      'container create ID (image=test, name=aa)',
      mount,
      'container start ID (image=test, name=aa)',
      'container exec_create: sh -c exit 3 ID (execID=ID, image=test, name=aa)',
      'container exec_start: sh -c exit 3 ID (execID=ID, image=test, name=aa)',
      'container exec_die ID (execID=ID, exitCode=3, image=test, name=aa)',
      'container kill ID (image=test, name=aa, signal=15)',
      'container kill ID (image=test, name=aa, signal=9)',
      'volume unmount vol1 (container=ID, driver=local)',
      'container die ID (execDuration=0, exitCode=137, image=test, name=aa)',
      'container stop ID (image=test, name=aa)',
      mount,
      'container start ID (image=test, name=aa)',
      'container restart ID (image=test, name=aa)',
      'container rename ID (image=test, name=bb, oldName=/aa)',
      'container kill ID (image=test, name=bb, signal=9)',
      'volume unmount vol1 (container=ID, driver=local)',
      'container die ID (execDuration=0, exitCode=137, image=test, name=bb)',
      'container destroy ID (image=test, name=bb)',
      'volume destroy vol1 (driver=local)',
    ]);
  });

  test('networks and images', async () => {
    const since = now();
    await ok('network', 'create', 'n1');
    await ok('network', 'rm', 'n1');
    await ok('tag', 'test', 't2:x');
    await ok('rmi', 't2:x');
    await succeed(engine.host.run(['sh', '-c', `'${binary}' save test | '${binary}' load -q`]));
    expect(await eventsSince(since)).toEqual([
      'network create ID (name=n1, type=bridge)',
      'network destroy ID (name=n1, type=bridge)',
      'image tag ID (name=t2:x)',
      'image untag ID (name=ID)',
      'image save ID (name=ID)',
      'image load ID (name=ID)',
    ]);
  });
});

describe('who follows', () => {
  test('is printed at once, by filter and format, and ends with --until', async () => {
    const follower = engine.host.spawn([
      ...[binary, 'events', '--filter', 'type=container', '--filter', 'event=die'],
      ...['--format', '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'],
    ]);
    // It has begun once it holds the watch: what is said before is not waited for.
    await engine.host.waitFor(async () => {
      await ok('run', '--rm', '--network', 'none', '--name', 'sounding', 'test', 'true');
      return follower.output().includes('sounding 0');
    }, 'the follower to hear something');
    await minidock('run', '--rm', '--network', 'none', '--name', 'heard', 'test', 'sh', '-c', 'exit 7');
    await engine.host.waitFor(() => follower.output().includes('heard 7\n'), 'the event to arrive');
    follower.kill('SIGINT');
    await follower.exited;
  });

  test('--until in the future ends then', async () => {
    const begun = Date.now();
    await ok('events', '--until', (begun / 1000 + 0.5).toFixed(3));
    expect(Date.now()).toBeGreaterThanOrEqual(begun + 500);
  });
});

test('a container whose shim was killed has died for the next command', async () => {
  await ok('run', '-d', '--name', 'lost', 'test', 'sleep', '100');
  const since = now();
  const shim = await ok('inspect', '-f', '{{.Id}}', 'lost');
  await succeed(engine.host.run(['pkill', '-KILL', '-f', `__shim.*${shim}`]));
  await ok('ps', '-a');
  expect(await eventsSince(since, '--filter', 'event=die')).toEqual([
    'container die ID (execDuration=0, exitCode=255, image=test, name=lost)',
  ]);
});

test('the size that a client gives a terminal is an event', async () => {
  const since = now();
  const shell = `stty rows 31 cols 91; '${binary}' run -it --rm --name sized test sh -c 'until stty size | grep 91; do :; done'`;
  await succeed(engine.host.run(['script', '-qec', shell, '/dev/null']));
  expect((await eventsSince(since, '--filter', 'event=resize'))[0]).toBe(
    'container resize ID (height=31, image=test, name=sized, width=91)',
  );
});

test('a full file system is no command’s failure', async () => {
  const dir = join(engine.host.runDir, 'events');
  const script = `
    trap 'umount ${dir}' EXIT
    mount -t tmpfs -o size=4k,mode=700 none '${dir}'
    head -c 4096 /dev/zero >'${dir}/log'
    '${binary}' run --rm --network none test true`;
  await succeed(engine.host.run(['bash', '-ec', script]));
});

describe('wrong usage', () => {
  test.each([
    [['--filter', 'nothing=x'], "invalid filter 'nothing'"],
    [['--filter', 'nothing'], 'bad format of filter'],
    [['--since', 'soon'], 'failed to parse value as time or duration'],
    [['--since', '10', '--until', '5'], '`since` time (10) cannot be after `until` time (5)'],
    [['--format', '{{.X'], 'template'],
  ])('events %j', async (flags, words) => {
    const { stderr, exitCode } = await minidock('events', ...flags);
    expect(stderr).toContain(words);
    expect(exitCode).not.toBe(0);
  });
});
