/**
 * What the program finds when PID 1 has become it, and what it must not find. Everything runs in namespaces of its
 * own through the built binary; the machine's mount table must be the same afterwards.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { initMount } from '../../runtime/rootfs/init-binary.ts';
import { makeBundle, readMounts, type TestBundle } from '../support/bundle.ts';
import { testUnless } from '../support/host/requirements.ts';

let bundle: TestBundle;
let before: string;
beforeAll(() => {
  before = readMounts();
});
afterAll(() => {
  expect(readMounts()).toBe(before);
});
beforeEach(() => {
  bundle = makeBundle();
});
afterEach(() => bundle.dispose());

const sh = (script: string): [string, ...string[]] => ['sh', '-c', script];

describe('the process', () => {
  test('is PID 1, alone, with the default capabilities, no stray signals and no stray files', async () => {
    // Not the shell's own status: it ignores SIGQUIT by itself.
    const status = await bundle.run(['cat', '/proc/self/status']);
    const rest = await bundle.run(sh('ls /proc/1/fd; hostname; ls -d /proc/[0-9]*; exit 7'));
    const stdout = status.stdout + rest.stdout;
    expect(rest.exitCode).toBe(7);
    for (const line of [
      /^Pid:\t1$/m,
      /^Threads:\t1$/m,
      /^CapEff:\t00000000a80425fb$/m,
      /^CapPrm:\t00000000a80425fb$/m,
      /^CapBnd:\t00000000a80425fb$/m,
      /^CapInh:\t0000000000000000$/m,
      /^CapAmb:\t0000000000000000$/m,
      /^SigIgn:\t0000000000000000$/m,
      /^SigBlk:\t0000000000000000$/m,
      /^NoNewPrivs:\t0$/m,
      /^Seccomp:\t2$/m,
      /^0\n1\n2\nbox\n\/proc\/1(\n\/proc\/\d+)?\n$(?![^])/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  test('gets no_new_privs when asked for, with the filter loaded after the change of user', async () => {
    const { stdout } = await bundle.run(sh('cat /proc/self/status'), {
      process: {
        noNewPrivileges: true,
        user: { uid: 0, gid: 0, additionalGids: [], username: 'app' },
      },
    });
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
    expect(stdout).toMatch(/^Seccomp:\t2$/m);
    expect(stdout).toMatch(/^CapEff:\t0000000000000000$/m);
  });

  test('runs as the user the image knows by that name, in its groups, with its home', async () => {
    const { stdout } = await bundle.run(sh('id; echo $HOME; echo hi >>/dev/stdout'), {
      process: { user: { uid: 0, gid: 0, additionalGids: [], username: 'app', additionalGroups: ['extra'] } },
    });
    expect(stdout).toBe('uid=1000(app) gid=1001(app) groups=50(staff),60(extra),1001(app)\n/home/app\nhi\n');
  });

  test('starts in its working directory, which is made if missing, also under a read-only root', async () => {
    const { stdout } = await bundle.run(sh('pwd; touch /x 2>&1; touch /dev/shm/y && echo shm'), {
      process: { cwd: '/srv/deep/er' },
      readonly: true,
    });
    expect(stdout).toBe('/srv/deep/er\ntouch: /x: Read-only file system\nshm\n');
  });

  test('obeys the limits and sysctls it is given', async () => {
    const { stdout } = await bundle.run(sh('ulimit -n; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'), {
      process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 123, hard: 456 }] },
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
    });
    expect(stdout).toBe('123\n0\n');
  });

  testUnless(initMissing(), 'can be the child of a small init that the host lends', async () => {
    const { stdout, exitCode } = await bundle.run(
      ['/sbin/docker-init', '--', 'sh', '-c', 'echo $$ $PPID; touch /sbin/docker-init 2>&1; exit 6'],
      { annotations: { 'minidock.init': 'true' } },
    );
    expect(stdout).toMatch(/^\d+ 1\ntouch: .*Read-only file system\n$/);
    expect(exitCode).toBe(6);
  });

  test.each([
    ['nope', 127, 'exec: "nope": executable file not found in $PATH'],
    ['/nope', 127, 'exec: "/nope": stat /nope: no such file or directory'],
    ['/etc', 126, 'exec: "/etc": is a directory'],
    ['/etc/passwd', 126, 'exec: "/etc/passwd": permission denied'],
    ['/no-interpreter', 127, 'exec /no-interpreter: no such file or directory'],
    ['/no-program', 126, 'exec /no-program: exec format error'],
  ])('%s ends with %i', async (program, exitCode, message) => {
    writeFileSync(join(bundle.image, 'no-interpreter'), '#!/nope\n', { mode: 0o755 });
    writeFileSync(join(bundle.image, 'no-program'), 'hello', { mode: 0o755 });
    const run = await bundle.run([program]);
    expect(run.failure).toMatchObject({ step: 'process.exec', message, exitCode });
    expect(run.exitCode).toBe(exitCode);
  });

  test('is refused for a user the image does not know', async () => {
    const { failure } = await bundle.run(['true'], {
      process: { user: { uid: 0, gid: 0, additionalGids: [], username: 'nobody-here' } },
    });
    expect(failure).toMatchObject({
      step: 'process.find-user',
      message: 'unable to find user nobody-here: no matching entries in passwd file',
      exitCode: 125,
    });
  });

  test('never begins when its supervisor goes away before saying go', async () => {
    const started = await bundle.start(sh('touch /began'));
    await started.init.ready;
    started.init.close();
    const { exitCode } = await started.finish();
    expect(exitCode).toBe(0);
    expect(existsSync(join(bundle.upper, 'began'))).toBe(false);
  });

  test('a step that fails is named, and nothing of the container is left', async () => {
    const { failure, exitCode } = await bundle.run(['true'], {
      annotations: { 'minidock.fail-at': 'rootfs.pivot' },
    });
    expect(failure).toMatchObject({ step: 'rootfs.pivot', exitCode: 125 });
    expect(exitCode).toBe(125);
  });
});

describe('the root filesystem', () => {
  test('has the mounts Docker makes, in its order and with its options', async () => {
    const { stdout } = await bundle.run(['cat', '/proc/mounts']);
    const mounts = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(1, 4).join(' '));
    expect(mounts[0]).toMatch(/^\/ overlay rw,/);
    expect(mounts.slice(1, 8)).toEqual([
      '/proc proc rw,nosuid,nodev,noexec,relatime',
      '/dev tmpfs rw,nosuid,size=65536k,mode=755',
      '/dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666',
      '/sys sysfs ro,nosuid,nodev,noexec,relatime',
      '/sys/fs/cgroup tmpfs ro,nosuid,nodev,noexec,relatime,mode=755',
      '/dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime',
      '/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k',
    ]);
    expect(mounts).toContain('/proc/sys proc ro,nosuid,nodev,noexec,relatime');
  });

  test('has the devices and links of /dev and no others', async () => {
    const { stdout } = await bundle.run(
      sh('cd /dev; stat -c "%n %a %t:%T" null zero full random urandom tty; ls'),
    );
    expect(stdout).toBe(
      'null 666 1:3\nzero 666 1:5\nfull 666 1:7\nrandom 666 1:8\nurandom 666 1:9\ntty 666 5:0\n' +
        'fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n',
    );
  });

  test('keeps kernel files read-only or empty', async () => {
    const { stdout } = await bundle.run(
      sh(
        'echo 1 2>&1 >/proc/sys/kernel/panic; echo h 2>&1 >/proc/sysrq-trigger; cat /proc/timer_list /proc/keys | wc -c; ls /sys/firmware | wc -l',
      ),
    );
    expect(stdout).toMatch(/panic: Read-only file system/);
    expect(stdout).toMatch(/sysrq-trigger: (Read-only file system|nonexistent directory)/);
    expect(stdout).toMatch(/\n0\n0\n$/);
  });

  test('merges 125 layers, the topmost winning', async () => {
    const layers = Array.from({ length: 125 }, (_, index) => {
      const dir = join(bundle.dir, 'layers', `sha256-${String(index).padStart(64, '0')}`, 'diff');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `layer-${index}`), '');
      writeFileSync(join(dir, 'top'), `${index}\n`);
      return dir;
    });
    const { stdout, failure } = await bundle.run(sh('ls -d /layer-* | wc -l; cat /top'), {
      lower: [...layers, bundle.image],
    });
    expect(failure).toBeUndefined();
    expect(stdout).toBe('125\n0\n');
  });

  test('shows volumes, directories and files; a read-only one refuses writes', async () => {
    const source = join(bundle.dir, 'volume');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'data\n');
    const { stdout } = await bundle.run(
      sh('cat /data/file /one; touch /ro/x 2>&1; touch /data/new; echo more >/one'),
      {
        mounts: [
          { destination: '/data', type: 'bind', source, options: ['rbind', 'rprivate'] },
          { destination: '/ro', type: 'bind', source, options: ['rbind', 'rprivate', 'ro'] },
          { destination: '/one', type: 'bind', source: join(source, 'file'), options: ['rbind', 'rprivate'] },
        ],
      },
    );
    expect(stdout).toBe('data\ndata\ntouch: /ro/x: Read-only file system\n');
    expect(existsSync(join(source, 'new'))).toBe(true);
    expect(readFileSync(join(source, 'file'), 'utf8')).toBe('more\n');
  });

  test('a tmpfs keeps the mode of the directory it covers', async () => {
    chmodSync(join(bundle.image, 'tmp'), 0o1777);
    const { stdout } = await bundle.run(['stat', '-c', '%a', '/tmp'], {
      mounts: [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] }],
    });
    expect(stdout).toBe('1777\n');
  });

  test('an image’s links cannot lead a mount out of the root', async () => {
    const outside = join(bundle.dir, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(bundle.image, 'absolute'));
    symlinkSync('../../../../../../..' + outside, join(bundle.image, 'relative'));
    symlinkSync('../run/resolvconf/resolv.conf', join(bundle.image, 'etc/resolv.conf'));
    writeFileSync(join(bundle.dir, 'resolv'), 'nameserver 192.0.2.1\n');
    const source = join(bundle.dir, 'resolv');
    const { stdout, failure } = await bundle.run(
      sh(`cat /absolute/a /relative/b /etc/resolv.conf; ls ${outside}`),
      {
        mounts: ['/absolute/a', '/relative/b', '/etc/resolv.conf'].map((destination) => ({
          destination,
          type: 'bind',
          source,
          options: ['bind'],
        })),
      },
    );
    expect(failure).toBeUndefined();
    expect(stdout).toBe('nameserver 192.0.2.1\n'.repeat(3) + 'a\nb\n');
    expect(readdirSync(outside)).toEqual([]);
  });

  test('an image cannot offer a link as /proc', async () => {
    mkdirSync(join(bundle.image, 'fake'));
    symlinkSync('fake', join(bundle.image, 'proc'));
    const { failure } = await bundle.run(['true']);
    expect(failure).toMatchObject({ step: 'rootfs.mount:/proc', code: 'ENOTDIR' });
  });
});

describe('minidock’s own program file', () => {
  // The image's program is the program that started it, run with the image's libraries (CVE-2019-5736). Bun can
  // stand in for the attacker's code: with this variable the executable is a JavaScript interpreter.
  const attack: [string, ...string[]] = [
    '/proc/self/exe',
    '-e',
    'try { fs.chmodSync("/proc/self/exe", 0o755); console.log("changed"); } catch (e) { console.log(e.code); }',
  ];
  const env = ['PATH=/bin', 'BUN_BE_BUN=1'];

  beforeEach(() => {
    for (const library of hostLibraries()) {
      cpSync(library, join(bundle.image, library), { dereference: true, recursive: true });
    }
  });

  test('cannot be changed by a container’s program', async () => {
    const { stdout } = await bundle.run(attack, { process: { env } });
    expect(stdout).toBe('EROFS\n');
  });

  test('is nowhere to be found for a program that is executed later', async () => {
    // A script's interpreter is looked for by the process that is about to be replaced.
    writeFileSync(join(bundle.image, 'script'), `#!${attack[0]}\n`, { mode: 0o755 });
    const started = await bundle.start(['sleep', '60']);
    await started.init.ready;
    started.init.go();
    await started.init.result;
    const named = await started.exec(attack, { env });
    const interpreter = await started.exec(['/script'], { env });
    started.kill();
    await started.finish();
    expect(named).toMatchObject({ exitCode: 127, stdout: '', failure: { code: 'ENOENT' } });
    // What the kernel finds is the list of calls that exec's process was; it fails at once in the container.
    expect(interpreter).toMatchObject({ exitCode: 125, stdout: '', stderr: '', failure: undefined });
  });
});

describe('exec', () => {
  test('enters every namespace with the same few powers', async () => {
    const started = await bundle.start(['sleep', '60']);
    await started.init.ready;
    started.init.go();
    expect(await started.init.result).toBeUndefined();
    const names = 'mnt pid net uts ipc cgroup';
    const { stdout, exitCode } = await started.exec(
      sh(
        `for n in ${names}; do readlink /proc/1/ns/$n; readlink /proc/self/ns/$n; done; cat /proc/self/status; ` +
          'ls /proc/$$/fd; pwd; exit 3',
      ),
      { cwd: '/tmp' },
    );
    const missing = await started.exec(['nope']);
    const nowhere = await started.exec(['true'], { cwd: '/nowhere' });
    const asUser = await started.exec(['id', '-u'], {
      user: { uid: 0, gid: 0, additionalGids: [], username: 'app' },
    });
    started.kill();
    await started.finish();
    expect(exitCode).toBe(3);
    const lines = stdout.split('\n');
    for (let i = 0; i < 12; i += 2) expect(lines[i]).toBe(lines[i + 1]);
    expect(stdout).toMatch(/^CapEff:\t00000000a80425fb$/m);
    expect(stdout).toMatch(/^Seccomp:\t2$/m);
    expect(stdout).toMatch(/^SigIgn:\t0000000000000000$/m);
    expect(stdout).toMatch(/^0\n1\n2\n\/tmp$/m);
    expect(missing.failure).toMatchObject({ exitCode: 127 });
    expect(nowhere.failure?.message).toBe(
      'cannot enter the working directory /nowhere: no such file or directory',
    );
    expect(asUser.stdout).toBe('1000\n');
  });
});

/** What the built binary is linked with, by the kernel's own account of a running one. */
function hostLibraries(): readonly string[] {
  const machine = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const loader = process.arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2';
  const names = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0'];
  return [loader, ...names.map((name) => `/lib/${machine}/${name}`)];
}

function initMissing(): string {
  try {
    initMount();
    return '';
  } catch (error) {
    return error instanceof MinidockError ? error.message : String(error);
  }
}
