/**
 * What Docker makes of a layer without whiteouts, in plain words of its own: an oracle for the unpacker. An entry first
 * takes away what is at its path, unless both are directories; then it is made; a directory it needs is made if
 * nothing is there. Everything happens inside the layer, as in Docker's chroot.
 * Source: moby, pkg/archive/archive.go (Unpack, createTarFile).
 */
import { linkSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { TestEntry } from './tar-bytes.ts';

/** @throws where Docker fails. `root` is an empty directory. */
export function unpackAsDocker(root: string, entries: readonly TestEntry[]): void {
  for (const entry of entries) {
    const name = posix.join('/', String(entry.name)).replace(/(.)\/$/, '$1');
    makeDirs(root, posix.dirname(name));
    make(resolve(root, name), entry, root);
  }
}

function make(path: string, entry: TestEntry, root: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  const isDir = entry.type === '5';
  if (there !== undefined && !(there.isDirectory() && isDir)) rmSync(path, { recursive: true });
  switch (entry.type ?? '0') {
    case '5':
      if (there?.isDirectory() !== true) mkdirSync(path);
      return;
    case '1':
      linkSync(resolve(root, posix.join('/', String(entry.link))), path);
      return;
    case '2':
      symlinkSync(String(entry.link), path);
      return;
    default:
      writeFileSync(path, entry.data ?? '', { flag: 'wx' });
  }
}

/** Only if nothing is there: a link, also one that leads nowhere, is something. */
function makeDirs(root: string, dir: string): void {
  if (dir === '/') return;
  const path = resolve(root, dir, () => {
    makeDirs(root, posix.dirname(dir));
  });
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path);
}

/** Where the kernel would find it below `root` as its root directory; a link at the end is not followed. */
function resolve(root: string, name: string, missing: () => void = () => undefined): string {
  const todo = name.split('/').filter((part) => part !== '');
  const real: string[] = [];
  for (let links = 0; todo.length > 0;) {
    const part = todo.shift() ?? '';
    if (part === '.' || part === '') continue;
    if (part === '..') {
      real.pop();
      continue;
    }
    const path = posix.join(root, ...real, part);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (todo.length > 0 && stats?.isSymbolicLink() === true) {
      if ((links += 1) > 40) throw new Error(`ELOOP: ${name}`);
      const target = readlinkSync(path);
      if (target.startsWith('/')) real.length = 0;
      todo.unshift(...target.split('/'));
      continue;
    }
    if (todo.length > 0 && stats === undefined) missing();
    if (todo.length > 0 && stats?.isDirectory() === false) throw new Error(`ENOTDIR: ${name}`);
    real.push(part);
  }
  return posix.join(root, ...real);
}
