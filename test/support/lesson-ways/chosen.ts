/** The lessons that a test goes through: all, or while one is written, those that LESSONS='vxlan pod' names. */
import type { Lesson } from '../../../src/teach/lab/lesson.ts';
import { allLessons } from '../../../src/teach/lab/lessons/index.ts';

const names = process.env['LESSONS']?.split(' ').filter((name) => name !== '');

const unknown = names?.filter((name) => !allLessons.some((lesson) => lesson.name === name)) ?? [];
if (names?.length === 0 || unknown.length > 0) {
  const given = unknown.length === 0 ? 'no lesson' : `what is no lesson: ${unknown.join(', ')}`;
  throw new Error(`LESSONS names ${given}. \`minidock lab list\` prints them.`);
}

export const chosenLessons: readonly Lesson[] =
  names === undefined ? allLessons : allLessons.filter(({ name }) => names.includes(name));
