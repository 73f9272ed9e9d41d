/**
 * Directories that only root may enter. What is inside has owners and modes of its own, setuid programs of images
 * among them, that no user of the host must get at; containers see it through mounts, which need no path.
 */
import { lstatSync, mkdirSync } from 'node:fs';

/** Does nothing for a user who could not make it: reading tells them soon enough. */
export function ensurePrivateDir(path: string): void {
  if (process.geteuid?.() !== 0) return;
  for (;;) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return;
    } catch (error) {
      // It was there for mkdir(2) and gone for the look at what it is: someone sweeps, and it is made again.
      const gone = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !gone) throw error;
    }
  }
}
