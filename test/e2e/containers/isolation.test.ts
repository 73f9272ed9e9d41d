/** What a program sees and may do from inside a container: namespaces, files of the kernel, privileges, descriptors. */
import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readPairs, useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok, inside } = engine;
/** Not every kernel has it, and /dev/core is a link to it. */
const hasKcore = existsSync('/proc/kcore');

describe('namespaces', () => {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'];

  test('six of its own; user and time are the host’s', async () => {
    const id = await ok('run', '-d', 'test', 'sleep', '1000');
    const pid = Number(await ok('inspect', '-f', '{{.State.Pid}}', id));
    const of = (process: number): Record<string, string> =>
      Object.fromEntries(
        [...kinds, 'user', 'time'].map((kind) => [kind, readlinkSync(`/proc/${String(process)}/ns/${kind}`)]),
      );
    const [own, host] = [of(pid), of(engine.host.pid)];
    for (const kind of kinds) expect([kind, own[kind]]).not.toEqual([kind, host[kind]]);
    expect([own['user'], own['time']]).toEqual([host['user'], host['time']]);
  });

  test('the program is process 1, alone, and sees only its own', async () => {
    expect(await inside('echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/cmdline | tr "\\0" " "')).toMatch(
      // ls and wc are there while they look.
      /^1\n[123]\nsh -c /,
    );
  });

  test('its host name, System V memory and mounts are its own', async () => {
    const script = 'hostname changed && mount -t tmpfs none /mnt && hostname; ipcs -m | grep -c 0x || true';
    expect(await inside(script, '--cap-add', 'SYS_ADMIN')).toBe('changed\n0');
    expect((await engine.host.run(['hostname'])).stdout.trim()).not.toBe('changed');
  });

  test('its cgroup is the root of what it sees', async () => {
    const text = await inside(
      'cat /proc/self/cgroup; ls /sys/fs/cgroup | head -30; touch /sys/fs/cgroup/x 2>&1 || true',
    );
    expect(text.split('\n').filter((line) => /^\d+:/.test(line))).not.toEqual([]);
    for (const line of text.split('\n').filter((entry) => /^\d+:/.test(entry))) expect(line).toMatch(/:\/$/);
    expect(text).toMatch(/Read-only file system/);
  });
});

describe('what reaches the program', () => {
  test('no descriptor beyond 0, 1 and 2', async () => {
    // `ls` holds the directory it reads, 3.
    expect((await inside('ls /proc/self/fd')).split('\n')).toEqual(['0', '1', '2', '3']);
    const id = await ok('run', '-d', 'test', 'sleep', '1000');
    const pid = await ok('inspect', '-f', '{{.State.Pid}}', id);
    expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(['0', '1', '2']);
    const exec = await ok('exec', id, 'ls', '/proc/self/fd');
    expect(exec.split('\n')).toEqual(['0', '1', '2', '3']);
  });

  test('for a null device that it is given, its own', async () => {
    const [own, given] = (
      await inside("stat -c '%d:%i' /dev/null; stat -L -c '%d:%i' /proc/self/fd/0")
    ).split('\n');
    expect(given).toBe(own);
  });

  test('no signal ignored, blocked or caught', async () => {
    const script = 'trap \'\' PIPE INT TERM HUP USR1; exec "$@"';
    const argv = [binary(), 'run', '--rm', 'test', 'grep', '-E', '^Sig(Ign|Blk|Cgt)', '/proc/self/status'];
    const { stdout } = await engine.host.run(['bash', '-c', script, 'bash', ...argv]);
    expect(stdout).toBe(
      `SigBlk:\t${'0'.repeat(16)}\nSigIgn:\t${'0'.repeat(16)}\nSigCgt:\t${'0'.repeat(16)}\n`,
    );
  });

  test('its umask is 022 and its directory /', async () => {
    const argv = ['bash', '-c', 'umask 077; cd /usr; exec "$@"', 'bash', binary()];
    const { stdout } = await engine.host.run([
      ...argv,
      'run',
      '--rm',
      'test',
      'sh',
      '-c',
      'umask; pwd; ls -ld /',
    ]);
    expect(stdout).toMatch(/^0022\n\/\ndrwxr-xr-x/);
  });
});

