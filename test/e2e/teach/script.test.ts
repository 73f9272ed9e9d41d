/** `run --script`: what the script makes, compared with what minidock makes of the same flags, by the kernel's word. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { viewContainer, type ContainerView } from '../../support/container-view.ts';
import { useEngine } from '../../support/engine.ts';
import { createHost, HOST_ADDRESS } from '../../support/host/host.ts';
import { installImages, succeed } from '../../support/images/image.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import type { Background, RunResult } from '../../support/host/processes.ts';
import { startRegistry } from '../../support/images/registry.ts';
import { tarOf as archiveOf } from '../../support/images/tar-bytes.ts';
import { openTerminal, PROMPT } from '../../support/host/terminal.ts';
import { testUnless } from '../../support/host/requirements.ts';

const engine = useEngine({ iptables: true });
const { ok, minidock, expectClean } = engine;
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
const noShellcheck = spawnSync('shellcheck', ['--version']).status === 0 ? '' : 'shellcheck is not installed';

/** The script's path. */
async function write(...args: readonly string[]): Promise<string> {
  const path = join(engine.host.dir, 'container.sh');
  writeFileSync(path, `${await ok('run', '--script', ...args)}\n`);
  return path;
}

const runScript = async (...args: readonly string[]): Promise<RunResult> =>
  engine.host.run(['bash', await write(...args)]);

/** The id that -d prints when the program begins, and its process. */
async function startScript(
  ...args: readonly string[]
): Promise<{ script: Background; id: string; pid: number }> {
  const script = engine.host.spawn(['bash', await write('-d', ...args)]);
  const id = (await script.waitForOutput(/^[0-9a-f]{64}$/m)).trim();
  return { script, id, pid: await processOf(id) };
}

function processOf(id: string, host = engine.host): Promise<number> {
  const find = [
    'find',
    '/sys/fs/cgroup',
    '-path',
    `*/minidock/${id}/cgroup.procs`,
    '-exec',
    'cat',
    '{}',
    '+',
  ];
  return host.waitFor(async () => {
    const [pid = ''] = (await host.run(find)).stdout.split('\n');
    // The shell that waits for the root has the program's place until it executes it.
    return pid !== '' && /^(sleep|httpd)\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      ? Number(pid)
      : undefined;
  }, 'the program to run');
}

async function end(script: Background): Promise<void> {
  script.kill('SIGTERM');
  expect([await script.exited, script.output().replace(/^[0-9a-f]{64}\n/, '')]).toEqual([143, '']);
}

async function compare(...flags: readonly string[]): Promise<ContainerView> {
  const argv = [...flags, 'test', 'sleep', '1000'];
  const id = await ok('run', '-d', ...argv);
  const theirs = await viewContainer(engine.host, id, await processOf(id));
  await ok('rm', '-f', id);
  const started = await startScript(...argv);
  const ours = await viewContainer(engine.host, started.id, started.pid);
  await end(started.script);
  expect(ours).toEqual(theirs);
  return ours;
}

