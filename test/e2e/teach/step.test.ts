/** `--step`: the kernel's state while it waits, after a step, and once somebody has had enough. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { openTerminal, PROMPT, type Terminal } from '../../support/host/terminal.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine();
const program = join(import.meta.dirname, '../../../dist/minidock');

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal(engine.host);
});
afterEach(() => terminal.close());

const ASKED = /q Enter undoes what is done: $/;

/** Goes on to where the step of this title is about to be done. */
async function stepTo(title: string): Promise<string> {
  for (;;) {
    const seen = await terminal.see(ASKED);
    const told = (seen.input ?? '').slice(0, seen.index);
    if (told.slice(told.lastIndexOf('] ')).startsWith(`] ${title}`)) return told;
    terminal.type('\r');
  }
}

const netns = async (): Promise<string> => (await engine.host.run(['ip', 'netns', 'list'])).stdout.trim();
const links = async (): Promise<readonly string[]> =>
  [...(await engine.host.run(['ip', '-o', 'link'])).stdout.matchAll(/: (mdv\w+)@/g)].map(
    (match) => match[1]!,
  );

describe('run --step', () => {
  test('what a step makes is not there before the key, and is after it', async () => {
    terminal.enter(`${program} run -d --name walked --step test sleep 100`);
    const first = await stepTo('Create the network namespace');
    expect(first).toMatch(/Before: \$ ip -n md-\w+ address\n +Cannot open network namespace/);
    expect(await netns()).toBe('');
    terminal.type('\r');
    await stepTo('Create the veth pair');
    expect(await netns()).toMatch(/^md-/);
    expect(await links()).toEqual([]);
    terminal.type('\r');
    const plugged = await stepTo('Plug the host');
    expect(plugged).toMatch(/done in [\d.]+ ms\n +After: +\$ ip -n md-\w+ link show eth0\n +\d+: eth0@if/);
    expect(await links()).toHaveLength(1);
    terminal.type('s\r');
    // From here on a line each.
    const rest = await terminal.see(/^[0-9a-f]{64}$/m);
    expect(rest.input).toMatch(/^ *\d+\/\d+ +[\d.]+ ms +Mount \/proc/m);
    await terminal.see(PROMPT);
    expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'walked')).toBe('running');
  });

  test('PID 1 waits as well: a mount of it is not there before the key, and is after it', async () => {
    terminal.enter(`${program} run --rm --name inner --step --network none test echo it runs`);
    await stepTo('Mount /proc');
    const pid = (await engine.host.run(['pgrep', '-fx', `.*minidock __init ${engine.host.runDir}.*`])).stdout
      .trim()
      .split('\n')
      .at(-1)!;
    const procs = async (): Promise<number> =>
      (await engine.host.run(['grep', '-c', '/rootfs/proc ', `/proc/${pid}/mounts`])).stdout.trim() === '0'
        ? 0
        : 1;
    expect(await procs()).toBe(0);
    terminal.type('\r');
    const next = await stepTo('Mount');
    expect(next).toMatch(
      /After: +\$ grep ' \S+\/rootfs\/proc ' \/proc\/\d+\/mounts\n +proc \S+\/rootfs\/proc proc/,
    );
    expect(await procs()).toBe(1);
    terminal.type('s\r');
    await terminal.see(/^it runs$/m);
    await terminal.see(PROMPT);
  });

  test.each([
    ['q\r', 'Plug the host'],
    ['q\r', 'Make it the root directory'],
    ['\x04', 'Create the bridge'],
    ['\x03', 'Publish 8080'],
  ])('%j leaves nothing, before the step "%s…"', async (key, title) => {
    terminal.enter(`${program} run --name quitter -p 8080:80 --step test sleep 100`);
    await stepTo(title);
    terminal.type(key);
    await terminal.see(PROMPT);
    if (key !== '\x03') {
      terminal.enter('echo status $?');
      await terminal.see(/^status 130$/m);
    }
    await terminal.close();
    // Ctrl-C ends the command at once; the shim sees it gone, and undoes what is done by itself.
    await engine.host.waitFor(async () => (await engine.ok('ps', '-aq')) === '', 'its container gone');
    await engine.expectClean();
  });

  test('a command that is killed while it waits is undone', async () => {
    terminal.enter(`${program} run --rm --name killed --step test sleep 100`);
    await stepTo('Assign the address');
    const { stdout } = await engine.host.run(['pgrep', '-fx', `${program} run --rm --name killed.*`]);
    killProcess(Number(stdout.trim()));
    await terminal.see(PROMPT);
    await terminal.close();
    await engine.expectClean();
  });

  test('keys typed after the last one belong to the program', async () => {
    terminal.enter(`${program} run --rm -it --step test sh`);
    await stepTo('Create the network namespace');
    terminal.type('s\r');
    await terminal.see(/# $/);
    terminal.type('echo $((6 * 7))\r');
    await terminal.see(/^42$/m);
    terminal.type('exit\r');
    await terminal.see(PROMPT);
  });
});

test('start --step waits too', async () => {
  await engine.ok('create', '--name', 'later', 'test', 'sleep', '100');
  terminal.enter(`${program} start --step later`);
  await stepTo('Create the network namespace');
  expect(await netns()).toBe('');
  terminal.type('s\r');
  await terminal.see(/^later$/m);
  await terminal.see(PROMPT);
});

test('start --step keeps the container that was there before, whatever is typed', async () => {
  await engine.ok('create', '--name', 'stays', 'test', 'sleep', '100');
  terminal.enter(`${program} start --step stays`);
  await stepTo('Create the bridge');
  terminal.type('q\r');
  await terminal.see(PROMPT);
  expect(await netns()).toBe('');
  expect(await engine.ok('inspect', '-f', '{{.State.Status}}', 'stays')).toBe('created');
});

test('without a terminal it is refused, and nothing is done', async () => {
  const { exitCode, stderr } = await engine.minidock('run', '--name', 'nobody', '--step', 'test', 'true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('there is no terminal to press one on')]);
  expect(await engine.ok('ps', '-aq')).toBe('');
});
