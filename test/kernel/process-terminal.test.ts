/** The terminal of a container: its own pty, its size, its owner, and what Ctrl-C does in it. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { resolve } from 'node:path';
import { makeBundle, type TestBundle } from '../support/bundle.ts';
import { startProgram, type Background } from '../support/host/processes.ts';

const packageOf = { arm64: 'bun-linux-aarch64', x64: 'bun-linux-x64-baseline' }[
  process.arch as 'x64' | 'arm64'
];
const BUN = resolve(import.meta.dirname, `../../node_modules/@oven/${packageOf}/bin/bun`);
const DRIVER = resolve(import.meta.dirname, '../support/drivers/terminal-driver.ts');

let bundle: TestBundle;
beforeEach(() => {
  bundle = makeBundle();
});
afterEach(() => bundle.dispose());

function startInTerminal(script: string, user = ''): Background {
  bundle.prepare(['sh', '-c', script], {
    process: {
      terminal: true,
      consoleSize: { height: 41, width: 97 },
      user: { uid: 0, gid: 0, additionalGids: [], username: user },
    },
  });
  return startProgram([BUN, DRIVER, bundle.dir]);
}

/** The exit status, once all output has been read too. */
const end = (program: Background): Promise<number> =>
  new Promise((done) => program.child.once('close', (code) => done(code ?? -1)));

test('is the container’s own pty, of the size asked for, and the user’s', async () => {
  const program = startInTerminal(
    'tty; stty size; stat -c "%U %t:%T" /dev/pts/0 /dev/console; ls /proc/self/fd /dev/pts; echo tty-works >/dev/tty; exit 4',
    'app',
  );
  expect(await end(program)).toBe(4);
  const lines = program.output().replaceAll('\r', '');
  expect(lines).toContain('/dev/pts/0\n41 97\napp 88:0\napp 88:0\n');
  expect(lines).toContain('tty-works\n');
  expect(lines).toMatch(/\/dev\/pts:\n0 +ptmx\n/);
});

test('turns Ctrl-C into a signal for the foreground job', async () => {
  const program = startInTerminal(
    'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 1; done',
  );
  await program.waitForOutput(/ready/);
  program.child.stdin?.write('\x03');
  expect(await end(program)).toBe(9);
  expect(program.output()).toMatch(/\^C.*interrupted/s);
});

test('passes on what is typed', async () => {
  const program = startInTerminal('read line; echo "got: $line"');
  program.child.stdin?.write('hello there\n');
  expect(await end(program)).toBe(0);
  expect(program.output()).toMatch(/got: hello there/);
});
