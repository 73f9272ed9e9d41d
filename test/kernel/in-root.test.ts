/** Paths of a container's, opened by the real kernel: where they lead, and where they must not. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driver } from '../support/bun.ts';
import { succeed } from '../support/images/image.ts';
import { runProgram } from '../support/host/processes.ts';

let dir: string;
let root: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'in-root-'));
  root = join(dir, 'root');
  mkdirSync(join(root, 'a/b'), { recursive: true });
  mkdirSync(join(dir, 'outside'));
  writeFileSync(join(dir, 'secret'), '');
});
afterEach(() => rmSync(dir, { recursive: true }));

type How = 'root' | 'beneath' | 'links' | 'dir' | 'file';

/** Where each path leads, seen from the root, or the error's code. `mounting` runs first, in the same mount namespace. */
async function where(how: How, paths: readonly string[], mounting = ''): Promise<readonly string[]> {
  const words = driver('in-root-driver.ts', root, how, ...paths);
  const inside = ['unshare', '--mount', 'sh', '-ec', `${mounting}\nexec "$@"`, 'sh', ...words];
  const { stdout } = await succeed(runProgram(inside));
  return stdout.trim().split('\n');
}

describe('a path below a root', () => {
  test('is spelt in any way', async () => {
    const paths = ['/', '', '/a/b', '//a/./b/', '/a/../a/b/..', '/../../../a'];
    expect(await where('root', paths)).toEqual(['/', '/', '/a/b', '/a/b', '/a', '/a']);
  });

  test('follows links inside the root, absolute, relative, or climbing', async () => {
    symlinkSync('/a', join(root, 'absolute'));
    symlinkSync('b', join(root, 'a/relative'));
    symlinkSync('../../../../outside', join(root, 'a/b/climbing'));
    symlinkSync(join(dir, 'outside'), join(root, 'host'));
    symlinkSync('/a', join(root, 'a/b/back'));
    const paths = ['/absolute/relative', '/a/b/back', '/a/b/climbing', '/host'];
    expect(await where('root', paths)).toEqual(['/a/b', '/a', 'ENOENT', 'ENOENT']);
    expect(await where('file', ['/a/b/climbing/x'])).toEqual(['/outside/x']);
    expect(await where('dir', ['/host/y'])).toEqual([`${dir}/outside/y`]);
    expect(readdirSync(join(dir, 'outside'))).toEqual([]);
  });

  test('is made where it is missing, a dangling link’s target too', async () => {
    symlinkSync('../run/resolv.conf', join(root, 'a/resolv.conf'));
    expect(await where('file', ['/a/resolv.conf'])).toEqual(['/run/resolv.conf']);
    expect(lstatSync(join(root, 'run/resolv.conf')).isFile()).toBe(true);
    expect(await where('dir', ['/x/y/z'])).toEqual(['/x/y/z']);
    expect(await where('root', ['/q/r'])).toEqual(['ENOENT']);
    expect(existsSync(join(root, 'q'))).toBe(false);
  });

  test('ends in a circle of links, and at a file', async () => {
    symlinkSync('two', join(root, 'one'));
    symlinkSync('one', join(root, 'two'));
    writeFileSync(join(root, 'file'), '');
    for (const how of ['root', 'dir', 'file'] as const) {
      expect(await where(how, ['/one', '/file/x'])).toEqual(['ELOOP', 'ENOTDIR']);
    }
  });

  test('follows no magic link of a procfs, by whatever name it is reached', async () => {
    mkdirSync(join(root, 'proc'));
    symlinkSync('/proc/self/root', join(root, 'self-root'));
    symlinkSync('/proc/self/cwd/x', join(root, 'cwd'));
    const mounting = `mount -t proc proc ${root}/proc`;
    const paths = ['/proc/self/root/etc', '/proc/self/fd/0', '/proc/thread-self/cwd', '/self-root', '/cwd'];
    for (const how of ['root', 'dir', 'file'] as const) {
      expect(await where(how, paths, mounting)).toEqual(paths.map(() => 'ELOOP'));
    }
  });

  test('is not made in a file system of the kernel’s', async () => {
    mkdirSync(join(root, 'proc'));
    symlinkSync('/proc/sys/made', join(root, 'sysctl'));
    const mounting = `mount -t proc proc ${root}/proc`;
    expect(await where('file', ['/sysctl', '/proc/made'], mounting)).toEqual(['BAD_MOUNT', 'BAD_MOUNT']);
  });
});

test('beneath: no links, no other mount, no way up', async () => {
  symlinkSync('/a', join(root, 'link'));
  mkdirSync(join(root, 'covered'));
  const mounting = `mount -t tmpfs none ${root}/covered && mkdir ${root}/covered/x`;
  const paths = ['a/b', 'link', 'link/b', 'covered/x', 'covered', 'a/../../secret', 'missing'];
  expect(await where('beneath', paths, mounting)).toEqual([
    '/a/b',
    'ELOOP',
    'ELOOP',
    'EXDEV',
    'EXDEV',
    'EXDEV',
    'ENOENT',
  ]);
  expect(await where('links', ['covered/x', 'link'], mounting)).toEqual(['/covered/x', 'ELOOP']);
});
