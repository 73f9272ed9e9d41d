/**
 * A deleted network namespace lives on for as long as somebody is in it (nsenter), and on a busy host until the kernel
 * gets round to it: with its end of a cable plugged into the bridge, and an address that is another container's by now.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;

const PAGE = ['httpd', '-f', '-p', '80', '-h', '/www'];
const addressOf = (name: string): Promise<string> =>
  ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name);
const portsOfBridge = async (): Promise<number> =>
  (
    JSON.parse(
      (await engine.host.run(['ip', '-j', 'link', 'show', 'master', 'minidock0'])).stdout,
    ) as unknown[]
  ).length;

/** A process in the container's network namespace that outlives it, as one with a socket of it would. */
async function visit(name: string): Promise<ReturnType<typeof engine.host.spawn>> {
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', name);
  const stay = ['sh', '-c', 'echo inside; exec sleep 1000'];
  const visitor = engine.host.spawn(['nsenter', '--target', pid, '--net', ...stay]);
  await visitor.waitForOutput(/inside/);
  return visitor;
}

const links = async (): Promise<string> => (await engine.host.run(['ip', '-o', 'link'])).stdout;

test('who is still in the namespace of a container that has ended has no network any more', async () => {
  for (const end of [
    ['stop', '-t', '0', 'left'],
    ['rm', '-f', 'left'],
  ]) {
    await ok('run', '-d', '--name', 'left', 'test', 'sleep', '1000');
    const visitor = await visit('left');
    try {
      expect(await links()).toContain(' mdv');
      await ok(...end);
      await engine.host.waitFor(async () => !(await links()).includes(' mdv'), 'the cable to be gone');
    } finally {
      visitor.kill();
      await visitor.exited;
      await minidock('rm', '-f', 'left');
    }
  }
});

test('the same where the shim was killed', async () => {
  await ok('run', '-d', '--name', 'left', 'test', 'sleep', '1000');
  const visitor = await visit('left');
  try {
    const id = await ok('inspect', '-f', '{{.Id}}', 'left');
    const { shimPid } = JSON.parse(
      readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8'),
    ) as { readonly shimPid: number };
    process.kill(shimPid, 'SIGKILL');
    await engine.host.waitFor(
      async () => (await ok('inspect', '-f', '{{.State.Status}}', 'left')) === 'exited',
      'the next command to notice',
    );
    expect(await links()).not.toContain(' mdv');
  } finally {
    visitor.kill();
    await visitor.exited;
    await ok('rm', '-f', 'left');
  }
});

test('an address is answered for by its container alone, though somebody is still in its last one’s namespace', async () => {
  await ok('run', '-d', '--name', 'client', 'test', 'sleep', '1000');
  await ok('run', '-d', '--name', 'first', 'test', 'sleep', '1000');
  const address = await addressOf('first');
  const visitor = await visit('first');
  try {
    await ok('rm', '-f', 'first');
    await ok('run', '-d', '--name', 'second', 'test', ...PAGE);
    expect(await addressOf('second')).toBe(address);
    expect(await portsOfBridge()).toBe(2);
    const fetch = ['exec', 'client', 'wget', '-T', '2', '-q', '-O', '-', `http://${address}/`];
    const page = await engine.host.waitFor(async () => (await engine.minidock(...fetch)).stdout, 'the page');
    expect(page).toBe('hello from the image\n');
  } finally {
    visitor.kill();
    await visitor.exited;
  }
});
