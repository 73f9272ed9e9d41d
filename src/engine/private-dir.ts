/**
 * Directories that only root may enter. What is inside has owners and modes of its own, setuid programs of images
 * among them, that no user of the host must get at; containers see it through mounts, which need no path.
 */
import { mkdirSync } from 'node:fs';

/** Does nothing for a user who could not make it: reading tells them soon enough. */
export function ensurePrivateDir(path: string): void {
  if (process.geteuid?.() === 0) mkdirSync(path, { recursive: true, mode: 0o700 });
}
