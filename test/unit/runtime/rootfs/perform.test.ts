/** Mounts below a real directory with a kernel that only records: what is named is a descriptor, never a path. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as rootfs from '../../../../runtime/rootfs/perform.ts';
import { recordingKernel } from '../../../support/recording-kernel.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rootfs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The kernel's calls, with each descriptor told as the path it stood for. */
function recorded(action: (context: rootfs.RootContext) => void): readonly string[] {
  const places = new Map<string, string>();
  const remember = (path: string): number => {
    if (path.startsWith('/proc/self/fd/')) places.set(path, readlinkSync(path).replace(root, 'ROOT'));
    return 0;
  };
  const { kernel, calls } = recordingKernel({
    mount: (_source: string, target: string) => remember(target),
    bindMount: (_source: string, target: string) => remember(target),
    mknod: (path: string) => remember(path.slice(0, path.lastIndexOf('/'))),
  });
  action({ kernel, root });
  return calls.map((line) => line.replace(/\/proc\/self\/fd\/\d+/, (path) => places.get(path) ?? path));
}

const mount = (target: string, type: string, source: string, options: readonly string[]) =>
  recorded((context) =>
    rootfs.mount({ kind: 'mount', target: `${root}${target}`, type, source, options }, context),
  );

test('a missing mount point is made: a directory, or a file for a file', () => {
  expect(mount('/proc', 'proc', 'proc', ['nosuid'])).toEqual(['mount("proc", "ROOT/proc", "proc", 2, "")']);
  expect(mount('/etc/hosts', '', '/etc/passwd', ['bind'])).toEqual([
    'bindMount("/etc/passwd", "ROOT/etc/hosts", false, {"set":0,"clear":0,"propagation":0})',
  ]);
  expect(lstatSync(join(root, 'etc/hosts')).isFile()).toBe(true);
});

test('a tmpfs takes the mode of what it covers unless it is given one', () => {
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  expect(mount('/tmp', 'tmpfs', 'tmpfs', ['size=1m'])).toEqual([
    'mount("tmpfs", "ROOT/tmp", "tmpfs", 0, "size=1m,mode=1777")',
  ]);
  expect(mount('/tmp', 'tmpfs', 'tmpfs', ['mode=700'])).toEqual([
    'mount("tmpfs", "ROOT/tmp", "tmpfs", 0, "mode=700")',
  ]);
});

test('/sys may not be a link, other mount points may', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync('/real', join(root, 'sys'));
  expect(() => mount('/sys', 'sysfs', 'sysfs', [])).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  expect(mount('/sys', 'tmpfs', 'tmpfs', ['mode=755'])).toEqual([
    'mount("tmpfs", "ROOT/real", "tmpfs", 0, "mode=755")',
  ]);
});

test('links and directories land inside, also through a link that points outside', () => {
  symlinkSync('/../../..', join(root, 'dev'));
  recorded((context) => {
    rootfs.makeLink({ kind: 'symlink', target: 'pts/ptmx', path: `${root}/dev/ptmx` }, context);
    rootfs.makeDirectory({ kind: 'make-dir', path: `${root}/dev/a/b`, mode: 0o755 }, context);
  });
  expect(readlinkSync(join(root, 'ptmx'))).toBe('pts/ptmx');
  expect(existsSync(join(root, 'a/b'))).toBe(true);
});

test('masks and read-only paths that this kernel lacks are passed over', () => {
  const calls = recorded((context) => rootfs.mask({ kind: 'mask', path: join(root, 'missing') }, context));
  expect(calls).toEqual([]);
});
