/**
 * A lab with someone hostile in it, who knows the kernel: what enters from the machine, what leads out, and what ends
 * it. Nothing here would do harm if it succeeded.
 */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHost, type TestHost } from '../../support/host/host.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { openScreen } from '../../support/host/screen.ts';

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
});
afterAll(async () => {
  await host.dispose();
});

const minidock = join(import.meta.dirname, '../../../dist/minidock');
const enter = (line: string): readonly string[] => [
  minidock,
  'lab',
  'enter',
  'cable',
  '--',
  'bash',
  '-c',
  line,
];
const type = (line: string): Promise<RunResult> => host.run(enter(line), { timeout: 60_000 });

beforeEach(async () => {
  expect(await host.minidock('lab', 'start', 'cable', '--again')).toMatchObject({ exitCode: 0 });
}, 60_000);
afterEach(async () => {
  await host.minidock('lab', 'end');
}, 60_000);

test('nobody in there ever sees a process of the machine’s root, which it could trace', async () => {
  const seen = 'for p in /proc/[0-9]*; do [ -e $p ] && [ ! -O $p ] && [ -e $p ] && echo $p; done';
  const watcher = host.spawn(enter(`echo watches; while [ ! -e /tmp/stop ]; do ${seen}; done; echo done`));
  await watcher.waitForOutput(/watches/);
  for (let time = 0; time < 60; time++) await type('true');
  await type('touch /tmp/stop');
  expect((await watcher.waitForOutput(/done/)).trim()).toBe('watches\ndone');
}, 120_000);

test('what enters brings neither the keys nor the environment of its sender', async () => {
  const keyctl = process.arch === 'arm64' ? '219' : '250';
  const session = `printf '%d\\n' $(perl -e 'print syscall(${keyctl}, 0, -3, 0)')`;
  // A login has a session of keys; this one prints its number, and enters with it.
  const both = `my $name = "mine"; syscall(${keyctl}, 1, $name); system(@ARGV); system("bash", "-c", $ARGV[-1])`;
  const { stdout: sessions } = await host.run(['perl', '-e', both, '--', ...enter(session)]);
  const [inside = '', outside = ''] = sessions.trim().split('\n');
  expect([inside, outside]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)]);
  expect(inside).not.toBe(outside);
  const { stdout } = await host.run(enter('env'), { env: { SECRET: 'of the machine', LANG: 'C.UTF-8' } });
  expect(stdout).not.toContain('of the machine');
  expect(stdout).toContain('LANG=C.UTF-8');
});

test('nobody in there can type at the terminal that it was entered from', async () => {
  const screen = await openScreen(host, 100, 50);
  const typed = join(host.dir, 'typed');
  // TIOCSTI; the terminals are all that the program might have got.
  await type(
    `cat >/tmp/type <<'END'
#!/usr/bin/perl
open(my $tty, '<', '/dev/tty');
for my $fd (*STDIN, *STDOUT, *STDERR, $tty) { ioctl($fd, 0x5412, my $char = $_) for split //, "touch ${typed}\\n"; }
print "tried\\n";
END
chmod +x /tmp/type; mount --bind /tmp/type /usr/bin/script`,
  );
  for (const line of [
    'minidock lab enter cable',
    'minidock lab enter cable -- /tmp/type',
    'minidock lab enter cable -- /tmp/type | cat',
    'true | minidock lab enter cable -- /tmp/type',
    'minidock lab enter cable -- /tmp/type </dev/null 2>&1 | cat',
  ]) {
    expect([line, await screen.command(`${line}; echo`)]).toEqual([line, expect.stringContaining('tried')]);
    // A shell that has printed this has also done what was typed before.
    await screen.command('echo nothing else');
    expect([line, existsSync(typed)]).toEqual([line, false]);
  }
  await screen.close();
}, 120_000);

test('what leads out of it is as large afterwards, and what is reached is still recorded', async () => {
  const size = async (): Promise<number> =>
    Number(
      (await host.run(['du', '-sb', '--total', host.runDir, join(host.root, 'lab')])).stdout
        .split(/\s+/)
        .at(-3),
    );
  const before = await size();
  // The latter takes what PID 1 has open (pidfd_open, pidfd_getfd), as a debugger could.
  await type(`
    for out in /run/lab/*; do [ -d $out ] || timeout 1 head -c 300000 /dev/zero >>$out; done
    for word in . 'x y' '*' 'netns/../../x' ''; do echo "$word" >/run/lab/reached; done
    perl -e 'my $pid = syscall(434, 1, 0); my $text = "x" x 300000;
      for (0 .. 9) { my $fd = syscall(438, $pid, $_, 0); open(my $out, ">&=", $fd) && syswrite($out, $text) if $fd >= 0 && $_ != 3 }'
    for fd in /proc/[0-9]*/fd/[12]; do [ -p $fd ] || timeout 1 head -c 300000 /dev/zero >$fd; done`);
  expect((await size()) - before).toBeLessThan(1000);
  expect(await host.minidock('lab', 'next')).toMatchObject({ exitCode: 0 });
  expect((await host.minidock('lab', 'list')).stdout).toMatch(/^cable +1 of 7/m);
}, 60_000);

