/** Taking a directory out of sight with one rename(2), to be deleted afterwards. */
import { renameSync } from 'node:fs';
import { removeTree } from './remove-tree.ts';

/** A sweep may have left a directory of that name, which it took for one half made: what is in it is nobody's. */
export function moveAway(dir: string, doomed: string): void {
  try {
    renameSync(dir, doomed);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    removeTree(doomed);
    renameSync(dir, doomed);
  }
}
