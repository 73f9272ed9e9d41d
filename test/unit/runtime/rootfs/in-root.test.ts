import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fdPath, openInRoot, type Missing } from '../../../../runtime/rootfs/in-root.ts';

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

/** Where the path leads, seen from the root. */
function where(path: string, missing: Missing = 'fail'): string {
  const fd = openInRoot(root, path, missing);
  try {
    return readlinkSync(fdPath(fd)).slice(root.length) || '/';
  } finally {
    closeSync(fd);
  }
}

describe('a path below a root', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['//a/./b/', '/a/b'],
    ['/a/../a/b/..', '/a'],
    ['/../../../a', '/a'],
  ])('%s is %s', (path, expected) => {
    expect(where(path)).toBe(expected);
  });

  test('links are followed inside the root, absolute, relative, or climbing', () => {
    symlinkSync('/a', join(root, 'absolute'));
    symlinkSync('b', join(root, 'a/relative'));
    symlinkSync('../../../../outside', join(root, 'a/b/climbing'));
    symlinkSync(join(dir, 'outside'), join(root, 'host'));
    symlinkSync('/a', join(root, 'a/b/back'));
    expect(where('/absolute/relative')).toBe('/a/b');
    expect(where('/a/b/back')).toBe('/a');
    expect(() => where('/a/b/climbing')).toThrow('ENOENT');
    expect(() => where('/host')).toThrow('ENOENT');
    expect(where('/a/b/climbing/x', 'file')).toBe('/outside/x');
    expect(where('/host/y', 'dir')).toBe(`${dir}/outside/y`);
    expect(readdirSync(join(dir, 'outside'))).toEqual([]);
  });

  test('what is missing is made, a dangling link’s target too', () => {
    symlinkSync('../run/resolv.conf', join(root, 'a/resolv.conf'));
    expect(where('/a/resolv.conf', 'file')).toBe('/run/resolv.conf');
    expect(lstatSync(join(root, 'run/resolv.conf')).isFile()).toBe(true);
    expect(where('/x/y/z', 'dir')).toBe('/x/y/z');
    expect(() => where('/q/r', 'fail')).toThrow('ENOENT');
    expect(existsSync(join(root, 'q'))).toBe(false);
  });

  test('a circle of links ends', () => {
    symlinkSync('two', join(root, 'one'));
    symlinkSync('one', join(root, 'two'));
    expect(() => where('/one')).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  });

  test('a file is no directory', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => where('/file/x')).toThrow('ENOTDIR');
  });

  test('no descriptor stays open', () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    where('/a/b');
    expect(() => where('/a/b/c/d')).toThrow('ENOENT');
    expect(open()).toBe(before);
  });
});
