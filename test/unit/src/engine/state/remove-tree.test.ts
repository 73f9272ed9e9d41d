import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { removeTree } from '../../../../../src/engine/state/remove-tree.ts';
import { treeSize } from '../../../../../src/engine/state/tree-size.ts';
import { pinnedBun } from '../../../../support/bun.ts';
import { makeChain } from '../../../../support/images/deep-chain.ts';
import { memoryDirectory, temporaryDirectory } from '../../../../support/temporary-directory.ts';

const DEPTH = 5_000;

test('a tree goes, whatever is in it, and what its links lead to stays', () => {
  const dir = temporaryDirectory();
  const top = join(dir, 'top');
  mkdirSync(join(top, 'a/b/c'), { recursive: true });
  mkdirSync(join(dir, 'kept'));
  writeFileSync(join(dir, 'kept/file'), 'kept');
  symlinkSync(join(dir, 'kept'), join(top, 'link'));
  symlinkSync(join(dir, 'kept'), join(top, 'a/b/link'));
  linkSync(join(dir, 'kept/file'), join(top, 'a/hard'));
  writeFileSync(Buffer.concat([Buffer.from(`${top}/a/`), Buffer.of(0xff, 0xfe)]), 'no text');
  // The numbers that a killed removal has left, as a file, as a directory that is full and as one that is empty.
  writeFileSync(join(top, `${String(process.pid)}-0`), '');
  mkdirSync(join(top, `${String(process.pid)}-1/x`), { recursive: true });
  mkdirSync(join(top, `${String(process.pid)}-2`));
  chmodSync(join(top, 'a/b'), 0);
  expect(removeTree(top)).toBe(true);
  expect(readdirSync(dir)).toEqual(['kept']);
  expect(readFileSync(join(dir, 'kept/file'), 'utf8')).toBe('kept');
});

test('what is not there is gone already; of a link in its place, the link goes', () => {
  const dir = temporaryDirectory();
  expect(removeTree(join(dir, 'missing'))).toBe(true);
  mkdirSync(join(dir, 'kept/x'), { recursive: true });
  symlinkSync(join(dir, 'kept'), join(dir, 'link'));
  expect(removeTree(join(dir, 'link'))).toBe(true);
  expect(existsSync(join(dir, 'link'))).toBe(false);
  expect(readdirSync(join(dir, 'kept'))).toEqual(['x']);
});

test('a chain of directories longer than any path goes, in pieces if there is a deadline', () => {
  const top = join(memoryDirectory(), 'top');
  makeChain(top, DEPTH);
  expect(removeTree(top, performance.now())).toBe(false);
  expect(lstatSync(top).isDirectory()).toBe(true);
  let calls = 1;
  while (!removeTree(top, performance.now() + 20)) calls++;
  expect(calls).toBeGreaterThan(1);
  expect(existsSync(top)).toBe(false);
}, 60_000);

test('what cannot go is reported, and the rest goes', () => {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'top/a/b'), { recursive: true });
  mkdirSync(join(dir, 'top/m/n'), { recursive: true });
  mkdirSync(join(dir, 'other'));
  writeFileSync(join(dir, 'other/file'), '');
  writeFileSync(join(dir, 'top/a/b/file'), '');
  const remover = join(import.meta.dirname, '../../../../support/drivers/remove-tree-driver.ts');
  // In a mount namespace of its own, so no mount is left. The same file system: its number tells nothing.
  const script = `mount --bind ${dir}/other ${dir}/top/m/n && exec "$@"`;
  const words = ['--mount', 'sh', '-c', script, 'sh', pinnedBun, remover, join(dir, 'top')];
  const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'EBUSY\n', stderr: '' });
  expect(readdirSync(join(dir, 'other'))).toEqual(['file']);
  expect(existsSync(join(dir, 'top/a'))).toBe(false);
});

test('the size of a chain of directories, and of no file that a link leads to', () => {
  const dir = memoryDirectory();
  const top = join(dir, 'top');
  makeChain(top, DEPTH, 'abc');
  writeFileSync(join(dir, 'outside'), 'x'.repeat(1000));
  symlinkSync(dir, join(top, 'link'));
  writeFileSync(join(top, 'file'), '12345');
  linkSync(join(top, 'file'), join(top, 'again'));
  expect(treeSize(top)).toBe(8);
  expect(treeSize(join(dir, 'missing'))).toBe(0);
  removeTree(top);
}, 60_000);
