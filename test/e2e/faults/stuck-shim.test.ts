/** A shim that does nothing any more (SIGSTOP), or that cannot be reached: its container is ended all the same. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { ok } = engine;

/** Runs it, stops its shim, and gives the pids of both. */
async function runStuck(name: string, ...program: readonly string[]): Promise<{ pid: number; shim: number }> {
  const id = await ok('run', '-d', '--name', name, '-p', '8080:80', 'test', ...program);
  const path = join(engine.host.root, 'containers', id, 'state.json');
  const { pid, shimPid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; shimPid: number };
  process.kill(shimPid, 'SIGSTOP');
  return { pid, shim: shimPid };
}

const POLITE = ['sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.1; done'];

test.each([
  ['stop', ['stop', '-t', '5'], POLITE, 3],
  ['stop of one that does not listen', ['stop', '-t', '1'], ['sleep', '1000'], 137],
  ['kill', ['kill'], ['sleep', '1000'], 137],
])('%s ends it in its time and tells the true status', async (_, how, program, status) => {
  const { pid, shim } = await runStuck('stuck', ...program);
  const begin = Date.now();
  expect(await ok(...how, 'stuck')).toBe('stuck');
  expect(Date.now() - begin).toBeLessThan(5_000);
  expect(existsSync(`/proc/${String(pid)}`)).toBe(false);
  await engine.host.waitFor(() => !existsSync(`/proc/${String(shim)}`), 'the shim to be gone');
  expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'stuck')).toBe(
    `exited ${String(status)}`,
  );
  // The port is free.
  await ok('run', '--rm', '-p', '8080:80', 'test', 'true');
});

test('rm -f removes it, and nothing is left', async () => {
  await runStuck('stuck', 'sleep', '1000');
  const begin = Date.now();
  await ok('rm', '-f', 'stuck');
  expect(Date.now() - begin).toBeLessThan(5_000);
  await engine.expectClean();
});

test('stopped again and again: it is killed, and what it had to do is done without it', async () => {
  const { shim } = await runStuck('stuck', 'sleep', '1000');
  const stopper = setInterval(() => {
    try {
      process.kill(shim, 'SIGSTOP');
    } catch {
      clearInterval(stopper); // It is gone, as it should.
    }
  }, 1);
  try {
    const begin = Date.now();
    await ok('stop', '-t', '0', 'stuck');
    expect(Date.now() - begin).toBeLessThan(8_000);
  } finally {
    clearInterval(stopper);
  }
  const status = await ok('inspect', '-f', '{{.State.Status}}', 'stuck');
  expect(status).toBe('exited');
  await ok('rm', 'stuck');
  await engine.expectClean();
});

test.each([
  ['stop', ['stop', '-t', '1']],
  ['kill', ['kill']],
])('%s waits for a shim whose socket is gone', async (_, how) => {
  const id = await ok('run', '-d', '--name', 'deaf', '-p', '8080:80', 'test', 'sleep', '1000');
  const pid = Number(await ok('inspect', '-f', '{{.State.Pid}}', 'deaf'));
  rmSync(join(engine.host.runDir, 'containers', id, 'shim.sock'));
  expect(await ok(...how, 'deaf')).toBe('deaf');
  expect(existsSync(`/proc/${String(pid)}`)).toBe(false);
  expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'deaf')).toBe('exited 137');
});

test('wait does nothing to it: a debugger that stopped it may go on', async () => {
  const { pid, shim } = await runStuck(
    'stuck',
    'sh',
    '-c',
    'while [ ! -e /go ]; do sleep 0.05; done; exit 4',
  );
  const waiting = engine.host.spawn([join(import.meta.dirname, '../../../dist/minidock'), 'wait', 'stuck']);
  await ok('exec', 'stuck', 'touch', '/go');
  await engine.host.waitFor(() => hasEnded(pid), 'the program to end');
  expect([waiting.child.exitCode, stateOf(shim)]).toEqual([null, 'T']);
  process.kill(shim, 'SIGCONT');
  expect(await waiting.exited).toBe(0);
  expect(waiting.output()).toBe('4\n');
});

/** Its parent may be a stopped shim’s child that has yet to take note of it. */
const hasEnded = (pid: number): boolean => !existsSync(`/proc/${String(pid)}`) || stateOf(pid) === 'Z';

const stateOf = (pid: number): string =>
  readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
