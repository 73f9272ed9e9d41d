/** Two network namespaces and the cable between them: the article's section A. */
import type { Lesson } from '../lesson.ts';

export const lessons: readonly Lesson[] = [];
