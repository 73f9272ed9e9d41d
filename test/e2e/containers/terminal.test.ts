/** `run -it`, `exec -it` and `attach` at a real terminal: window size, Ctrl-C, job control, detaching, what is left. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { openTerminal, PROMPT, type Terminal } from '../../support/host/terminal.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');
let terminal: Terminal;

beforeEach(async () => {
  terminal = await openTerminal(engine.host);
});
afterEach(() => terminal.close());

/** The prompt of a shell inside a container; it must not look like the host's. */
const INSIDE = /\/ # $/;

describe('run -it', () => {
  test('a pty from the container’s own devpts, its settings, TERM, and the status of the end', async () => {
    const before = await terminal.settings();
    terminal.enter(`${binary} run --rm -it test sh`);
    await terminal.see(INSIDE);
    expect(await terminal.settings()).not.toBe(before);
    terminal.enter('tty; stat -c %t:%T /dev/console | grep -c 88:0; ls -1 /dev/pts; echo $TERM; stty size');
    await terminal.see(/\/dev\/pts\/0\n1\n0\nptmx\nxterm\n24 80/);
    terminal.enter('for f in 0 1 2; do readlink /proc/$$/fd/$f; done');
    await terminal.see(/(\/dev\/pts\/0\n){3}/);
    // What the container's terminal made of a line feed, the caller's must not make once more.
    expect(terminal.seen()).toMatch(/xterm\r\n24 80\r\n/);
    terminal.enter('exit 7');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    terminal.enter('echo status=$?');
    await terminal.see(/status=7/);
    await engine.host.waitFor(async () => (await ok('ps', '-aq')) === '', 'no container');
  });

  test('the window’s size is followed', async () => {
    terminal.enter(`${binary} run --rm -it test sh`);
    await terminal.see(INSIDE);
    await terminal.resize(33, 101);
    terminal.enter('until [ "$(stty size)" = "33 101" ]; do sleep 0.05; done; echo fol""lowed');
    await terminal.see(/followed/);
    terminal.enter(`sh -c 'trap "echo win""ch" WINCH; echo ar""med; while :; do sleep 0.05; done'`);
    await terminal.see(/armed/);
    await terminal.resize(20, 70);
    await terminal.see(/winch/);
    terminal.type('\x03');
    terminal.enter('exit');
    await terminal.see(PROMPT);
  });

  test('Ctrl-C, Ctrl-Z and job control', async () => {
    terminal.enter(`${binary} run --rm -it test sh`);
    await terminal.see(INSIDE);
    const sleeping = "sh -c 'echo sleep''ing; exec sleep 1000'";
    terminal.enter(sleeping);
    await terminal.see(/sleeping/);
    terminal.type('\x03');
    await terminal.see(/\^C\n\/ # $/);
    terminal.enter('echo status=$?');
    await terminal.see(/status=130/);
    terminal.enter(sleeping);
    await terminal.see(/sleeping/);
    terminal.type('\x1a');
    await terminal.see(/Stopped/);
    terminal.enter('bg; jobs; kill %1; wait; echo left=$(jobs | grep -c Running)');
    await terminal.see(/Running[\s\S]*left=0/);
    terminal.enter('exit 0');
    await terminal.see(PROMPT);
    expect(terminal.seen()).not.toMatch(/no job control|can't access tty/);
  });

  test('Ctrl-P Ctrl-Q leaves it running; attach comes back to it; the terminal is the caller’s again', async () => {
    const before = await terminal.settings();
    terminal.enter(`${binary} run -it --name left test sh`);
    await terminal.see(INSIDE);
    terminal.enter('mark=42');
    await terminal.see(INSIDE);
    terminal.type('\x10\x11');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    expect(await ok('inspect', '-f', '{{.State.Running}}', 'left')).toBe('true');
    terminal.enter(`${binary} attach --detach-keys ctrl-x,q left`);
    terminal.enter('');
    await terminal.see(INSIDE);
    terminal.enter('echo mark is $mark; stty size');
    await terminal.see(/mark is 42\n24 80/);
    terminal.type('\x18q');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    terminal.enter(`${binary} attach left`);
    terminal.enter('');
    await terminal.see(INSIDE);
    terminal.enter('exit 5');
    await terminal.see(PROMPT);
    terminal.enter('echo status=$?');
    await terminal.see(/status=5/);
    expect(await terminal.settings()).toBe(before);
  });

  test('start -ai: what was made with -it comes back with its terminal', async () => {
    await ok('create', '-it', '--name', 'made', 'test', 'sh');
    terminal.enter(`${binary} start -ai made`);
    await terminal.see(INSIDE);
    terminal.enter('tty; stty size; exit 4');
    await terminal.see(/\/dev\/pts\/0\n24 80/);
    await terminal.see(PROMPT);
    terminal.enter('echo status=$?');
    await terminal.see(/status=4/);
  });

  test('the terminal is restored when the container is killed or cannot start', async () => {
    const before = await terminal.settings();
    terminal.enter(`${binary} run -it --name victim test sh`);
    await terminal.see(INSIDE);
    await ok('kill', 'victim');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    terminal.enter(`${binary} run --rm -it test no-such-program`);
    await terminal.see(/executable file not found/);
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
  });

  test('as another user: the terminal is theirs', async () => {
    terminal.enter(`${binary} run --rm -it -u app test sh -c 'echo hello >/dev/tty; stat -c %u $(tty)'`);
    await terminal.see(/hello\n1000\n/);
    await terminal.see(PROMPT);
  });

  test('-t without -i shows output only', async () => {
    terminal.enter(`${binary} run --rm -t test sh -c 'tty; stty size; echo coloured'`);
    await terminal.see(/\/dev\/pts\/0\n24 80\ncoloured/);
    await terminal.see(PROMPT);
  });
});

describe('exec -it', () => {
  test('a terminal of its own, size followed, Ctrl-C, status, restored settings', async () => {
    const before = await terminal.settings();
    await ok('run', '-d', '--name', 'box', 'test', 'sleep', '1000');
    terminal.enter(`${binary} exec -it box sh`);
    await terminal.see(INSIDE);
    terminal.enter('tty; stty size; echo $TERM');
    await terminal.see(/\/dev\/pts\/\d+\n24 80\nxterm/);
    await terminal.resize(31, 99);
    terminal.enter('until [ "$(stty size)" = "31 99" ]; do sleep 0.05; done; echo fol""lowed');
    await terminal.see(/followed/);
    terminal.enter("sh -c 'echo sleep''ing; exec sleep 1000'");
    await terminal.see(/sleeping/);
    terminal.type('\x03');
    terminal.enter('echo still he""re');
    await terminal.see(/still here/);
    terminal.enter('exit 6');
    await terminal.see(PROMPT);
    terminal.enter('echo status=$?');
    await terminal.see(/status=6/);
    await terminal.resize(24, 80);
    expect(await terminal.settings()).toBe(before);
  });

  test('detach keys leave the process running', async () => {
    const before = await terminal.settings();
    await ok('run', '-d', '--name', 'box', 'test', 'sleep', '1000');
    terminal.enter(`${binary} exec -it box sh -c 'echo rea""dy; exec sleep 998'`);
    await terminal.see(/ready/);
    terminal.type('\x10\x11');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    expect(await ok('exec', 'box', 'ps', '-o', 'args')).toMatch(/^sleep 998$/m);
  });

  test('-dt: the terminal is there as long as its process', async () => {
    await ok('run', '-d', '--name', 'box', 'test', 'sleep', '1000');
    await ok('exec', '-dt', 'box', 'sh', '-c', 'tty >/which; exec sleep 997');
    await engine.host.waitFor(
      async () => (await ok('exec', 'box', 'sh', '-c', 'cat /which; ps -o args')).includes('sleep 997'),
      'the process',
    );
    expect(await ok('exec', 'box', 'cat', '/which')).toMatch(/^\/dev\/pts\/\d+$/);
  });
});

describe('without a terminal', () => {
  test.each([
    ['run', ['run', '--rm', '-it', 'test', 'true']],
    ['exec', ['exec', '-it', 'box', 'true']],
  ])('%s -it says so', async (_, args) => {
    await ok('run', '-d', '--name', 'box', 'test', 'sleep', '1000');
    expect(await minidock(...args)).toEqual({
      stdout: '',
      stderr: 'the input device is not a TTY\n',
      exitCode: 1,
    });
  });

  test('-d -t gives it a terminal all the same, and its output is in the log', async () => {
    const id = await ok('run', '-d', '-t', 'test', 'sh', '-c', 'tty; echo done');
    await ok('wait', id);
    expect(await ok('logs', id)).toBe('/dev/pts/0\r\ndone\r');
  });
});
