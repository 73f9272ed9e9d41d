/**
 * Images, and mounts into them, that mean no good: links and files where directories belong. What is made for a
 * container lands inside of it or nowhere.
 */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { loadHostile } from '../../support/images/hostile-image.ts';
import { tarOf, type TestEntry } from '../../support/images/tar-bytes.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

test('a file where a directory is mounted, and the other way round', async () => {
  for (const [source, target] of [
    [binary, '/etc'],
    [engine.host.dir, '/etc/passwd'],
  ] as const) {
    const { exitCode, stderr } = await minidock('run', '--rm', '-v', `${source}:${target}`, 'test', 'true');
    expect(exitCode).toBe(125);
    expect(stderr).toContain(`cannot mount ${source} on ${target}: not a directory`);
    expect(stderr).toContain('a directory onto a file (or vice-versa)');
  }
});

test('links at /proc, /sys, /dev, /etc and where volumes go lead nowhere outside', async () => {
  const { dir } = engine.host;
  const target = join(dir, 'outside-of-images');
  mkdirSync(target);
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ['proc', [], 125],
    ['sys', [], 125],
    ['dev', [], 0],
    ['etc', [], 0],
    ['vol', ['-v', '/vol/inner'], 0],
    ['vol', ['--tmpfs', '/vol/inner'], 0],
    ['vol', ['-v', `${dir}:/vol/inner`], 0],
  ];
  for (const [link, flags, status] of cases) {
    const rootfs = join(dir, `rootfs-${link}`);
    await engine.host.run(['rm', '-rf', rootfs]);
    mkdirSync(join(rootfs, 'bin'), { recursive: true });
    await engine.host.run(['cp', '/bin/busybox', join(rootfs, 'bin/true')]);
    symlinkSync(target, join(rootfs, link));
    const archive = `${rootfs}.tar`;
    await engine.host.run(['tar', '-C', rootfs, '-cf', archive, '.']);
    await ok('import', archive, 'linked');
    const { exitCode, stderr } = await minidock('run', '--rm', ...flags, 'linked', '/bin/true');
    expect({ link, flags, exitCode, stderr }).toEqual({
      link,
      flags,
      exitCode: status,
      stderr: status === 0 ? '' : expect.stringContaining(`/${link} in the image is a symbolic link`),
    });
    expect(readdirSync(target)).toEqual([]);
    await ok('rmi', 'linked');
  }
});

test('etc as a file', async () => {
  const rootfs = join(engine.host.dir, 'rootfs-file');
  mkdirSync(rootfs);
  writeFileSync(join(rootfs, 'etc'), '');
  await engine.host.run(['tar', '-C', rootfs, '-cf', `${rootfs}.tar`, '.']);
  await ok('import', `${rootfs}.tar`, 'odd');
  const { exitCode, stderr } = await minidock('run', '--rm', 'odd', '/bin/true');
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/^minidock: step rootfs\.\S+ \(.*\) failed: .*not a directory/i);
  await ok('rmi', 'odd');
});

/**
 * The JavaScript engine opens this file by name when it first needs the names of errors. A FIFO there is waited for
 * without end; a device would be opened by exec, which is in no control group of the container's.
 */
test('a VOLUME /sys is not asked how many processors there are', async () => {
  const cpu = 'sys/devices/system/cpu';
  const dirs = ['sys', 'sys/devices', 'sys/devices/system', cpu].map((name): TestEntry => ({
    name,
    type: '5',
  }));
  const layers = [tarOf(...dirs, { name: `${cpu}/online`, type: '6', mode: 0o666 })];
  await loadHostile(engine, 'processors', {
    config: { Volumes: { '/sys': {} }, Cmd: ['sleep', '100'] },
    layers,
  });
  const within = async (...argv: readonly string[]): Promise<number> =>
    (await engine.host.run(['timeout', '-s', 'KILL', '10', binary, ...argv])).exitCode;
  try {
    expect(await within('run', '-d', '--name', 'processors', 'processors')).toBe(0);
    expect(await within('exec', 'processors', 'true')).toBe(0);
    expect(await within('exec', '-w', '/bin/busybox/x', 'processors', 'true')).toBe(126);
  } finally {
    await minidock('rm', '-f', '-v', 'processors');
    await ok('rmi', 'processors');
  }
});
