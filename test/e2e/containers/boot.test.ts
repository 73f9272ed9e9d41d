/**
 * `system boot` and `system halt`. A reboot is simulated: every process of the host's containers is killed at once, with
 * what /run held, and the records name another boot.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS } from '../../support/host/host.ts';

const engine = useEngine();
const { minidock, ok } = engine;

const run = (name: string, policy: string, ...rest: readonly string[]): Promise<string> =>
  ok('run', '-d', '--name', name, '--restart', policy, ...rest);
const SLEEP = ['test', 'sleep', '1000'] as const;
const running = async (): Promise<readonly string[]> =>
  (await ok('ps', '--format', '{{.Names}}')).split('\n').filter(Boolean).sort();

/** The power goes: shims and programs end without a word, and the next boot has another id. */
async function powerCut(): Promise<void> {
  const containers = join(engine.host.root, 'containers');
  for (const id of readdirSync(containers)) {
    const path = join(containers, id, 'state.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { shimPid: number; pid: number };
    for (const pid of [state.shimPid, state.pid])
      if (pid > 0) await engine.host.run(['kill', '-KILL', String(pid)]);
    writeFileSync(path, JSON.stringify({ ...state, bootId: 'before' }));
  }
}

test('the right containers come back after a power cut, with their ports, and nothing else', async () => {
  await run(
    'always',
    'always',
    '-p',
    '8080:80',
    'test',
    'sh',
    '-c',
    'echo back >/www/index.html; httpd -f -h /www',
  );
  await run('unless', 'unless-stopped', ...SLEEP);
  await run('failure', 'on-failure', ...SLEEP);
  await run('none', 'no', ...SLEEP);
  await ok('create', '--name', 'never-started', '--restart', 'always', ...SLEEP);
  for (const policy of ['always', 'unless-stopped']) {
    await run(`stopped-${policy}`, policy, ...SLEEP);
    await ok('kill', `stopped-${policy}`);
  }
  await run('done', 'on-failure', 'test', 'true');
  await ok('run', '-d', '--rm', '--name', 'removed', ...SLEEP);
  await ok('wait', 'done');
  await powerCut();
  expect((await ok('system', 'boot')).split('\n').sort()).toEqual([
    'always',
    'failure',
    'stopped-always',
    'unless',
  ]);
  expect(await running()).toEqual(['always', 'failure', 'stopped-always', 'unless']);
  expect(await ok('inspect', '-f', '{{.State.ExitCode}} {{.State.Error}}', 'none')).toBe(
    '255 the host was restarted',
  );
  expect((await minidock('inspect', 'removed')).exitCode).toBe(1);
  await engine.host.waitFor(
    async () =>
      (await engine.host.outside(['curl', '-s', `http://${HOST_ADDRESS}:8080/`])).stdout === 'back\n',
    'the page',
  );
  // Once more: there is nothing to do.
  expect(await ok('system', 'boot')).toBe('');
});

test('halt stops all of them, and boot brings back what it stopped, and not what a user did', async () => {
  const polite = ['test', 'sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.1; done'];
  await run('always', 'always', ...polite);
  await run('unless', 'unless-stopped', ...polite);
  await run('by-hand', 'unless-stopped', ...polite);
  await run('looping', 'always', 'test', 'false');
  await ok('run', '-d', '--name', 'plain', ...polite);
  await ok('stop', 'by-hand');
  expect((await ok('system', 'halt')).split('\n').sort()).toEqual(['always', 'looping', 'plain', 'unless']);
  expect(await running()).toEqual([]);
  expect(await ok('inspect', '-f', '{{.State.ExitCode}} {{.RestartCount}}', 'always')).toBe('3 0');
  expect((await ok('system', 'boot')).split('\n').sort()).toEqual(['always', 'looping', 'unless']);
  expect(await running()).toEqual(['always', 'looping', 'unless']);
});

test('what shares another’s network starts after it, and one that cannot start is reported', async () => {
  await run('other', 'always', ...SLEEP);
  await run('sharing', 'always', '--network', 'container:other', ...SLEEP);
  const program = join(engine.host.dir, 'program');
  writeFileSync(program, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  await run('broken', 'always', '-v', `${program}:/program`, 'test', '/program');
  await powerCut();
  rmSync(program);
  const dry = await minidock('system', 'boot', '--dry-run');
  expect(dry.stdout).toContain('Start a process in new namespaces');
  expect(await running()).toEqual([]);
  const { exitCode, stdout, stderr } = await minidock('system', 'boot');
  expect([exitCode, stdout.split('\n').filter(Boolean).sort()]).toEqual([1, ['other', 'sharing']]);
  expect(stderr).toContain('/program');
  expect(await running()).toEqual(['other', 'sharing']);
});
