/** `cp` in both directions, of running and stopped containers, as Docker has it. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const BINARY = join(import.meta.dirname, '../../../dist/minidock');
const at = (...path: readonly string[]): string => join(engine.host.dir, ...path);
const sh = (script: string): Promise<string> => ok('exec', 'cp-on', 'sh', '-c', script);
const refused = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await minidock('cp', ...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  return stderr;
};

beforeAll(async () => {
  mkdirSync(at('tree/sub'), { recursive: true });
  writeFileSync(at('tree/file'), 'text\n', { mode: 0o640 });
  writeFileSync(at('tree/sub/deep'), 'deep\n');
  symlinkSync('file', at('tree/link'));
  linkSync(at('tree/file'), at('tree/twin'));
  writeFileSync(at('tree/big'), 'end');
  truncateSync(at('tree/big'), 1 << 30);
  await succeed(engine.host.run(['chown', '7:8', at('tree/file')]));
  await succeed(engine.host.run(['mkfifo', at('tree/pipe')]));
  utimesSync(at('tree/file'), 1_000_000_000, 1_000_000_000);
  utimesSync(at('tree/sub'), 1_000_000_001, 1_000_000_001);
  const mounts = ['--tmpfs', '/tm', '-v', 'cp-vol:/vol', '-v', `${at('bound')}:/bound`, '-v', 'cp-ro:/ro:ro'];
  await ok('run', '-d', '--name', 'cp-on', ...mounts, 'test', 'sleep', '1000');
  await ok('create', '--name', 'cp-off', '-v', 'cp-off:/vol', 'test', 'sleep', '1000');
});

describe('into a container that runs', () => {
  test('a folder with owners, modes, times, links of both kinds, a FIFO and holes', async () => {
    const { stderr } = await minidock('cp', at('tree'), 'cp-on:/');
    expect(stderr).toMatch(/^Successfully copied 1\.07GB to cp-on:\/\n$/);
    const look =
      'cd /tree; stat -c "%n %a %u:%g %h %Y" file twin; stat -c "%n %Y" sub; readlink link; cat sub/deep; ' +
      'stat -c "%F" pipe; stat -c "%s" big; test $(du -k big | cut -f1) -lt 100 && echo sparse';
    expect(await sh(look)).toBe(
      [
        ...['file 640 7:8 2 1000000000', 'twin 640 7:8 2 1000000000', 'sub 1000000001', 'file', 'deep'],
        ...['fifo', '1073741824', 'sparse'],
      ].join('\n'),
    );
  });

  test.each(['/vol', '/tm', '/bound'])('into %s, which is mounted', async (place) => {
    await ok('cp', at('tree/file'), `cp-on:${place}/copy`);
    expect(await sh(`cat ${place}/copy`)).toBe('text');
  });

  test('what a folder holds (`/.`), a new name, a link as itself and with -L', async () => {
    await ok('cp', '-q', `${at('tree/sub')}/.`, 'cp-on:/tm');
    await ok('cp', at('tree/sub'), 'cp-on:/tm/other');
    await ok('cp', at('tree/link'), 'cp-on:/tm/as-link');
    await ok('cp', '-L', at('tree/link'), 'cp-on:/tm/as-file');
    expect(await sh('cd /tm; cat deep other/deep; readlink as-link; readlink as-file || cat as-file')).toBe(
      'deep\ndeep\nfile\ntext',
    );
  });

  test('an archive on standard input, names that are no UTF-8 and parents it does not list included', async () => {
    const name = "$(printf 'odd\\377\\nname')";
    const pack = `mkdir -p p/q && echo odd >"p/q/${name}" && tar -c "p/q/${name}"`;
    await succeed(
      engine.host.run(['sh', '-c', `cd ${engine.host.dir} && ${pack} | ${BINARY} cp - cp-on:/tm`]),
    );
    expect(await sh(`cat "/tm/p/q/${name}"`)).toBe('odd');
  });
});

describe('out of a container', () => {
  test('a folder, what it holds, and a single file; who copies owns them, without the powers of their owners', async () => {
    await sh(
      'mkdir -p /out/sub && cd /out && echo x >sub/x && chown 5:5 sub/x && chmod 4711 sub/x && ln -s /etc abs',
    );
    await ok('cp', 'cp-on:/out', at('fresh'));
    await ok('cp', 'cp-on:/out/.', at('bound'));
    await ok('cp', 'cp-on:/out/sub/x', at('fresh/y'));
    const { mode, uid } = statSync(at('fresh/sub/x'));
    expect({ mode: mode & 0o7777, uid }).toEqual({ mode: 0o711, uid: 0 });
    expect(readlinkSync(at('fresh/abs'))).toBe('/etc');
    expect(readFileSync(at('bound/sub/x'), 'utf8')).toBe('x\n');
    expect(lstatSync(at('fresh/y')).isFile()).toBe(true);
  });

  test('to standard output as an archive that tar(1) reads', async () => {
    await sh(`mkdir -p /pack/${'long'.repeat(30)} && cd /pack && ln -s a b && mknod n p && touch -d @1 ünï`);
    const { stdout } = await succeed(
      engine.host.run(['sh', '-c', `${BINARY} cp cp-on:/pack - | tar -tv | sed 's/.*:.. //'`]),
    );
    expect(stdout).toBe(`pack/\npack/b -> a\npack/${'long'.repeat(30)}/\npack/n\npack/ünï\n`);
  });
});

describe('a container that does not run', () => {
  test('before its first start: files, and a volume; both are there once it starts', async () => {
    await ok('cp', at('tree/file'), 'cp-off:/vol/kept');
    await ok('cp', at('tree/sub'), 'cp-off:/etc');
    await ok('start', 'cp-off');
    expect(
      await ok('exec', 'cp-off', 'cat', '/vol/kept', '/etc/sub/deep', '/etc/mtab').then((t) => t.slice(0, 9)),
    ).toBe('text\ndeep');
    await ok('exec', 'cp-off', 'sh', '-c', 'echo later >/vol/later; echo own >/own; rm /etc/passwd');
    await ok('stop', '-t', '0', 'cp-off');
    await ok('cp', 'cp-off:/vol/later', at('later'));
    await ok('cp', 'cp-off:/own', at('own'));
    expect([readFileSync(at('later'), 'utf8'), readFileSync(at('own'), 'utf8')]).toEqual([
      'later\n',
      'own\n',
    ]);
    expect(await refused('cp-off:/etc/passwd', at('gone'))).toContain('Could not find the file /etc/passwd');
  });
});

test('--userns=auto: owners are those that the container knows', async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'cp-users',
    '--userns',
    'auto',
    '-v',
    'cp-users:/vol',
    'test',
    'sleep',
    '1000',
  );
  await ok('cp', at('tree'), 'cp-users:/');
  await ok('cp', at('tree'), 'cp-users:/vol');
  const look = 'stat -c "%n %a %u:%g" /tree /tree/file /vol/tree /vol/tree/file';
  const seen = '/tree 755 0:0\n/tree/file 640 7:8\n/vol/tree 755 0:0\n/vol/tree/file 640 7:8';
  expect(await ok('exec', 'cp-users', 'sh', '-c', look)).toBe(seen);
  const list = `${BINARY} cp cp-users:/tree/file - | tar -tv --numeric-owner`;
  expect((await succeed(engine.host.run(['sh', '-c', list]))).stdout).toContain(' 7/8 ');
  await ok('stop', '-t', '0', 'cp-users');
  await ok('cp', at('tree/file'), 'cp-users:/after');
  await ok('start', 'cp-users');
  expect(await ok('exec', 'cp-users', 'stat', '-c', '%u:%g', '/after')).toBe('7:8');
});

describe('refused, in Docker’s words', () => {
  test.each([
    [['TREE/file', 'cp-on:/nowhere/x'], 'Could not find the file /nowhere in container cp-on'],
    [['TREE/file', 'cp-on:/tm/nowhere/'], 'no such directory'],
    [['TREE', 'cp-on:/etc/passwd'], 'cannot copy directory'],
    [['TREE/file', 'cp-on:/ro/x'], 'mounted volume is marked read-only'],
    [
      ['TREE/file', 'cp-on:/dev/null'],
      'destination "cp-on:/dev/null" must be a directory or a regular file: got a device',
    ],
    [['TREE/nothing', 'cp-on:/'], 'TREE/nothing: no such file or directory'],
    [['cp-on:/nothing', 'TREE'], 'Could not find the file /nothing in container cp-on'],
    [['cp-on:/etc', 'TREE/no/x'], 'invalid output path: directory "TREE/no" does not exist'],
    [
      ['cp-on:/etc', '/dev/null'],
      'invalid output path: "/dev/null" must be a directory or a regular file: got a device',
    ],
    [['cp-on:/etc', 'cp-off:/'], 'copying between containers is not supported'],
    [['/etc', '/tmp'], 'must specify at least one container source'],
    [['cp-nobody:/etc', 'TREE'], 'No such container: cp-nobody'],
    [['-', 'cp-on:/etc/passwd'], 'destination "cp-on:/etc/passwd" must be a directory'],
    [['cp-on:', 'TREE'], 'source can not be empty'],
  ])('%j', async (args, words) => {
    const here = (text: string): string => text.replaceAll('TREE', at('tree'));
    expect(await refused(...args.map(here))).toContain(here(words));
  });

  test('a directory over a file inside of a copied tree, and the other way round', async () => {
    mkdirSync(at('clash/x'), { recursive: true });
    await sh('mkdir -p /tm/clash && echo mine >/tm/clash/x');
    expect(await refused(at('clash'), 'cp-on:/tm')).toContain(
      'cannot overwrite non-directory "/tm/clash/x" with directory "clash/x"',
    );
    expect(await sh('cat /tm/clash/x')).toBe('mine');
  });

  test('a root filesystem that is read-only, running or not', async () => {
    await ok('create', '--name', 'cp-closed', '--read-only', 'test', 'sleep', '1000');
    const words = 'container rootfs is marked read-only';
    expect(await refused(at('tree/file'), 'cp-closed:/x')).toContain(words);
    await ok('start', 'cp-closed');
    expect(await refused(at('tree/file'), 'cp-closed:/x')).toContain(words);
  });
});

describe('a container that means harm', () => {
  test('links in a path lead no further than to its own root', async () => {
    writeFileSync(at('canary'), 'host\n');
    await sh(`ln -s ${engine.host.dir} /to-host; ln -s ../../../../..${engine.host.dir} /up`);
    for (const link of ['to-host', 'up']) {
      expect(await refused(`cp-on:/${link}/canary`, at('stolen'))).toContain('Could not find the file');
      expect(await refused(at('tree/file'), `cp-on:/${link}/canary`)).toContain('Could not find the file');
    }
    expect(existsSync(at('stolen'))).toBe(false);
    expect(readFileSync(at('canary'), 'utf8')).toBe('host\n');
  });

  test('magic links, files of the kernel', async () => {
    expect(await refused('cp-on:/proc/1/root/etc/passwd', at('stolen'))).toMatch(
      /too many levels of symbolic links|ELOOP/,
    );
    expect(await refused(at('tree/file'), 'cp-on:/proc/sys/kernel/x')).toMatch(/read-only|inside \/proc/);
  });

  test('an archive whose entries lead out', async () => {
    const pack = "tar -cP --transform 's,^,../../,' tree/file";
    const { exitCode, stderr } = await engine.host.run([
      ...['sh', '-c', `cd ${engine.host.dir} && ${pack} | ${BINARY} cp - cp-on:/tm`],
    ]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is outside of'),
    });
  });

  test('a name that is swapped between a directory and a link, meanwhile', async () => {
    const target = at('target');
    mkdirSync(target);
    await sh('mkdir -p /swap/a/in');
    const swap = `while :; do mv /swap/a /swap/b; ln -s ${target} /swap/a; rm /swap/a; mv /swap/b /swap/a; done`;
    await ok('exec', '-d', 'cp-on', 'sh', '-c', swap);
    for (let round = 0; round < 25; round++) await minidock('cp', at('tree/sub'), 'cp-on:/swap/a/in');
    expect(existsSync(join(target, 'in'))).toBe(false);
    expect(existsSync(join(target, 'sub'))).toBe(false);
  });
});
