/** Logs that grow faster than they are read, that are cut into files, and that the disk has no room for. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');
const dirOf = (id: string): string => join(engine.host.root, 'containers', id);

test('--tail and --since print what was there when they were asked, however fast the container writes', async () => {
  await ok('run', '-d', '--name', 'fast', 'test', 'sh', '-c', 'yes "$(seq -s " " 20)"');
  await engine.host.waitFor(async () => (await ok('logs', '-n', '5', 'fast')) !== '', 'the first lines');
  for (const lines of [1, 5, 100]) {
    expect((await ok('logs', '-n', String(lines), 'fast')).split('\n')).toHaveLength(lines);
  }
  const begin = Date.now();
  const since = await minidock('logs', '--since', '10ms', 'fast');
  expect(since.exitCode).toBe(0);
  expect(Date.now() - begin).toBeLessThan(10_000);
});

test('a log is cut into files, of which the last ones are kept; logs and -f read across them', async () => {
  const words = ['--log-opt', 'max-size=10k', '--log-opt', 'max-file=4'];
  const script = 'for i in $(seq 1 400); do echo line $i of some length; usleep 500; done; sleep 0.2';
  const id = await ok('run', '-d', '--name', 'cut', ...words, 'test', 'sh', '-c', script);
  const follower = engine.host.spawn([binary, 'logs', '-f', 'cut']);
  expect(await ok('wait', 'cut')).toBe('0');
  expect(await follower.exited).toBe(0);
  const followed = follower.output().trim().split('\n');
  expect(followed).toEqual(Array.from({ length: 400 }, (_, at) => `line ${String(at + 1)} of some length`));
  const files = readdirSync(dirOf(id)).filter((name) => name.startsWith('container.log'));
  expect(files.length).toBeGreaterThan(1);
  expect(files.length).toBeLessThanOrEqual(4);
  for (const name of files) expect(statSync(join(dirOf(id), name)).size).toBeLessThanOrEqual(10_000);
  const kept = (await ok('logs', 'cut')).split('\n');
  expect(kept).toEqual(followed.slice(-kept.length));
  expect(await ok('logs', '-n', '300', 'cut')).toBe(followed.slice(-Math.min(300, kept.length)).join('\n'));
  expect(await ok('inspect', '-f', '{{json .HostConfig.LogConfig}}', 'cut')).toBe(
    '{"Type":"local","Config":{"max-file":"4","max-size":"10k"}}',
  );
});

test('without a limit of its own a log takes 100 MB at most', async () => {
  const script = 'yes "$(seq -s " " 300)" | head -c 200000000';
  const id = await ok('run', '-d', '--name', 'endless', 'test', 'sh', '-c', script);
  await ok('wait', 'endless');
  const files = readdirSync(dirOf(id)).filter((name) => name.startsWith('container.log'));
  expect(files).toHaveLength(5);
  const total = files.reduce((sum, name) => sum + statSync(join(dirOf(id), name)).size, 0);
  expect(total).toBeGreaterThan(80_000_000);
  expect(total).toBeLessThanOrEqual(100_000_000);
}, 60_000);

test.each([
  [['--log-driver', 'syslog'], "logger: no log driver named 'syslog' is registered"],
  [['--log-opt', 'labels=x'], "unknown log opt 'labels' for local log driver"],
  [['--log-opt', 'compress=true'], 'minidock cannot do --log-opt compress=true'],
  [['--log-opt', 'mode=non-blocking'], 'minidock cannot do --log-opt mode=non-blocking'],
  [['--log-driver', 'json-file', '--log-opt', 'env-regex=('], 'invalid --log-opt env-regex'],
  [['--log-opt', 'max-size=lots'], "invalid size: 'lots'"],
  [['--log-opt', 'max-file=0'], 'max-file cannot be less than 1'],
])('%j is refused', async (flags, words) => {
  const { exitCode, stderr } = await minidock('run', ...flags, 'test', 'true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(words)]);
});

test('--log-driver none keeps none', async () => {
  const id = await ok('run', '-d', '--name', 'silent', '--log-driver', 'none', 'test', 'echo', 'words');
  await ok('wait', 'silent');
  expect(readdirSync(dirOf(id))).not.toContain('container.log');
  const { exitCode, stderr } = await minidock('logs', 'silent');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('does not support reading')]);
});

test('what a full disk has no room for is marked in the log, and told by ps, inspect and doctor', async () => {
  const script = 'echo before; read x; seq 1 50000; read x; echo after; read x';
  const id = await ok('create', '-i', '--name', 'squeezed', 'test', 'sh', '-c', script);
  const dir = dirOf(id);
  const sh = (text: string): Promise<unknown> => engine.host.run(['sh', '-ec', text]);
  // A file system of its own for this container alone, and next to nothing left in it.
  await sh(`mount -t tmpfs -o size=300k,mode=700 tmpfs /mnt; cp -a ${dir}/. /mnt/; mount --move /mnt ${dir}`);
  try {
    const attached = engine.host.spawn([binary, 'start', '-ai', 'squeezed']);
    await attached.waitForOutput(/before/);
    await sh(`dd if=/dev/zero of=${dir}/ballast bs=1k 2>/dev/null || :`);
    attached.child.stdin?.write('\n');
    await attached.waitForOutput(/\n50000\n/);
    const status = await ok('ps', '--format', '{{.Status}}');
    expect(status).toMatch(/^Up .* \(log incomplete\)$/);
    expect(Number(await ok('inspect', '-f', '{{.State.LogLoss.Bytes}}', 'squeezed'))).toBeGreaterThan(0);
    expect((await minidock('doctor')).stdout).toMatch(/bytes that squeezed wrote are not in its log/);
    await sh(`rm ${dir}/ballast`);
    attached.child.stdin?.write('\n');
    await attached.waitForOutput(/after/);
    const { stdout, stderr } = await minidock('logs', 'squeezed');
    expect(stdout).toMatch(/^before\n/);
    expect(stdout).toMatch(/after\n$/);
    const gaps = stderr.matchAll(/\[minidock: (\d+) bytes of output are missing here: .*ENOSPC.*\]/g);
    const missing = [...gaps].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    const all =
      'before\nafter\n'.length +
      Array.from({ length: 50_000 }, (_, at) => `${String(at + 1)}\n`).join('').length;
    expect(missing + stdout.length).toBe(all);
    attached.child.stdin?.write('\n');
    await attached.exited;
    expect(await ok('ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(0\) .* \(log incomplete\)$/);
  } finally {
    await minidock('stop', '-t', '0', 'squeezed');
    // What was there before `start` is below it.
    await sh(`umount -l ${dir}`);
  }
});

test('--details puts what the options of json-file pick in front of each line', async () => {
  await ok(
    ...['run', '--name', 'detailed', '--log-driver', 'json-file', '--label', 'a=one two', '--label', 'b=2'],
    ...['-e', 'ENV_A=x=y', '-e', 'other=1', '--log-opt', 'labels=a,none', '--log-opt', 'env-regex=^ENV_'],
    ...['--log-opt', 'tag={{.Name}}/{{.ID}}', 'test', 'sh', '-c', 'echo first; printf second'],
  );
  const id = (await ok('inspect', '-f', '{{.Id}}', 'detailed')).slice(0, 12);
  const details = `ENV_A=x%3Dy,a=one+two,tag=detailed%2F${id}`;
  expect(await ok('logs', '--details', 'detailed')).toBe(`${details} first\n${details} second`);
  expect(await ok('logs', '--details', '-t', '-n', '1', 'detailed')).toMatch(
    new RegExp(`^\\d{4}-\\S+Z ${details.replaceAll('+', '\\+')} second$`),
  );
  await ok('run', '--name', 'plain', 'test', 'echo', 'words');
  expect(await minidock('logs', '--details', 'plain')).toMatchObject({ stdout: ' words\n' });
});
