/** The lessons as data: what a learner, the progress file and the table in the README rely on. */
import { describe, expect, test } from '@jest/globals';
import { allLessons } from '../../../../../src/teach/lab/lessons/index.ts';
import { allWays } from '../../../../support/lesson-ways/index.ts';

const puzzles = allLessons.filter(({ group }) => group === 'puzzle');
const steps = allLessons.flatMap((lesson) => lesson.steps.map((step) => ({ lesson, step })));

describe('every lesson', () => {
  test('has a name of its own, and so has each of its steps', () => {
    const names = allLessons.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    for (const { name, steps: own } of allLessons) {
      const ids = own.map(({ id }) => `${name} ${id}`);
      expect(ids).toEqual([...new Set(ids)]);
    }
  });

  test('says all that there is to say', () => {
    const texts = steps.flatMap(({ lesson, step }) => [
      ...[lesson.title, lesson.story, lesson.epilogue, step.title, step.task, ...step.hints],
      ...step.solution.flatMap(({ command, why }) => [command, why]),
      ...step.requirements.map(({ text }) => text),
    ]);
    expect(texts.filter((text) => text.trim() === '')).toEqual([]);
  });
});

test('every step of every lesson has wrong answers, and nothing else has any', () => {
  const tried = allWays.flatMap(({ lesson, steps: ways }) =>
    Object.entries(ways).flatMap(([id, { wrong }]) => (wrong.length > 0 ? [`${lesson} ${id}`] : [])),
  );
  expect([...new Set(tried)].sort()).toEqual(
    steps.map(({ lesson, step }) => `${lesson.name} ${step.id}`).sort(),
  );
});

describe('the puzzles', () => {
  test('are many, and named so that a list groups them', () => {
    expect(puzzles.length).toBeGreaterThanOrEqual(12);
    expect(puzzles.filter(({ name }) => !name.startsWith('puzzle-'))).toEqual([]);
  });

  test('do not tell their solution before the hints', () => {
    const told = puzzles.filter(({ story, title, steps: [{ task, solution }] }) =>
      solution.some(({ command }) => `${title} ${story} ${task}`.includes(command)),
    );
    expect(told.map(({ name }) => name)).toEqual([]);
  });

  test('have another right way each', () => {
    const tried = allWays.filter(({ steps: ways }) => ways['mend']?.right).map(({ lesson }) => lesson);
    expect(puzzles.map(({ name }) => name).filter((name) => !tried.includes(name))).toEqual([]);
  });
});

test("each point at which the article's text falls short is a lesson", () => {
  const covered = steps
    .filter(({ lesson }) => lesson.group === 'article')
    .flatMap(({ step }) => step.article ?? []);
  expect([...new Set(covered)].sort()).toEqual(['E1', 'E2', 'E3', 'E4', 'E5', 'E6']);
});