describe('the same container', () => {
  test.each(['nftables', 'iptables'])('with a published port and %s', async (firewall) => {
    const view = await compare('--firewall', firewall, '-p', '8080:80', '-p', '127.0.0.1:9000:90/udp');
    expect(view.namespaces).toEqual(['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts']);
    const rules = [...(view.host['nft'] ?? []), ...(view.host['iptables'] ?? [])].join('\n');
    expect(rules).toMatch(/8080/);
    await expectClean();
  });

  test('with limits, mounts, a user and fewer powers', async () => {
    const source = join(engine.host.dir, 'source');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'file'), '');
    await ok('run', '--rm', '-v', 'kept:/volume', 'test', 'true');
    const view = await compare(
      ...['-m', '64m', '--cpus', '0.5', '--pids-limit', '50', '--cpu-shares', '512', '--oom-score-adj', '5'],
      ...[
        '-u',
        'app',
        '--group-add',
        'wheel',
        '--group-add',
        '77',
        '-w',
        '/srv/made',
        '-h',
        'named',
        '--domainname',
        'd',
      ],
      ...['-e', 'A=b c', '-e', "QUOTE=it's", '-e', 'dotted.name=1', '-e', 'LD_LIBRARY_PATH=/x'],
      ...['-v', 'kept:/volume', '-v', `${source}:/src dir:ro`, '-v', `${source}/file:/etc/made/file`],
      ...['--tmpfs', '/t:size=1m,exec', '--tmpfs', '/tmp', '--read-only', '--shm-size', '1m'],
      ...['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--sysctl', 'kernel.msgmax=9000'],
      ...['--cap-drop', 'chown', '--cap-add', 'sys_time', '--security-opt', 'no-new-privileges'],
      ...['--add-host', 'db:192.0.2.9', '--dns', '192.0.2.53', '--device', '/dev/null:/dev/below/copy'],
    );
    expect(view.ownSession).toBe(true);
    expect(view.status).toContain('NoNewPrivs:\t1');
    expect(view.cgroup.join('\n')).toMatch(/67108864/);
  });

  test.each([
    ['--network', 'none'],
    ['--network', 'host'],
    ['--privileged', '-u', '1234:5678'],
    ['--cap-drop', 'ALL', '-u', ':staff', '-v', '/dev:/dev'],
  ])('with %s %s', async (...flags) => {
    await compare(...flags);
    await expectClean();
  });
});

test.each(['nftables', 'iptables'])('on a host that has had no container, with %s', async (firewall) => {
  const argv = ['--firewall', firewall, '-p', '8080:80', 'test', 'sleep', '1000'];
  const views: ContainerView[] = [];
  for (const by of ['minidock', 'script']) {
    const host = await createHost();
    try {
      await installImages(host);
      const path = join(host.dir, 'container.sh');
      if (by === 'script')
        writeFileSync(path, (await succeed(host.minidock('run', '--script', '-d', ...argv))).stdout);
      const running =
        by === 'script' ? host.spawn(['bash', path]) : host.spawn([MINIDOCK, 'run', '-d', ...argv]);
      const id = (await running.waitForOutput(/^[0-9a-f]{64}$/m)).trim();
      views.push(await viewContainer(host, id, await processOf(id, host)));
      if (by === 'script') await end(running);
      else await succeed(host.minidock('rm', '-f', id));
    } finally {
      await host.dispose();
    }
  }
  // The hosts' own names for their cgroups are in the paths of some mounts.
  const [theirs, ours] = views.map((view) =>
    JSON.stringify(view, null, 1).replace(/minidock-test-\w+/g, 'HOST'),
  );
  expect(ours).toBe(theirs);
  expect(ours).toContain('172.17.0.1/16');
});

