/** Carries out steps on minidock's own files: what is renamed or removed is what the step names. */
import { renameSync, rmSync } from 'node:fs';
import type { FileCommand } from '../../../runtime/plan/command.ts';
import type { Note } from '../../../runtime/trace.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { stepSpan } from '../../../runtime/plan/step-span.ts';
import { readSmallFile } from './atomic-file.ts';
import { removeTree } from './remove-tree.ts';

export type FileStep = Step<FileCommand>;

export function performFileStep(step: FileStep): void {
  const work = (note: Note): void => {
    perform(step.command);
    note({ outcome: 'done' });
  };
  stepSpan([step], work, 'state');
}

function perform(command: FileCommand): void {
  switch (command.kind) {
    case 'rename':
      return moveAway(command.from, command.to);
    case 'remove-file':
      if (command.holding === undefined || readIfThere(command.path) === command.holding)
        rmSync(command.path, { force: true });
      return;
    case 'remove-trees':
      for (const path of command.paths) removeTree(path);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readSmallFile(path).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes a directory out of sight with one rename(2), to be deleted afterwards. */
export function moveAway(dir: string, doomed: string): void {
  try {
    renameSync(dir, doomed);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // A sweep took a directory of that name for one half made: nothing uses what is in it.
    removeTree(doomed);
    renameSync(dir, doomed);
  }
}
