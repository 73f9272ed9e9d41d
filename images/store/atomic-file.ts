/** Writes a file so that readers see the old or the new content whole, and a crash leaves one of the two. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isOwnerAlive, ownerTag } from './owner.ts';

export function writeFileAtomic(path: string, content: string): void {
  const temporary = `${temporaryPrefix(path)}${ownerTag()}`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

const temporaryPrefix = (path: string): string => join(dirname(path), `.${basename(path)}.`);

/** Files that were to become this one, of processes that no longer live. */
export function removeAbandoned(path: string): void {
  const prefix = basename(temporaryPrefix(path));
  for (const name of namesIn(dirname(path))) {
    const tag = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !/^\d+\.\d+\.\d+$/.test(tag) || isOwnerAlive(tag)) continue;
    rmSync(join(dirname(path), name), { force: true });
  }
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** undefined when there is no such file. */
export function readFileIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
