/** Carries out steps on minidock's own files: what is renamed or removed is what the step names. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import type { FileCommand, HostCommand } from '../../../runtime/plan/command.ts';
import type { Note } from '../../../runtime/trace.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { stepSpan } from '../../../runtime/plan/step-span.ts';
import { refuseInjected } from './perform-step.ts';
import { readSmallFile, writeKeptRecord } from './atomic-file.ts';
import { removeTree } from './remove-tree.ts';

type OwnCommand = FileCommand | Extract<HostCommand, { kind: 'mkdir' }>;

export type FileStep = Step<OwnCommand>;

export function performFileStep(step: FileStep): void {
  const work = (note: Note): void => {
    refuseInjected(step);
    try {
      perform(step.command);
    } catch (error) {
      throw new StepError(step, error);
    }
    note({ outcome: 'done' });
  };
  stepSpan([step], work, 'state');
}

function perform(command: OwnCommand): void {
  switch (command.kind) {
    case 'rename':
      return moveAway(command.from, command.to);
    case 'remove-file':
      if (command.holding === undefined || readIfThere(command.path) === command.holding)
        rmSync(command.path, { force: true });
      return;
    case 'remove-trees':
      for (const path of command.paths) removeTree(path);
      return;
    case 'write-record':
      writeKeptRecord(command.path, JSON.parse(command.text) as object);
      return;
    case 'mkdir':
      mkdirSync(command.path, { recursive: true, mode: command.mode });
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
