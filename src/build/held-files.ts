/**
 * Files that a RUN sees while it runs, secrets among them: a directory for each RUN, in memory, named after the process
 * of its build. What a killed build has left there, the next one removes.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnerAlive, ownerTag } from '../../images/store/owner.ts';
import { errnoOf } from '../../runtime/syscall/error.ts';
import type { Paths } from '../engine/state/paths.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { ensurePrivateDir } from '../io/private-dir.ts';

const heldDir = ({ run }: Paths): string => join(run, 'build');

/** New and empty. The caller removes it. */
export function makeHeldDir(paths: Paths): string {
  ensurePrivateDir(heldDir(paths));
  const dir = join(heldDir(paths), ownerTag());
  mkdirSync(dir, { mode: 0o700 });
  return dir;
}

export function sweepHeldFiles(paths: Paths): void {
  for (const owner of namesIn(heldDir(paths))) {
    if (isOwnerAlive(owner)) continue;
    try {
      removeTree(join(heldDir(paths), owner));
    } catch (error) {
      if (errnoOf(error) === '') throw error; // What does not go now is the next build's to sweep.
    }
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
