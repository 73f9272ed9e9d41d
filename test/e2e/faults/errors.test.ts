/**
 * What goes wrong before or while a container starts: one clear line with what, why and what to do; Docker's exit
 * status; and nothing left behind. (A failing step of the plan: fault.test.ts. Registries: pull tests.)
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { installImages } from '../../support/images/image.ts';
import { createHost } from '../../support/host/host.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** One line that says it, perhaps one with what to do, and no stack. */
function expectClear(result: RunResult, status: number, ...words: readonly (string | RegExp)[]): void {
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: status, stdout: '' });
  for (const word of words) expect(result.stderr).toMatch(word);
  // Before it, only what a pull says of itself.
  expect(result.stderr).toMatch(/^(Unable to find image .*\n.*: Pulling from .*\n)?minidock: \S/);
  expect(result.stderr).not.toMatch(/internal error|^ +at /m);
  expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(
    result.stderr.startsWith('Unable') ? 5 : 4,
  );
}

afterEach(() => engine.expectClean());

describe('the command line', () => {
  test.each([
    ['unknown flag', ['--no-such-flag'], 'unknown flag: --no-such-flag'],
    ['unknown shorthand', ['-Z'], "unknown shorthand flag: 'Z' in -Z"],
    ['bad boolean', ['--rm=perhaps'], 'invalid argument "perhaps" for "--rm" flag'],
    ['bad port', ['-p', '99999:80'], /invalid (host)?port: ?99999/i],
    ['bad container port', ['-p', '80:http'], /http/],
    ['bad protocol', ['-p', '80:80/icmp'], /icmp/],
    ['ranges of different length', ['-p', '8000-8002:80-81'], /range/],
    ['bad address of the host', ['-p', '300.1.1.1:80:80'], /300\.1\.1\.1/],
    ['bad address', ['--ip', '172.17.0.300'], 'invalid IPv4 address: 172.17.0.300'],
    ['address of another network', ['--ip', '10.1.2.3'], /10\.1\.2\.3/],
    ['bad MAC address', ['--mac-address', 'nonsense'], 'nonsense is not a valid mac address'],
    ['bad memory size', ['-m', 'plenty'], /invalid argument "plenty"/],
    ['bad name server', ['--dns', 'google'], 'invalid argument "google" for "--dns" flag'],
    ['bad extra host', ['--add-host', 'db'], /db/],
    ['unknown network', ['--network', 'nowhere'], 'network nowhere not found'],
    ['network of an unknown container', ['--network', 'container:nobody'], 'No such container: nobody'],
    ['bad signal', ['--stop-signal', 'SIGNONE'], 'invalid signal: SIGNONE'],
    ['relative working directory', ['-w', 'here'], "the working directory 'here' is invalid"],
    ['env file that is not there', ['--env-file', '/no/such'], /\/no\/such/],
    ['unknown security option', ['--security-opt', 'magic=on'], 'Invalid --security-opt: "magic=on"'],
    ['unknown firewall', ['--firewall', 'ufw'], 'must be nftables or iptables'],
  ])('%s', async (_, flags, words) => {
    expectClear(await minidock('run', '--rm', ...flags, 'test', 'true'), 125, words);
    expect(await ok('ps', '-aq')).toBe('');
  });

  test('nothing to run, and no such verb', async () => {
    expectClear(await minidock('run'), 1, 'requires at least 1 argument');
    expectClear(await minidock('fly'), 1, "'fly' is not a minidock command");
  });
});

describe('images', () => {
  test('unknown, with a registry that cannot be reached', async () => {
    const result = await minidock('run', '--rm', 'localhost:5999/no/such', 'true');
    expectClear(result, 125, /localhost:5999/, /refused|reach/i);
    expectClear(
      await minidock('run', '--rm', '--pull', 'never', 'nosuchimage'),
      125,
      /No such image: nosuchimage/,
    );
    expectClear(
      await minidock('run', '--rm', 'UPPERCASE', 'true'),
      125,
      /invalid reference format.*lowercase/,
    );
  });
});

