/**
 * Mount points that PID 1 made for a RUN and the stage does not have: no change of the instruction's, and so no part of
 * its layer. Layers hold what images and containers wrote: each name is looked at below a descriptor, and a link on the
 * way ends the look (openat2(2)).
 */
import { closeSync, constants, fstatSync } from 'node:fs';
import { fromText } from '../../../images/unpack/paths.ts';
import { O_PATH, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { openDirectory } from '../../engine/files/tree-sink.ts';

const FILES = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', '.dockerenv'];

/** Those of `targets` and of the files of each container, with their directories, that no layer has. Deepest first. */
export function missingIn(layers: readonly string[], targets: readonly string[]): readonly string[] {
  const all = [...FILES, ...targets].flatMap((path) => {
    const parts = path.split('/').filter((part) => part !== '');
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  let missing: readonly string[] = [...new Set(all)];
  for (const layer of layers) {
    const root = openDirectory(layer);
    try {
      missing = missing.filter((path) => {
        const fd = look(root, path);
        if (fd !== undefined) closeSync(fd);
        return fd === undefined;
      });
    } finally {
      closeSync(root);
    }
  }
  return missing.toSorted((a, b) => b.split('/').length - a.split('/').length);
}

/** What the instruction has filled stays. */
export function removeStubs(upper: string, paths: readonly string[]): void {
  const root = openDirectory(upper);
  try {
    for (const path of paths) removeStub(root, path);
  } finally {
    closeSync(root);
  }
}

function removeStub(root: number, path: string): void {
  const slash = path.lastIndexOf('/');
  const parent = look(root, slash < 0 ? '.' : path.slice(0, slash));
  if (parent === undefined) return;
  try {
    const name = path.slice(slash + 1);
    const fd = look(parent, name);
    if (fd === undefined) return;
    const stats = fstatSync(fd);
    closeSync(fd);
    if (stats.isDirectory() || (stats.isFile() && stats.size === 0))
      calls.unlinkat(parent, fromText(name), stats.isDirectory());
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY') throw error;
  } finally {
    closeSync(parent);
  }
}

/** An O_PATH descriptor; undefined where there is nothing, or a link on the way. */
function look(directory: number, path: string): number | undefined {
  try {
    return calls.openat2(
      directory,
      fromText(path),
      O_PATH | constants.O_NOFOLLOW,
      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    );
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}