test('on a host with cgroup v2 alone, where what tools cannot do is said', async () => {
  const host = await createHost({ cgroup: 'v2' });
  try {
    await installImages(host);
    const argv = ['test', 'cat', '/proc/self/cgroup', '/proc/self/oom_score_adj'];
    const path = join(host.dir, 'container.sh');
    const script = (await succeed(host.minidock('run', '--script', ...argv))).stdout;
    writeFileSync(path, script);
    expect(await host.run(['bash', path])).toEqual(await host.minidock('run', '--rm', ...argv));
    expect(script).toMatch(/# No tool makes this call, so .*\n *# bpf\(2\) attaches/);
    expect((await host.snapshot()).cgroups).toEqual([]);
  } finally {
    await host.dispose();
  }
});

test('-it: a terminal of its own, with its size and Ctrl-C', async () => {
  const path = await write('-it', 'test', 'sh');
  const terminal = await openTerminal(engine.host);
  try {
    const before = await terminal.settings();
    terminal.enter(`SHELL=/bin/sh bash ${path}`); // script(1) would start it, and it drops exported functions
    await terminal.see(/\/ # $/);
    terminal.enter('tty; stty size; echo $TERM');
    await terminal.see(/\/dev\/console\n24 80\nxterm\n/);
    terminal.enter('sleep 1000; echo interrupted=$?');
    await engine.host.waitFor(
      async () => (await engine.host.snapshot()).processes.includes('sleep 1000'),
      'sleep to run',
    );
    terminal.type('\x03');
    await terminal.see(/\/ # $/);
    terminal.enter('exit 7');
    await terminal.see(PROMPT);
    expect(await terminal.settings()).toBe(before);
    terminal.enter('echo status=$?');
    await terminal.see(/status=7/);
  } finally {
    await terminal.close();
  }
  await expectClean();
});

test('its page is served to the world', async () => {
  const argv = ['-p', '8080:80', 'test', 'httpd', '-f', '-p', '80', '-h', '/www'];
  const { script } = await startScript(...argv);
  const wget = ['busybox', 'wget', '-qO-', `http://${HOST_ADDRESS}:8080/index.html`];
  const page = await engine.host.waitFor(async () => (await engine.host.outside(wget)).stdout, 'the page');
  expect(page).toBe('hello from the image\n');
  await end(script);
  await expectClean();
});

describe('what the program sees', () => {
  test('arguments, status and streams are those of run', async () => {
    const argv = ['configured', "it's", '$(no)', '', 'two  words'];
    expect(await runScript(...argv)).toEqual(await minidock('run', '--rm', ...argv));
    expect(await runScript('test', 'sh', '-c', 'echo out; echo err >&2; exit 7')).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 7,
    });
    expect(await runScript('test', 'cat')).toMatchObject({ stdout: '', exitCode: 0 });
    const path = await write('-i', 'test', 'cat');
    expect((await engine.host.run(['bash', path], { input: 'in\n' })).stdout).toBe('in\n');
  });

  test('a program that is not there, or none', async () => {
    expect((await runScript('test', 'no-such-program')).exitCode).toBe(127);
    expect((await runScript('test', '/etc/not-executable')).exitCode).toBe(126);
  });

  test('nothing of the host: no descriptor, no signal ignored, no other process', async () => {
    const path = await write(
      'test',
      'sh',
      '-c',
      'ls /proc/self/fd; grep SigIgn /proc/self/status; ls -d /proc/[0-9]* | wc -l; umask',
    );
    const argv = ['bash', '-c', 'trap "" INT PIPE; umask 077; exec 7</ 8<"$0"; exec bash "$0"', path];
    const { stdout } = await engine.host.run(argv);
    expect(stdout).toMatch(/^0\n1\n2\n3\nSigIgn:\t0+\n[123]\n0022\n$/);
  });

  test('a filter on system calls with no-new-privileges, and a word in the script without', async () => {
    const seccomp = ['test', 'grep', 'Seccomp:', '/proc/self/status'];
    expect((await runScript('--security-opt', 'no-new-privileges', ...seccomp)).stdout).toBe('Seccomp:\t2\n');
    expect((await runScript(...seccomp)).stdout).toBe('Seccomp:\t0\n');
    expect(await ok('run', '--script', ...seccomp)).toMatch(/# Left out: setpriv\(1\) can load a filter/);
    expect(await ok('run', '--script', ...seccomp)).toMatch(/session\s+(# )?keyring/);
  });

  test('a new volume begins with what the image has, and goes', async () => {
    const look = [
      'sh',
      '-c',
      'cat /volume/from-image /volume/below/deep; stat -c "%a %u:%g" /volume; echo x >/volume/new',
    ];
    const { stdout, stderr } = await runScript('-v', 'fresh:/volume', 'test', ...look);
    expect([stdout, stderr]).toEqual(['filled\ndeep\n2775 1000:50\n', '']);
    expect(await ok('volume', 'ls', '-q')).not.toMatch(/fresh/);
  });

  test('a variable that bash keeps for itself is left out, and said so', async () => {
    const script = await ok('run', '--script', '-e', 'SHELLOPTS=xtrace', '-e', 'UID=7', 'test', 'true');
    expect(script).toMatch(/# Left out, .*: SHELLOPTS, UID\.$/m);
  });

  test('a user that is not there is refused in the words of run', async () => {
    expect(await runScript('-u', 'nobody-known', 'test', 'true')).toMatchObject({
      exitCode: 125,
      stdout: '',
    });
    await expectClean();
  });
});

test('an image of forty layers, with links that lead out of it', async () => {
  const escape = join(engine.host.dir, 'escape');
  const numbered = Array.from({ length: 40 }, (_, n) => tarOf(`layer/${n}`, ''));
  const links = archiveOf(
    { name: 'etc', type: '2', link: `${'../'.repeat(20)}${escape}` },
    { name: 'volume', type: '2', link: `${escape}/volume` },
    { name: 'srv/work', type: '2', link: '/volume/below' },
  );
  const remove = await install('many', [busyboxLayer(), ...numbered, links]);
  const look = [
    'busybox',
    'sh',
    '-c',
    'busybox ls /layer | busybox wc -l; busybox pwd; busybox grep -c localhost /etc/hosts',
  ];
  const { stdout, stderr } = await runScript('-w', '/srv/work', '--tmpfs', '/volume', 'many', ...look);
  expect([stdout, stderr]).toEqual([`40\n${escape}/volume/below\n2\n`, '']);
  expect(existsSync(escape)).toBe(false);
  await remove();
  await expectClean();
});

test('of links that lead from one to the next forty are followed, as by the kernel', async () => {
  const chain = Array.from({ length: 41 }, (_, n) => ({ name: `link${n}`, type: '2', link: `link${n + 1}` }));
  const absolute = { name: 'srv/absolute', type: '2', link: '/here' };
  const remove = await install('chain', [busyboxLayer(), archiveOf(...chain, absolute)]);
  const follow = async (from: number): Promise<RunResult> =>
    runScript('--network', 'none', '--tmpfs', `/link${from}`, 'chain', 'busybox', 'ls', '/link41');
  expect(await follow(1)).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  const { exitCode, stderr } = await follow(0);
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('too many levels of symbolic links')]);
  const look = ['busybox', 'grep', '-o', ' /.*here tmpfs', '/proc/mounts'];
  const led = await runScript('--network', 'none', '--tmpfs', '/srv/absolute', 'chain', ...look);
  expect(led.stdout).toBe(' /here tmpfs\n');
  await remove();
  await expectClean();
});

/** An image of these layers; gives what removes it. */
async function install(name: string, layers: readonly Buffer[]): Promise<() => Promise<unknown>> {
  const { host } = engine;
  const registry = await startRegistry(host);
  try {
    const layout = writeLayout(join(host.dir, `layout-${name}`), [
      { layers, config: { Env: ['PATH=/bin'] } },
    ]);
    await registry.push(layout, name);
    await ok('pull', '-q', `${registry.address}/${name}`);
    await ok('tag', `${registry.address}/${name}`, name);
  } finally {
    await registry.stop();
  }
  return () => ok('rmi', '-f', name, `${registry.address}/${name}`);
}

const busyboxLayer = (): Buffer =>
  tarOf('bin/busybox', readFileSync(join(engine.host.dir, 'image-rootfs/bin/busybox')));

testUnless(noShellcheck, 'shellcheck has nothing to say', async () => {
  for (const flags of [
    ['-p', '8080:80', '-v', '/tmp/a b:/c d', '--tmpfs', '/t', '-u', 'app', '-m', '64m', '-t'],
    [
      '--firewall',
      'iptables',
      '-p',
      '8080:80',
      '--security-opt',
      'no-new-privileges',
      '--read-only',
      '-v',
      'v:/v',
    ],
    ['--network', 'none', '-d', '--privileged'],
  ]) {
    const path = await write(...flags, 'test', 'true');
    expect((await engine.host.run(['shellcheck', '-x', path])).stdout).toBe('');
  }
});