describe('privileges and tools', () => {
  test('not root', async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
    for (const [verb, status, ...args] of [
      ['run', 125, 'test', 'true'],
      ['create', 125, 'test'],
      ['stop', 1, 'x'],
      ['rm', 1, 'x'],
      ['exec', 1, 'x', 'true'],
    ] as const) {
      const result = await engine.host.run([...nobody, binary, verb, ...args]);
      expect([verb, result.exitCode]).toEqual([verb, status]);
      expect(result.stderr).toMatch(/root/);
      expect(result.stderr).not.toMatch(/internal error/);
    }
  });

  test.each([
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['unshare', 'util-linux'],
  ])('without %s: the message names the package %s', async (tool, packageName) => {
    const dir = join(engine.host.dir, `without-${tool}`);
    mkdirSync(dir, { recursive: true });
    const script = `for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do for t in ip nft unshare iptables sh cat; do [ $t = ${tool} ] || [ -e ${dir}/$t ] || [ ! -x $d/$t ] || ln -s $d/$t ${dir}/$t; done; done`;
    await engine.host.run(['bash', '-c', script]);
    const result = await engine.host.run([
      'env',
      `PATH=${dir}`,
      binary,
      'run',
      '--rm',
      '-p',
      '8080:80',
      'test',
      'true',
    ]);
    expectClear(result, 125, tool, packageName);
  });
});

describe('ports and addresses', () => {
  test('a port that another container has', async () => {
    await ok('run', '-d', '--name', 'owner', '-p', '8080:80', 'test', 'sleep', '1000');
    const before = await engine.host.snapshot();
    expectClear(
      await minidock('run', '--rm', '-p', '8080:81', 'test', 'true'),
      125,
      /8080/,
      /in use|already allocated/,
    );
    await engine.host.waitFor(
      async () => JSON.stringify(await engine.host.snapshot()) === JSON.stringify(before),
      'the host as it was',
    );
    await ok('rm', '-f', 'owner');
    await ok('run', '--rm', '-p', '8080:81', 'test', 'true');
  });

  test('a port that another process has', async () => {
    const server = engine.host.spawn([
      process.execPath,
      '-e',
      "require('node:net').createServer().listen(8090, '127.0.0.1', () => console.log('listening'))",
    ]);
    await server.waitForOutput(/listening/);
    expectClear(
      await minidock('run', '--rm', '-p', '8090:80', 'test', 'true'),
      125,
      /8090/,
      /in use|already allocated/,
    );
    await ok('run', '--rm', '-p', '192.0.2.2:8090:80', 'test', 'true');
    server.kill();
    await server.exited;
  });

  test('an address that another container has, the gateway’s, the network’s own', async () => {
    await ok('run', '-d', '--name', 'owner', '--ip', '172.17.0.50', 'test', 'sleep', '1000');
    for (const address of ['172.17.0.50', '172.17.0.1', '172.17.0.0', '172.17.255.255']) {
      expectClear(await minidock('run', '--rm', '--ip', address, 'test', 'true'), 125, address);
    }
    await ok('rm', '-f', 'owner');
  });

  test('no address left', async () => {
    const file = join(engine.host.root, 'networks/bridge.json');
    const original = readFileSync(file, 'utf8');
    const network = JSON.parse(original) as Record<string, string>;
    // Two hosts: the gateway and one container. The bridge keeps its address.
    writeFileSync(file, JSON.stringify({ ...network, subnet: '172.17.0.0/30' }));
    try {
      await ok('run', '-d', '--name', 'only', 'test', 'sleep', '1000');
      expectClear(
        await minidock('run', '--rm', 'test', 'true'),
        125,
        /no (free|available|more).*address|address/i,
      );
      await ok('rm', '-f', 'only');
      await ok('run', '--rm', 'test', 'true');
    } finally {
      writeFileSync(file, original);
    }
    await engine.host.run(['ip', 'address', 'del', '172.17.0.1/30', 'dev', 'minidock0']);
  });

  test('no subnet left: every pool is routed already', async () => {
    const host = await createHost();
    try {
      await installImages(host);
      for (const range of ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']) {
        await host.run(['ip', 'route', 'add', range, 'via', '192.0.2.1']);
      }
      const before = await host.snapshot();
      expectClear(
        await host.minidock('run', '--rm', 'test', 'true'),
        125,
        /address pool/,
        /Routes of this host/,
      );
      await host.waitFor(
        async () => JSON.stringify(await host.snapshot()) === JSON.stringify(before),
        'the host as it was',
      );
      expect(existsSync(join(host.root, 'networks/bridge.json'))).toBe(false);
      await host.run(['ip', 'route', 'del', '192.168.0.0/16']);
      expect((await host.minidock('run', '--rm', 'test', 'hostname', '-i')).stdout).toMatch(/^192\.168\./);
    } finally {
      await host.dispose();
    }
  });

  test('the network of a container that does not run', async () => {
    await ok('create', '--name', 'idle', 'test', 'true');
    expectClear(
      await minidock('run', '--rm', '--network', 'container:idle', 'test', 'true'),
      125,
      'cannot join network of a non running container',
      'minidock start idle',
    );
    await ok('rm', 'idle');
  });
});

