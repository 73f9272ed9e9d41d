/**
 * Directories that only root may enter. What is inside has owners and modes of its own, setuid programs of images
 * among them, that no user of the host must get at; containers see it through mounts, which need no path.
 *
 * mkdir(2) never follows a link at the name it makes. What is there already is looked at with lstat(2): a link, or a
 * directory of somebody else's, is refused, so that nobody can prepare one for minidock to write to.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkOwn } from './safe-place.ts';

/**
 * How often a parent may go between being made and being used. A file system such as /proc says that it is missing
 * each time, though it is there.
 */
const MOST_TRIES = 10;

/** Does nothing for a user who may not make it: reading tells them soon enough. @throws MinidockError 'UNSAFE_PLACE'. */
export function ensurePrivateDir(path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      mkdirSync(path, { mode: 0o700 });
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && tries < MOST_TRIES) {
        ensurePrivateDir(dirname(path));
        continue;
      }
      if (code === 'EACCES' && process.geteuid?.() !== 0) return;
      if (code !== 'EEXIST') throw error;
      const found = checkOwn(path, { path, purpose: 'use the directory', chosenBy: '--root or --run' });
      if (found?.isDirectory() === true) return;
      // It was there for mkdir(2) and is gone now: someone sweeps, and it is made again. A file stays what it is.
      if (found !== undefined) throw error;
    }
  }
}
