/**
 * A deleted network namespace lives on for as long as somebody is in it (nsenter), and on a busy host until the kernel
 * gets round to it: with its end of a cable plugged into the bridge, and an address that is another container's by now.
 */
import { expect, test } from '@jest/globals';
import { useEngine } from '../support/engine.ts';

const engine = useEngine();
const { ok } = engine;

const PAGE = ['httpd', '-f', '-p', '80', '-h', '/www'];
const addressOf = (name: string): Promise<string> =>
  ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name);
const portsOfBridge = async (): Promise<number> =>
  (
    JSON.parse(
      (await engine.host.run(['ip', '-j', 'link', 'show', 'master', 'minidock0'])).stdout,
    ) as unknown[]
  ).length;

test('an address is answered for by its container alone, though somebody is still in its last one’s namespace', async () => {
  await ok('run', '-d', '--name', 'client', 'test', 'sleep', '1000');
  await ok('run', '-d', '--name', 'first', 'test', 'sleep', '1000');
  const address = await addressOf('first');
  const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'first');
  const visitor = engine.host.spawn([
    'nsenter',
    '--target',
    pid,
    '--net',
    'sh',
    '-c',
    'echo inside; exec sleep 1000',
  ]);
  await visitor.waitForOutput(/inside/);
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
