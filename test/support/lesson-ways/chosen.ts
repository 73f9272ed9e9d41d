/** The lessons that a test goes through: all, or while one is written, those that LESSONS='vxlan pod' names. */
import type { Lesson } from '../../../src/teach/lab/lesson.ts';
import { allLessons } from '../../../src/teach/lab/lessons/index.ts';

const names = process.env['LESSONS']?.split(' ');

export const chosenLessons: readonly Lesson[] =
  names === undefined ? allLessons : allLessons.filter(({ name }) => names.includes(name));