describe('privileges', () => {
  const status = (...flags: readonly string[]): Promise<Readonly<Record<string, string>>> =>
    inside("sed -n 's/:\\t/=/p' /proc/self/status", ...flags).then(readPairs);

  test('Docker’s capabilities, seccomp filter, and nothing to inherit', async () => {
    expect(await status()).toMatchObject({
      CapInh: '0000000000000000',
      CapPrm: '00000000a80425fb',
      CapEff: '00000000a80425fb',
      CapBnd: '00000000a80425fb',
      CapAmb: '0000000000000000',
      NoNewPrivs: '0',
      Seccomp: '2',
    });
  });

  test('--cap-add and --cap-drop', async () => {
    expect(await status('--cap-drop', 'ALL', '--cap-add', 'net_bind_service')).toMatchObject({
      CapEff: '0000000000000400',
      CapBnd: '0000000000000400',
    });
    expect(await status('--cap-add', 'CAP_SYS_TIME', '--cap-drop', 'chown')).toMatchObject({
      CapEff: '00000000aa0425fa',
    });
    const unknown = await minidock('run', '--rm', '--cap-add', 'FLY', 'test', 'true');
    expect(unknown).toMatchObject({ exitCode: 125, stdout: '' });
    expect(unknown.stderr).toMatch(/FLY/);
  });

  test('another user than root has them in the bounding set only', async () => {
    expect(await status('-u', 'app')).toMatchObject({
      CapEff: '0000000000000000',
      CapPrm: '0000000000000000',
      CapBnd: '00000000a80425fb',
    });
  });

  test('--privileged: every capability, no filter, devices, nothing masked', async () => {
    const script =
      "sed -n 's/:\\t/=/p' /proc/self/status; echo mounts=$(mount -t tmpfs none /mnt && echo yes); echo sys=$(touch /sys/fs/cgroup 2>&1; mount | grep '^sysfs' | grep -c 'rw,'); wc -l </proc/kcore >/dev/null 2>&1; head -c1 /proc/keys; echo; ls /dev | wc -l";
    const text = await inside(script, '--privileged');
    const all = readPairs((await engine.host.run(['sed', '-n', 's/:\\t/=/p', '/proc/self/status'])).stdout);
    expect(readPairs(text)).toMatchObject({ CapEff: all['CapBnd'], Seccomp: '0', mounts: 'yes', sys: '1' });
    expect(Number(text.split('\n').at(-1))).toBeGreaterThan(20);
  });

  test('--security-opt', async () => {
    expect(await status('--security-opt', 'no-new-privileges')).toMatchObject({
      NoNewPrivs: '1',
      Seccomp: '2',
    });
    expect(await status('--security-opt', 'seccomp=unconfined')).toMatchObject({
      NoNewPrivs: '0',
      Seccomp: '0',
    });
    const profile = join(engine.host.dir, 'profile.json');
    const rules = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }];
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }));
    const script = 'mkdir /tmp/x 2>&1; touch /tmp/y && echo touched';
    expect(await inside(script, '--security-opt', `seccomp=${profile}`)).toMatch(/not supported\ntouched/);
    const wrong = await minidock('run', '--rm', '--security-opt', 'seccomp=/no/such', 'test', 'true');
    expect(wrong.exitCode).toBe(125);
    expect(wrong.stderr).toMatch(/\/no\/such/);
  });

  test('the default filter refuses what Docker’s refuses', async () => {
    expect(await inside('unshare -U true 2>&1 || echo refused')).toMatch(/Operation not permitted\nrefused/);
    expect(await inside('unshare -m true 2>&1 || echo refused')).toMatch(/refused/);
  });

  test('--ulimit and --sysctl and --oom-score-adj', async () => {
    const flags = [
      '--ulimit',
      'nofile=100:200',
      '--ulimit',
      'core=0',
      '--sysctl',
      'net.ipv4.ip_unprivileged_port_start=7',
    ];
    const script =
      'ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/self/oom_score_adj';
    expect(await inside(script, ...flags, '--oom-score-adj', '321')).toBe('100\n200\n0\n7\n321');
  });
});

