/** Debian at a terminal, looked at as a person does: the screen. The shell, vi, apt and top feel as they do in Docker. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DEBIAN_TIMEOUT, installDebian } from '../../support/images/debian-image.ts';
import { useEngine } from '../../support/engine.ts';
import { openScreen, type Screen } from '../../support/host/screen.ts';

const engine = useEngine();
const { ok } = engine;
const FLAGS = '--name box --hostname box';
/** The container's bash waits, alone in its line. */
const READY = /root@box:\/#$/;
let screen: Screen;
let settings: string;

beforeAll(async () => {
  await installDebian(engine.host);
}, DEBIAN_TIMEOUT);
beforeEach(async () => {
  screen = await openScreen(engine.host);
  settings = await screen.command('stty -g');
});
afterEach(async () => {
  await screen.close();
});

/** The terminal is the caller's again, as it was before. */
async function expectRestored(): Promise<void> {
  expect(await screen.command('stty -g')).toBe(settings);
}

describe('run -it', () => {
  beforeEach(async () => {
    await screen.enter(`minidock run -it --rm ${FLAGS} debian bash`);
    await screen.see(READY);
  });

  async function leave(status: number): Promise<void> {
    await screen.enter(`exit ${String(status)}`);
    await screen.see(/exit\nhost\$$/);
    await screen.enter('echo status $?');
    await screen.see(new RegExp(`\\nstatus ${String(status)}\nhost\\$$`));
    await expectRestored();
  }

  test('a shell: prompt, history, completion, colours, line editing; then its status', async () => {
    await screen.enter(
      'clear; tty; stty size; echo $TERM; ls -d --color=always /etc; echo caf\u00e9 | wc -m',
    );
    expect(await screen.see(/\n\d+\n/)).toMatch(/^\/dev\/pts\/0\n24 80\nxterm\n\/etc\n/);
    await screen.enter('clear');
    await screen.type('cat /etc/debian_v');
    await screen.press('Tab');
    await screen.see(/\$?#? cat \/etc\/debian_version$/);
    await screen.press('C-a', 'C-k');
    await screen.type('echo once');
    await screen.press('Enter', 'Up', 'BSpace', 'BSpace');
    await screen.type('-more');
    await screen.press('Enter');
    await screen.see(/# echo on-more\non-more\nroot@box:\/#$/);
    await leave(7);
  });

  test('vi: the whole screen, typing, its size following the window, Ctrl-Z and fg, :wq', async () => {
    await screen.enter('vi /srv/notes');
    expect(await screen.see(/"\/srv\/notes" \[New( File)?\]$/)).toMatch(/^(\n~){22}\n"/);
    await screen.type('ifirst line');
    await screen.press('Enter');
    await screen.type('second line');
    await screen.press('Escape');
    await screen.see(/^first line\nsecond line\n~(\n~)+/);
    await screen.resize(100, 30);
    await screen.type(':set number');
    await screen.press('Enter');
    await screen.see(/^ {6}1 first line\n {6}2 second line(\n~){27}\n/);
    await screen.press('C-z');
    await screen.see(/\[1\]\+ +Stopped +vi \/srv\/notes\nroot@box:\/#$/);
    await screen.enter('clear; stty size; fg');
    await screen.see(/^ {6}1 first line\n {6}2 second line(\n~){27}/);
    await screen.type(':wq');
    await screen.press('Enter');
    await screen.see(/\nroot@box:\/#$/);
    await screen.enter('clear; cat /srv/notes; stty size');
    await screen.see(/^first line\nsecond line\n30 100\nroot@box:\/#$/);
    await leave(0);
  });

  test('jobs: Ctrl-C ends what is in front, background jobs go on, Ctrl-D ends the input', async () => {
    await screen.enter('clear; sleep 1000 & cat; echo after cat; wait');
    await screen.see(/\[1\] \d+$/);
    await screen.enter('typed');
    await screen.see(/\ntyped\ntyped$/);
    await screen.press('C-d');
    await screen.see(/\nafter cat$/);
    await screen.press('C-c');
    await screen.see(/\^C\nroot@box:\/#$/);
    await screen.enter('clear; jobs');
    await screen.see(/^\[1\]\+ +Running +sleep 1000 &\nroot@box:\/#$/);
    await screen.enter('kill %1; wait; clear; sleep 1000');
    await screen.press('C-c');
    await screen.see(/\^C\nroot@box:\/#$/);
    await screen.press('C-d');
    await screen.see(/exit\nhost\$$/);
    await expectRestored();
  });

  test('a password prompt does not echo', async () => {
    await screen.enter('clear; read -rs -p "Password: " word; echo; echo "$word" | tr a-z b-za');
    await screen.see(/^Password:$/);
    await screen.enter('hal');
    await screen.see(/^Password:\nibm\nroot@box:\/#$/);
    await leave(0);
  });

  test('apt: progress on the terminal, and an answer asked for is read from it', async () => {
    await screen.enter('clear; apt-get remove nginx-light');
    await screen.see(/Do you want to continue\? \[Y\/n\]$/);
    await screen.enter('y');
    await screen.see(/Removing nginx-light[\s\S]*\nroot@box:\/#$/);
    await screen.enter("clear; command -v nginx; dpkg-query -W -f='${db:Status-Status}\\n' nginx-light");
    await screen.see(/config-files|not-installed|no packages found/);
    await leave(0);
  });
});

describe('a container that is running already', () => {
  beforeEach(async () => {
    await ok('run', '-dit', ...FLAGS.split(' '), 'debian', 'bash');
  });

  test('detach keys of one’s own, exec beside it, attach again', async () => {
    await screen.enter('minidock attach --detach-keys=ctrl-a,x box');
    await screen.press('Enter');
    await screen.see(READY);
    await screen.enter('clear; cat');
    await screen.see(/^$/);
    await screen.press('C-p', 'C-q', 'C-a', 'x');
    await screen.see(/host\$$/);
    await expectRestored();
    await screen.enter('clear; minidock exec -it box bash');
    await screen.see(READY);
    await screen.resize(90, 20);
    await screen.enter('clear; tty; stty size; pgrep -a cat');
    await screen.see(/^\/dev\/pts\/1\n20 90\n\d+ cat\nroot@box:\/#$/);
    await screen.enter('exit');
    await screen.see(/exit\nhost\$$/);
    await expectRestored();
    await screen.enter('clear; minidock attach box');
    await screen.enter('typed');
    // Once by this terminal or the container's, and once by cat.
    await screen.see(/typed\n+typed$/);
    await screen.press('C-c');
    await screen.see(/\^C\nroot@box:\/#$/);
    await screen.press('C-p', 'C-q');
    await screen.see(/host\$$/);
    await expectRestored();
  });

  test('attach has what runs there draw its screen, although its size is the same as before', async () => {
    await screen.enter('minidock attach box');
    await screen.enter('vi /etc/debian_version');
    await screen.see(/^1\d\.\d+(\n~){22}/);
    await screen.press('C-p', 'C-q');
    await screen.see(/host\$$/m);
    await expectRestored();
    await screen.enter('clear; minidock attach box');
    await screen.see(/^1\d\.\d+(\n~){22}/);
    await screen.type(':q');
    await screen.press('Enter');
    await screen.see(READY);
    await screen.press('C-p', 'C-q');
    await screen.see(/host\$$/);
    await expectRestored();
  });

  test('top: drawn again and again, keys obeyed, its size the window’s', async () => {
    await screen.enter('minidock exec -it box top -d 0.2');
    await screen.see(/^top - [\s\S]*\n +PID USER [\s\S]*\n +1 root .* bash/);
    await screen.resize(100, 9);
    await screen.press('c');
    await screen.see(/\n +\d+ root .* top -d 0\.2/);
    await screen.press('q');
    await screen.see(/\nhost\$$/);
    await expectRestored();
  });
});
