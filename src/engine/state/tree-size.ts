/**
 * How long the files of a directory are that a running container changes meanwhile, at any depth. Directories are
 * opened, each from the one above it, and a link is never followed: the container may put one in the place of a
 * directory at any time, and make chains of them longer than any path.
 *
 * The way back up is by descriptors that are still open; below MAX_OPEN levels only the deepest one is, and the way
 * up is `..`, which counts only if it leads where the walk came from.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, type Stats } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const MAX_OPEN = 64;

interface Level {
  /** undefined when it was closed to keep the descriptors few. */
  fd: number | undefined;
  readonly identity: string;
  readonly names: Buffer[];
}

/** Regular files' lengths, hard links once; what vanishes or moves away meanwhile counts nothing. */
export function treeSize(root: string): number {
  const seen = new Set<string>();
  const levels: Level[] = [];
  let sum = 0;
  try {
    enter(levels, root);
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.pop();
      if (name === undefined || level.fd === undefined) {
        leave(levels);
        continue;
      }
      const path = at(level.fd, name);
      const stats = unlessGone(() => lstatSync(path));
      if (stats?.isDirectory() === true) enter(levels, path);
      else if (stats?.isFile() === true && !seen.has(identityOf(stats))) {
        seen.add(identityOf(stats));
        sum += stats.size;
      }
    }
    return sum;
  } finally {
    for (const { fd } of levels) if (fd !== undefined) closeSync(fd);
  }
}

function enter(levels: Level[], path: string | Buffer): void {
  const fd = unlessGone(() => openSync(path, DIRECTORY));
  if (fd === undefined) return;
  const above = levels.at(-1);
  if (above?.fd !== undefined && levels.length > MAX_OPEN) {
    closeSync(above.fd);
    above.fd = undefined;
  }
  // Pushed first, so that it is closed whatever happens.
  const level: Level = { fd, identity: identityOf(fstatSync(fd)), names: [] };
  levels.push(level);
  for (const name of readdirSync(at(fd), { encoding: 'buffer' })) level.names.push(name);
}

/** The level above has a descriptor again, unless this one was moved from it. */
function leave(levels: Level[]): void {
  const fd = levels.pop()?.fd;
  if (fd === undefined) return;
  const above = levels.at(-1);
  if (above !== undefined && above.fd === undefined) above.fd = openAbove(fd, above.identity);
  closeSync(fd);
  if (above !== undefined && above.fd === undefined) {
    // What is open still is as it was: the walk goes on there.
    while (levels.length > 0 && levels.at(-1)?.fd === undefined) levels.pop();
  }
}

function openAbove(fd: number, identity: string): number | undefined {
  const found = unlessGone(() => openSync(at(fd, Buffer.from('..')), DIRECTORY));
  if (found === undefined || identityOf(fstatSync(found)) === identity) return found;
  closeSync(found);
  return undefined;
}

const identityOf = ({ dev, ino }: Stats): string => `${String(dev)}:${String(ino)}`;

function at(directory: number, name?: Buffer): Buffer {
  const prefix = `/proc/self/fd/${String(directory)}`;
  return name === undefined ? Buffer.from(prefix) : Buffer.concat([Buffer.from(`${prefix}/`), name]);
}

/** undefined also for what has become a link or a file since it was seen. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}
