/**
 * Mounts below a real directory with a kernel that records them: what is mounted on is a descriptor, never a path.
 * Opening is done by node:fs here, without openat2(2)'s rules: those are held by test/kernel/in-root.test.ts.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, openSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mount } from '../../../../runtime/rootfs/perform-mount.ts';
import { newTree } from '../../../../runtime/rootfs/tree.ts';
import { recordingKernel } from '../../../support/kernel/recording-kernel.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rootfs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const PROC_SUPER_MAGIC = 0x9fa0;
const fdPath = (fd: number): string => `/proc/self/fd/${String(fd)}`;
const MADE = 1000;

/** The calls that change something, each descriptor told as the path it stands for. */
function mounted(
  target: string,
  type: string,
  source: string,
  options: readonly string[],
  fileSystem = 0,
): readonly string[] {
  const places = new Map<number, string>();
  let inode = 0n;
  const { kernel, calls } = recordingKernel({
    openat2: (directory: number, path: string, flags: number, _resolve: number, mode: number) => {
      const fd = openSync(`${fdPath(directory)}/${path}`, flags, mode);
      places.set(fd, readlinkSync(fdPath(fd)).replace(root, 'ROOT'));
      return fd;
    },
    mkdirat: (directory: number, name: string, mode: number) => {
      mkdirSync(`${fdPath(directory)}/${name}`, { mode });
    },
    fileSystem: () => ({ type: fileSystem, flags: 0 }),
    place: () => ({ mount: 1, inode: ++inode }),
    newMount: () => MADE,
    copyMount: () => MADE,
    attachMount: (_mount: number, fd: number) =>
      void places.set(fd, readlinkSync(fdPath(fd)).replace(root, 'ROOT')),
  });
  mount(
    { kind: 'mount', target: `${root}${target}`, type, source, options },
    { kernel, root, tree: newTree() },
  );
  return calls
    .filter((line) => /^(newMount|setMountAttributes|attachMount)/.test(line))
    .map((line) =>
      line.replace(/, (\d+)\)$/, (all, fd) => `, ${places.get(Number(fd)) ?? all.slice(2, -1)})`),
    );
}

test('a missing mount point is made: a directory, or a file for a file', () => {
  expect(mounted('/proc', 'proc', 'proc', ['nosuid'])).toEqual([
    'newMount("proc", "proc", [], 2)',
    'attachMount(1000, ROOT/proc)',
  ]);
  expect(mounted('/etc/hosts', '', '/etc/passwd', ['bind', 'ro'])).toEqual([
    'setMountAttributes(1000, false, {"set":1,"clear":0,"propagation":0})',
    'attachMount(1000, ROOT/etc/hosts)',
  ]);
  expect(lstatSync(join(root, 'etc/hosts')).isFile()).toBe(true);
});

test('a tmpfs takes the mode of what it covers unless it is given one', () => {
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  const [inherited] = mounted('/tmp', 'tmpfs', 'tmpfs', ['ro', 'size=1m']);
  expect(inherited).toBe('newMount("tmpfs", "tmpfs", ["ro","size=1m","mode=1777"], 1)');
  expect(mounted('/tmp', 'tmpfs', 'tmpfs', ['mode=700'])[0]).toBe(
    'newMount("tmpfs", "tmpfs", ["mode=700"], 0)',
  );
  expect(mounted('/new', 'tmpfs', 'tmpfs', [])[0]).toBe('newMount("tmpfs", "tmpfs", [], 0)');
});

test('a place in a file system of the kernel’s is refused, whatever its name', () => {
  mkdirSync(join(root, 'foo'));
  for (const [type, source, options] of [
    ['', '/tmp', ['bind']],
    ['tmpfs', 'tmpfs', []],
  ] as const) {
    expect(() => mounted('/foo', type, source, options, PROC_SUPER_MAGIC)).toThrow(
      '"/foo" cannot be mounted on because it is inside /proc',
    );
  }
});
