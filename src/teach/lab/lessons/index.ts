/** Every lesson there is, family by family, in the order in which a newcomer takes them. */
import type { Lesson } from '../lesson.ts';
import { lessons as cable } from './cable.ts';

const families: readonly (readonly Lesson[])[] = [cable];

export const allLessons: readonly Lesson[] = families.flat();

export function findLesson(name: string): Lesson | undefined {
  return allLessons.find((lesson) => lesson.name === name);
}