describe('the disk', () => {
  /** A store of its own on a small file system, with the image in it, then filled to the last byte. */
  async function onSmallDisk(
    body: (env: Readonly<Record<string, string>>, dir: string) => Promise<void>,
  ): Promise<void> {
    const dir = join(engine.host.dir, 'small');
    mkdirSync(dir, { recursive: true });
    const made = await engine.host.run([
      'bash',
      '-c',
      `mount -t tmpfs -o mode=0700,size=16m small ${dir} && cp -a ${engine.host.root}/images ${dir}/`,
    ]);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    try {
      await body({ MINIDOCK_ROOT: dir, MINIDOCK_RUN: join(engine.host.dir, 'small-run') }, dir);
    } finally {
      await engine.host.run(['umount', '--lazy', dir]);
    }
  }

  test('full: said in one line, and nothing of the container is left', async () => {
    await onSmallDisk(async (env, dir) => {
      expect(
        (await engine.host.run([binary, 'run', '--rm', '--network', 'none', 'test', 'echo', 'fits'], { env }))
          .stdout,
      ).toBe('fits\n');
      const list = async (): Promise<string> =>
        (
          await engine.host.run([
            'find',
            dir,
            '-mindepth',
            '1',
            '-not',
            '-path',
            '*/networks*',
            '-not',
            '-name',
            'filler',
          ])
        ).stdout;
      // The shim takes the files of the first one away after the command has ended.
      const settled = async (): Promise<string | undefined> => {
        const now = await list();
        return now.includes('.removing-') ? undefined : now;
      };
      const before = await engine.host.waitFor(settled, 'the first container to be gone');
      await engine.host.run([
        'bash',
        '-c',
        `dd if=/dev/zero of=${dir}/filler bs=4k 2>/dev/null; sync; dd if=/dev/zero of=${dir}/filler bs=1 oflag=append conv=notrunc 2>/dev/null`,
      ]);
      const result = await engine.host.run([binary, 'run', '--rm', '--network', 'none', 'test', 'true'], {
        env,
      });
      expectClear(result, 125, /ENOSPC|no space left/i, /Free some space/);
      expect(await list()).toBe(before);
      await engine.host.run(['rm', join(dir, 'filler')]);
      expect(
        (
          await engine.host.run([binary, 'run', '--rm', '--network', 'none', 'test', 'echo', 'again'], {
            env,
          })
        ).stdout,
      ).toBe('again\n');
    });
  });

  test('filled by the container itself: its program gets the error, its log keeps what fits, and it can be removed', async () => {
    await onSmallDisk(async (env) => {
      const script = 'dd if=/dev/zero of=/big bs=64k 2>&1; echo still here';
      const run = await engine.host.run(
        [binary, 'run', '--network', 'none', '--name', 'greedy', 'test', 'sh', '-c', script],
        { env },
      );
      expect(run.stdout).toMatch(/No space left on device[\s\S]*still here\n$/);
      const removed = await engine.host.run([binary, 'rm', 'greedy'], { env });
      expect(removed).toEqual({ stdout: 'greedy\n', stderr: '', exitCode: 0 });
    });
  });
});

test('a place where nothing can be written', async () => {
  const env = { MINIDOCK_ROOT: '/proc/minidock-cannot-be-here' };
  const result = await engine.host.run([binary, 'run', '--rm', 'test', 'true'], { env });
  expect(result.exitCode).toBe(125);
  expect(result.stderr).toMatch(/\/proc\/minidock-cannot-be-here/);
  expect(result.stderr).not.toMatch(/internal error/);
});

describe('an error says what was undone, with its place on this host', () => {
  test.each([
    ['no such user', ['-u', 'nosuch', 'test', 'true'], 'unable to find user nosuch'],
    ['no such program', ['test', 'nosuch'], 'executable file not found'],
    ['no such device', ['--device', '/nosuch', 'test', 'true'], 'no such file or directory'],
    ['a directory that is a file', ['-w', '/etc/passwd', 'test', 'true'], 'not a directory'],
    ['a directory over a file', ['-v', '/mnt:/etc/passwd', 'test', 'true'], 'not a directory'],
  ])('%s is the container’s affair', async (_, words, what) => {
    const { stderr } = await minidock('run', '--rm', '-p', '8080:80', ...words);
    expect(stderr).toContain(what);
    expect(stderr).not.toContain('undone');
  });

  test('a step of the network that fails says that the others are gone', async () => {
    const { stderr } = await engine.host.run([binary, 'run', '--rm', '-p', '8080:80', 'test', 'true'], {
      env: { MINIDOCK_FAIL_AT: 'veth.create' },
    });
    expect(stderr).toMatch(
      /^minidock: step veth.create .* failed: .*\nundone: everything done so far\n(This is a failure injected by MINIDOCK_FAIL_AT\.\n)?$/,
    );
  });
});