describe('files of the kernel', () => {
  test('masked paths read as empty, read-only paths cannot be written', async () => {
    const script = [
      'for f in kcore keys timer_list; do [ -e /proc/$f ] && echo "$f=$(head -c 10 /proc/$f | wc -c)"; done',
      'for d in acpi scsi; do [ -d /proc/$d ] && echo "$d=$(ls /proc/$d | wc -l)"; done',
      'echo firmware=$(ls /sys/firmware | wc -l)',
      'for p in bus fs irq sys; do touch /proc/$p/x 2>/dev/null && echo "$p=written"; done',
      'echo 1 2>/dev/null >/proc/sys/kernel/panic && echo panic=written; echo b 2>/dev/null >/proc/sysrq-trigger && echo sysrq=written',
      'touch /sys/x 2>/dev/null && echo sys=written; echo end=1',
    ].join('\n');
    expect(readPairs(await inside(script))).toEqual({
      ...(hasKcore ? { kcore: '0' } : {}),
      keys: '0',
      timer_list: '0',
      firmware: '0',
      end: '1',
      ...((await engine.host.run(['ls', '-d', '/proc/acpi'])).exitCode === 0 ? { acpi: '0' } : {}),
      ...((await engine.host.run(['ls', '-d', '/proc/scsi'])).exitCode === 0 ? { scsi: '0' } : {}),
    });
  });

  // Spelled out: a list that is read from the code would lose what the code loses.
  const masked = [
    ...['asound', 'acpi', 'interrupts', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats'],
    ...['sched_debug', 'scsi'],
  ].map((name) => `/proc/${name}`);
  const readOnly = ['bus', 'fs', 'irq', 'sys/kernel/panic', 'sysrq-trigger'].map((name) => `/proc/${name}`);

  test.each([...masked, '/sys/firmware'].filter((path) => existsSync(path)))(
    '%s is masked: a file is the null device, a directory empty and read-only',
    async (path) => {
      const look = statSync(path).isDirectory()
        ? `ls -A ${path}; touch ${path}/x 2>&1`
        : `stat -c %t:%T ${path}; wc -c <${path}`;
      const expected = statSync(path).isDirectory() ? `touch: ${path}/x: Read-only file system` : '1:3\n0';
      expect(await inside(`${look} || true`)).toBe(expected);
    },
  );

  test('what a machine may have of /sys is masked where it has it', async () => {
    const tree = join(engine.host.dir, 'sys');
    const paths = ['firmware', 'devices/virtual/powercap'];
    for (const path of paths) {
      mkdirSync(join(tree, path), { recursive: true });
      writeFileSync(join(tree, path, 'secret'), 'secret');
    }
    const list = `cd /sys; find ${paths.join(' ')}`;
    expect(await inside(list, '-v', `${tree}:/sys`)).toBe(paths.join('\n'));
    expect(await inside(`${list} | grep -c secret`, '--privileged', '-v', `${tree}:/sys`)).toBe('2');
  });

  test.each(readOnly.filter((path) => existsSync(path)))('%s is read-only', async (path) => {
    // Changes nothing where it may be done: the mode that it has, a file opened and not written.
    const change = statSync(path).isDirectory() ? `chmod $(stat -c %a ${path}) ${path}` : `(: >>${path})`;
    expect(await inside(`${change} 2>&1 && echo changed || true`)).toMatch(/Read-only file system$/);
    expect(await inside(`${change} && echo changed`, '--privileged')).toBe('changed');
  });

  test('nor can /sys be written, nor a control group be made', async () => {
    const groups = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const places = ['', ...groups.map(({ name }) => `/${name}`)].map((name) => `/sys/fs/cgroup${name}`);
    const attempts = [
      'chmod $(stat -c %a /sys/kernel) /sys/kernel',
      ...places.map((place) => `[ ! -d ${place} ] || mkdir ${place}/made`),
    ];
    const lines = (await inside(`(${attempts.join('; ')}) 2>&1 || true`)).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line).toMatch(/: Read-only file system$/);
    expect(await inside(`${attempts[0] ?? ''} && echo changed`, '--privileged')).toBe('changed');
  });

  describe('a device', () => {
    /** No driver has it: opening it is refused by the container's group, or else by the kernel, in other words. */
    const number = 'b 511 77';
    const use = (path: string): string =>
      [`read=$(head -c 1 ${path}`, `write=$( (: >>${path})`]
        .map((attempt) => `echo "${attempt} 2>&1 | sed 's/.*: //')"`)
        .join('; ');
    const [open, closed] = ['No such device or address', 'Operation not permitted'];

    test.each([
      ['r', { read: open, write: closed }],
      ['w', { read: closed, write: open }],
      ['m', { read: closed, write: closed }],
      ['rw', { read: open, write: open }],
    ])('given with --device for %s may be used so and not otherwise', async (access, expected) => {
      const node = join(engine.host.dir, `block-${access}`);
      await engine.host.run(['mknod', node, ...number.split(' ')]);
      expect(readPairs(await inside(use('/dev/given'), '--device', `${node}:/dev/given:${access}`))).toEqual(
        expected,
      );
    });

    test.each([number, 'c 511 77'])('that was not given may be made (%s), and not be used', async (made) => {
      const script = `mknod /tmp/node ${made} && ${use('/tmp/node')}`;
      expect(readPairs(await inside(script))).toEqual({ read: closed, write: closed });
      expect(readPairs(await inside(script, '--privileged'))).toEqual({ read: open, write: open });
    });
  });

  test('/dev holds Docker’s devices and nothing else; each works', async () => {
    const listing = (await inside('ls -1 /dev')).split('\n');
    expect(listing).toEqual([
      ...(hasKcore ? ['core'] : []),
      'fd',
      'full',
      'mqueue',
      'null',
      'ptmx',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ]);
    const script = [
      'echo null=$(cat /dev/null | wc -c)$(echo x >/dev/null && echo ok)',
      'echo zero=$(head -c 3 /dev/zero | wc -c)',
      'echo random=$(head -c 3 /dev/urandom | wc -c)',
      'echo full=$(echo x 2>&1 >/dev/full | grep -c "No space")',
      'echo shm=$(mount | sed -n "s/.* \\/dev\\/shm .*size=\\([0-9]*k\\).*/\\1/p")',
      'echo pts=$(mount | grep -c " /dev/pts type devpts")',
      'echo mqueue=$(mount | grep -c " /dev/mqueue type mqueue")',
      'echo modes=$(stat -c %a /dev/null /dev/tty /dev/shm | tr "\\n" " ")',
      'mknod /tmp/disk b 254 0; echo disk=$(head -c 1 /tmp/disk 2>&1 | grep -c "not permitted")',
    ].join('\n');
    expect(readPairs(await inside(script))).toEqual({
      null: '0ok',
      zero: '3',
      random: '3',
      full: '1',
      shm: '65536k',
      pts: '1',
      mqueue: '1',
      modes: '666 666 1777',
      disk: '1',
    });
  });

  test('--shm-size and --device', async () => {
    const script =
      'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; ls -l /dev/mine | cut -c1; head -c 3 /dev/mine | wc -c';
    const text = await inside(script, '--shm-size', '8m', '--device', '/dev/zero:/dev/mine');
    expect(text).toMatch(/^8192\nc\n3$/);
    const missing = await minidock('run', '--rm', '--device', '/dev/no-such', 'test', 'true');
    expect(missing.exitCode).toBe(125);
    expect(missing.stderr).toContain('/dev/no-such');
    await engine.expectClean();
  });

  test('the root filesystem is an overlay over the image’s layers; the image stays as it was', async () => {
    expect(
      await inside(
        'mount | head -1 | cut -d" " -f1,3,5; rm /www/index.html; echo x >/bin/new; ls -d /.oldroot 2>&1 | wc -l',
      ),
    ).toMatch(/^overlay \/ overlay/);
    expect(await inside('cat /www/index.html; ls /bin/new 2>&1 | grep -c "No such"')).toBe(
      'hello from the image\n1',
    );
  });

  test('nothing of the host’s mounts is to be seen', async () => {
    const points = (await inside('cut -d" " -f2 /proc/mounts')).split('\n');
    expect(
      points.filter((point) => !/^\/(proc|sys|dev|etc\/(hosts|hostname|resolv\.conf))?(\/|$)/.test(point)),
    ).toEqual([]);
  });
});

function binary(): string {
  return join(import.meta.dirname, '../../../dist/minidock');
}
