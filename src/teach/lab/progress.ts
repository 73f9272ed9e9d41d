/**
 * The progress: of a running lab (the step, the number of hints shown) and of the learner (every step ever reached, a
 * line each). The latter is a file of the machine; the lab reads it and the keeper writes it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delay } from '../../../runtime/io/delay.ts';
import { INSIDE } from './lab-dirs.ts';
import type { Lesson } from './lesson.ts';
import type { Picture } from './pictures.ts';

export interface LabState {
  /** Index of the next step; the number of steps when all are done. */
  readonly step: number;
  readonly hints: number;
  /** Milliseconds since 1970, of a lesson with points. */
  readonly began?: number;
  readonly ended?: number;
  /** Hints shown in all its steps. */
  readonly used?: number;
  /** The solution was shown, or typed by minidock. */
  readonly shown?: boolean;
  /** The picture before the step. */
  readonly picture?: Picture;
}

export function readState(file: string): LabState {
  try {
    return { step: 0, hints: 0, ...(JSON.parse(readFileSync(file, 'utf8')) as object) };
  } catch {
    return { step: 0, hints: 0 }; // Nothing has been done in there yet.
  }
}

export function writeState(file: string, state: LabState): void {
  writeFileSync(file, JSON.stringify(state));
}

/** Ids of the steps of a lesson that were ever reached. */
export function readProgress(file: string): (lesson: string) => ReadonlySet<string> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const pairs = lines.map((line) => line.split(' '));
  return (name) => new Set(pairs.flatMap(([lesson, step]) => (lesson === name && step ? [step] : [])));
}

/** Tells the keeper, and waits until it is written. */
export async function recordStep(lesson: Lesson, step: number): Promise<void> {
  const id = lesson.steps[step]?.id;
  const recorded = (): boolean => id === undefined || readProgress(INSIDE.progress)(lesson.name).has(id);
  if (id === undefined || recorded()) return;
  // Opens the pipe without creating it and without waiting for a reader.
  writeFileSync(INSIDE.reached, `${id}\n`, { flag: 'r+' });
  for (let wait = 0; wait < 200 && !recorded(); wait++) await delay(10);
}
