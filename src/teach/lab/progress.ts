/**
 * How far one is: in a running lab (which step, how many hints were given) and for good (every step ever reached, a
 * line each). Both files are bind mounts in the lab, so they are written in place.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Lesson } from './lesson.ts';

export interface LabState {
  /** Index of the step to be done; the number of steps when all are. */
  readonly step: number;
  readonly hints: number;
  /** The picture before the step. */
  readonly picture?: string;
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

/** Ids of the steps of a lesson that were reached once. */
export function readProgress(file: string): (lesson: string) => ReadonlySet<string> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const pairs = lines.map((line) => line.split(' '));
  return (name) => new Set(pairs.flatMap(([lesson, step]) => (lesson === name && step ? [step] : [])));
}

export function recordStep(file: string, lesson: Lesson, step: number): void {
  const id = lesson.steps[step]?.id;
  if (id === undefined || readProgress(file)(lesson.name).has(id)) return;
  appendFileSync(file, `${lesson.name} ${id} ${new Date().toISOString()}\n`);
}
