/**
 * Shims that have nothing to do sleep in almost no memory; whatever comes wakes them, and nothing is lost or late.
 * That one sleeps is seen from outside: the process is there, and the program it runs is another.
 */
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { openTerminal, PROMPT } from '../../support/host/terminal.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

interface State {
  readonly shimPid: number;
  readonly pid: number;
}

async function stateOf(name: string): Promise<State> {
  const id = await ok('inspect', '-f', '{{.Id}}', name);
  return JSON.parse(readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8')) as State;
}

function sleeps(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`).startsWith('/memfd:minidock');
  } catch {
    return false;
  }
}

/** The pid of a container's shim, which sleeps by then. */
async function asleep(name: string): Promise<number> {
  const { shimPid } = await stateOf(name);
  await engine.host.waitFor(() => sleeps(shimPid), `the shim of ${name} to sleep`);
  return shimPid;
}

async function sleeper(name: string, ...rest: readonly string[]): Promise<number> {
  await ok('run', '-d', '--name', name, ...rest);
  return asleep(name);
}

/** Echoes each line of its input to both streams; ends with the status it is given. */
const ECHO =
  'while read line; do case $line in end*) exit ${line#end};; esac; echo "out $line"; echo "err $line" >&2; done';
/** Waits for its signal, says so, ends with 3. */
const POLITE = 'trap "echo asked; exit 3" TERM; echo ready; while :; do sleep 1000 & wait; done';

const kB = (pid: number): number =>
  Number(/^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8'))?.[1]);

test('what stays of an idle published container is below 400 kB, and below 64 of ours', async () => {
  const pid = await sleeper('small', '-p', '8080:80', 'test', 'sleep', '1000');
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  const beside = children.trim().split(' ').map(Number);
  expect(beside).toHaveLength(1);
  // It is measured once it has settled: right after execve(2) there may still be pages on their way out.
  await engine.host.waitFor(
    () => kB(pid) < 64 && kB(pid) + kB(beside[0] ?? 0) < 400,
    `${String(kB(pid))} and ${String(kB(beside[0] ?? 0))} kB to become less than 64, and 400 together`,
  );
});

test('it is known as the shim it is, blocks no signal, and no one else gets its port', async () => {
  const pid = await sleeper('known', '-p', '8081:80', 'test', 'sleep', '1000');
  // Executed by its descriptor's number, it has that for a name until it gives itself this one.
  const known = (): boolean => readFileSync(`/proc/${String(pid)}/comm`, 'utf8') === 'minidock\n';
  await engine.host.waitFor(known, 'the name minidock');
  expect(readFileSync(`/proc/${String(pid)}/status`, 'utf8')).toMatch(/^SigBlk:\t0+$/m);
  const other = await minidock('run', '--rm', '-p', '8081:80', 'test', 'true');
  expect(other.exitCode).toBe(125);
  expect(other.stderr).toMatch(/port is already allocated[\s\S]*container [0-9a-f]{12} listens on 8081/);
  expect(sleeps(pid)).toBe(true);
});

describe('what wakes it', () => {
  test('stop, by the container’s own end, with its status and its last words', async () => {
    const pid = await sleeper('polite', 'test', 'sh', '-c', POLITE);
    await ok('stop', 'polite');
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'polite')).toBe('exited 3');
    expect(await ok('logs', 'polite')).toBe('ready\nasked');
    await engine.host.waitFor(() => !existsSync(`/proc/${String(pid)}`), 'the shim to be gone');
  });

  test('kill, and the end that --rm brings', async () => {
    const pid = await sleeper('doomed', '--rm', 'test', 'sleep', '1000');
    const waiting = engine.host.spawn([binary, 'wait', 'doomed']);
    await engine.host.waitFor(
      () => sleeps(pid) && socketsOf(pid) === 2,
      'a sleeping shim that is waited for',
    );
    await ok('kill', 'doomed');
    expect(await waiting.exited).toBe(0);
    expect(waiting.output()).toBe('137\n');
    expect(await ok('ps', '-aq')).toBe('');
  });

  test('wait does not keep it awake, and hears of the end', async () => {
    const pid = await sleeper('awaited', '-i', 'test', 'sh', '-c', ECHO);
    const waiting = engine.host.spawn([binary, 'wait', 'awaited']);
    const following = engine.host.spawn([binary, 'logs', '-f', 'awaited']);
    await engine.host.waitFor(
      () => sleeps(pid) && socketsOf(pid) === 3,
      'a sleeping shim with two connections',
    );
    const attach = await attached('awaited');
    attach.child.stdin?.write('one\nend5\n');
    expect(await attach.exited).toBe(5);
    expect(attach.output()).toMatch(/out one/);
    expect(await waiting.exited).toBe(0);
    expect(waiting.output()).toBe('5\n');
    expect(await following.exited).toBe(0);
    expect(following.output().split('\n').sort()).toEqual(['', 'err one', 'out one']);
  });

  test('attach, whose input arrives; when it has left, the shim sleeps again, and again wakes', async () => {
    await sleeper('talker', '-i', 'test', 'sh', '-c', ECHO);
    for (const word of ['first', 'second']) {
      const attach = await attached('talker');
      attach.child.stdin?.write(`${word}\n`);
      await attach.waitForOutput(new RegExp(`out ${word}\\n`));
      attach.kill();
      await attach.exited;
      await asleep('talker');
    }
    expect(await ok('logs', 'talker')).toBe('out first\nout second');
  });

  test('exec runs beside it; what it writes to the container’s output is logged', async () => {
    const pid = await sleeper('host', 'test', 'sleep', '1000');
    expect(await ok('exec', 'host', 'echo', 'inside')).toBe('inside');
    expect(sleeps(pid)).toBe(true);
    await ok('exec', 'host', 'sh', '-c', 'echo logged >/proc/1/fd/1');
    await engine.host.waitFor(async () => (await ok('logs', 'host')) === 'logged', 'the line in the log');
  });

  test('a hundred thousand lines at once, all of them in order in the log', async () => {
    const script = 'read go; seq 100000; read end';
    await sleeper('burst', '-i', 'test', 'sh', '-c', script);
    const attach = await attached('burst');
    attach.child.stdin?.write('go\n');
    await engine.host.waitFor(
      async () => (await ok('logs', '--tail', '1', 'burst')) === '100000',
      'the last line',
    );
    const lines = (await ok('logs', 'burst')).split('\n');
    expect(lines).toEqual(Array.from({ length: 100_000 }, (_, index) => String(index + 1)));
    attach.kill();
  });

  test('a terminal: what was on it stays, what is typed arrives, and its size is followed', async () => {
    await sleeper('screen', '-it', 'test', 'sh');
    const terminal = await openTerminal(engine.host);
    try {
      terminal.enter(`${binary} attach screen`);
      await terminal.see(/\/ # $/);
      terminal.enter('stty size; tty');
      await terminal.see(/24 80\n\/dev\/pts\/0\n/);
      terminal.type('\x10\x11');
      await terminal.see(/read escape sequence/);
      await asleep('screen');
      terminal.enter(`${binary} attach screen`);
      await terminal.see(/\/ # $/);
      terminal.enter('exit 9');
      await terminal.see(PROMPT);
    } finally {
      await terminal.close();
    }
    expect(await ok('wait', 'screen')).toBe('9');
  });
});

describe('what else may happen meanwhile', () => {
  test('it is killed: the container counts as lost and nothing of it is left', async () => {
    const pid = await sleeper('lost', '-p', '8082:80', 'test', 'sleep', '1000');
    killProcess(pid);
    expect(await ok('ps', '-a', '--format', '{{.Names}} {{.Status}}')).toMatch(/^lost Exited \(255\)/);
    await ok('rm', 'lost');
    await engine.expectClean();
  });

  test.each([
    ['damaged, of which the copy is used', 'echo "{" >config.json', 0],
    ['damaged, and so is its copy', 'echo "{" | tee config.json >.config.json.copy', 1],
    ['removed with its copy', 'rm config.json .config.json.copy', 2],
  ])('its record is %s: the shim that wakes up goes on, and ends it as ever', async (_, ruin, at) => {
    const name = `ruined-${String(at)}`;
    await sleeper(name, '-p', `${String(8083 + at)}:80`, 'test', 'sh', '-c', POLITE);
    const { pid } = await stateOf(name);
    const id = await ok('inspect', '-f', '{{.Id}}', name);
    const dir = join(engine.host.root, 'containers', id);
    await engine.host.run(['sh', '-c', `cd ${dir}; ${ruin}; echo woken >/proc/${String(pid)}/fd/1`]);
    await engine.host.waitFor(async () => (await minidock('logs', name)).stdout.includes('woken'), 'the log');
    expect(await ok('stop', id)).toBe(id);
    expect(await ok('inspect', '-f', '{{.State.ExitCode}}', id)).toBe('3');
    await ok('rm', id);
    await engine.expectClean();
  });

  test('its directory is removed: whatever wakes it, it ends the container, which nobody else could', async () => {
    const shim = await sleeper('removed', '-p', '8088:80', 'test', 'sh', '-c', POLITE);
    const { pid } = await stateOf('removed');
    const id = await ok('inspect', '-f', '{{.Id}}', 'removed');
    rmSync(join(engine.host.root, 'containers', id), { recursive: true });
    rmSync(join(engine.host.root, 'names', 'removed'));
    await engine.host.run(['sh', '-c', `echo woken >/proc/${String(pid)}/fd/1`]);
    await engine.host.waitFor(() => !existsSync(`/proc/${String(shim)}`), 'the shim to be gone');
    expect(existsSync(`/proc/${String(pid)}`)).toBe(false);
    await engine.expectClean();
  });

  test('a client talks nonsense: it is let go, the log says so, and the container does not suffer', async () => {
    await ok('run', '-d', '--name', 'patient', 'test', 'sh', '-c', POLITE);
    const id = await ok('inspect', '-f', '{{.Id}}', 'patient');
    // By a descriptor: the path is longer than an address of a socket may be.
    const dir = openSync(join(engine.host.runDir, 'containers', id), 'r');
    const client = connect({ path: `/proc/self/fd/${String(dir)}/shim.sock` });
    client.write(Buffer.from('\x03\0\0\0\x08nonsense', 'latin1'));
    await once(client, 'close');
    closeSync(dir);
    expect(readFileSync(join(engine.host.root, 'containers', id, 'shim.log'), 'utf8')).toMatch(
      /^the shim lets a client go: .*JSON/,
    );
    await ok('stop', 'patient');
    expect(await ok('inspect', '-f', '{{.State.ExitCode}}', 'patient')).toBe('3');
  });

  test('it is stopped and continued, which interrupts its waiting', async () => {
    const pid = await sleeper('paused', 'test', 'sh', '-c', POLITE);
    process.kill(pid, 'SIGSTOP');
    process.kill(pid, 'SIGCONT');
    await asleep('paused');
    await ok('stop', 'paused');
    expect(await ok('inspect', '-f', '{{.State.ExitCode}}', 'paused')).toBe('3');
  });

  test('minidock is upgraded, then removed: the shim wakes up as the one it was', async () => {
    const copy = join(engine.host.dir, 'minidock');
    copyFileSync(binary, copy);
    await engine.host.run([copy, 'run', '-d', '--name', 'old', 'test', 'sh', '-c', POLITE]);
    await asleep('old');
    rmSync(copy);
    await ok('exec', 'old', 'sh', '-c', 'echo woken >/proc/1/fd/1');
    await engine.host.waitFor(
      async () => (await ok('logs', 'old')) === 'ready\nwoken',
      'the line in the log',
    );
    await asleep('old');
    await ok('stop', 'old');
    expect(await ok('inspect', '-f', '{{.State.ExitCode}}', 'old')).toBe('3');
    expect(await ok('logs', 'old')).toBe('ready\nwoken\nasked');
  });

  test('memory files may not be executed: it says so once and stays awake', async () => {
    // The setting belongs to a process-id namespace, so it gets one of its own.
    const script = `
      echo 2 >/proc/sys/vm/memfd_noexec
      ${binary} run -d --name awake test sh -c '${POLITE}' >/dev/null
      log=${engine.host.root}/containers/$(${binary} inspect -f '{{.Id}}' awake)/shim.log
      until [ -s $log ]; do sleep 0.1; done
      ${binary} exec awake sh -c 'echo later >/proc/1/fd/1'
      sleep 1.5
      ${binary} stop awake >/dev/null
      cat $log; ${binary} logs awake; ${binary} inspect -f '{{.State.ExitCode}}' awake`;
    const { stdout, stderr } = await engine.host.run([
      ...['unshare', '--pid', '--fork', '--mount-proc', 'bash', '-c'],
      script,
    ]);
    expect([stdout, stderr]).toEqual([
      expect.stringMatching(/^the shim stays awake: \S+\(.*permission denied\nready\nlater\nasked\n3\n$/),
      '',
    ]);
  });
});

const socketsOf = (pid: number): number =>
  readdirSync(`/proc/${String(pid)}/fd`).filter((fd) =>
    readlinkSync(`/proc/${String(pid)}/fd/${fd}`).startsWith('socket:'),
  ).length;

async function attached(name: string): Promise<ReturnType<typeof engine.host.spawn>> {
  const { shimPid } = await stateOf(name);
  const attach = engine.host.spawn([binary, 'attach', name]);
  await engine.host.waitFor(() => !sleeps(shimPid), 'the shim to wake up');
  return attach;
}