test('a lab that froze itself ends, and so does a process on its way in', async () => {
  await host.minidock('lab', 'end');
  const before = await host.snapshot();
  await host.minidock('lab', 'start', 'cable', '--again');
  const frozen = host.spawn(
    enter(`
    cd /sys/fs/cgroup/freezer 2>/dev/null || cd /sys/fs/cgroup
    mkdir -p ice/below shells
    for pid in $(cat cgroup.procs shells/cgroup.procs); do [ $pid = 0 ] || echo $pid >ice/below/cgroup.procs || :; done
    echo freezes; echo FROZEN >ice/freezer.state || echo 1 >ice/cgroup.freeze; echo FROZEN >shells/freezer.state`),
  );
  await frozen.waitForOutput(/freezes/);
  expect(await host.minidock('lab', 'end')).toMatchObject({ exitCode: 0 });
  await frozen.exited;
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('of a lab whose keeper was killed the next one clears what is left', async () => {
  await host.minidock('lab', 'end');
  const before = await host.snapshot();
  for (const lesson of ['cable', 'host']) {
    await host.minidock('lab', 'start', lesson, '--again');
    const keeper = readFileSync(join(host.runDir, 'lab', lesson, 'keeper'), 'utf8');
    process.kill(Number(keeper), 'SIGKILL');
    await host.waitFor(
      async () => !(await host.minidock('lab', 'list')).stdout.includes('(running)'),
      'its end',
    );
  }
  expect(await host.minidock('lab', 'start', 'cable', '--again')).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(host.runDir, 'lab', 'host'))).toBe(false);
  await host.minidock('lab', 'end');
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('what it writes to the host is read within the lab’s limits, a little at a time', async () => {
  const dir = join(host.runDir, 'lab', 'cable');
  const keeper = readFileSync(join(dir, 'keeper'), 'utf8');
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim().split(' ');
  const name = (pid: string): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  const recorder = children.find((pid) => name(pid) !== 'unshare') ?? '';
  expect(readFileSync(`/proc/${recorder}/cgroup`, 'utf8')).toMatch(
    /^\d+:[^:]*:.*\/minidock-lab\/.*\/recorder$/m,
  );
  // user, system, and those of the children that have ended (proc_pid_stat(5)), in hundredths of a second.
  const used = (): number =>
    readFileSync(`/proc/${recorder}/stat`, 'utf8')
      .replace(/.*\) /, '')
      .split(' ')
      .slice(11, 15)
      .reduce((sum, ticks) => sum + Number(ticks), 0);
  const before = used();
  await type('timeout 3 cat /dev/zero >/run/lab/reached || :; timeout 1 yes >/run/lab/reached || :');
  expect(used() - before).toBeLessThan(100);
  expect(await host.minidock('lab', 'next')).toMatchObject({ exitCode: 0 });
  expect((await host.minidock('lab', 'list')).stdout).toMatch(/^cable +1 of 7/m);
}, 60_000);

test('it ends also when somebody holds on to the pipe that leads out', async () => {
  const dir = join(host.runDir, 'lab', 'cable');
  const held = openSync(join(dir, 'reached'), 'w');
  try {
    expect(await host.minidock('lab', 'end')).toMatchObject({ exitCode: 0 });
    expect(existsSync(dir)).toBe(false);
  } finally {
    closeSync(held);
  }
}, 60_000);

test('no socket that leads around the namespaces can be made, by any call, by any process that enters', async () => {
  const program = `use POSIX ();
    for my $family (0 .. 50, 4294967296 + 40, -1) {
      for my $call (41, 53) {
        my $pair = "\\0" x 8;
        my $fd = syscall($call, $family, 2, 0, $pair);
        $made{$family}++ if $fd >= 0 || $! != POSIX::EAFNOSUPPORT();
      }
    }
    print join(",", sort { $a <=> $b } keys %made), "\n";
    my $params = "\\0" x 120;
    print syscall(425, 1, $params) < 0 ? $! : "a ring", "\n";`;
  const numbers = process.arch === 'arm64' ? program.replace('(41, 53)', '(198, 199)') : program;
  for (const words of [
    ['perl', '-e', numbers],
    ['setpriv', '--reuid=1', '--clear-groups', 'perl', '-e', numbers],
  ]) {
    const { stdout } = await host.run([minidock, 'lab', 'enter', 'cable', '--', ...words]);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['1,2,10,16,17', 'Function not implemented']);
  }
  // Also of a process that nobody entered for: PID 1 has the same filter.
  expect(
    (await type('grep Seccomp_filters /proc/1/status /proc/self/status | cut -f 2 | uniq -c')).stdout,
  ).toMatch(/^ +2 1$/m);
});
