/**
 * Lessons gone at in other ways than their solution's: a wrong one does not pass, another right one does. The lessons'
 * own solutions are played by the test of the lab.
 */
import { afterAll, expect, test } from '@jest/globals';
import { allLessons } from '../../src/teach/lab/lessons/index.ts';
import { beyondWays } from '../support/beyond-ways.ts';
import { createHost, type TestHost } from '../support/host.ts';
import { waitFor } from '../support/processes.ts';
import { firstWays, puzzleWays, type PuzzleWays } from '../support/puzzle-ways.ts';

// Not in beforeAll: tests that run side by side begin before it.
let host: Promise<TestHost> | undefined;
const theHost = (): Promise<TestHost> => (host ??= createHost());

afterAll(async () => {
  await (await host)?.dispose();
});

const all = [...firstWays, ...puzzleWays, ...beyondWays];
// One after the other where they are of one lesson: it has one lab at a time.
const lessons = [...new Set(all.map(({ lesson }) => lesson))].map(
  (lesson) => [lesson, all.filter((ways) => ways.lesson === lesson)] as const,
);

test.concurrent.each(lessons)(
  '%s: a wrong way does not pass, another right one does',
  async (_name, ofLesson) => {
    for (const ways of ofLesson) await tryWays(ways);
  },
  180_000,
);

async function tryWays({ lesson, step, wrong, right }: PuzzleWays): Promise<void> {
  const { minidock } = await theHost();
  const type = (line: string): ReturnType<typeof minidock> =>
    minidock('lab', 'enter', lesson, '--', 'sh', '-c', line);
  try {
    expect(await minidock('lab', 'start', lesson, '--again')).toMatchObject({ exitCode: 0 });
    await reach(lesson, step, minidock);
    for (const line of wrong) {
      await type(line);
      expect([line, (await minidock('lab', 'check', lesson)).exitCode]).toEqual([line, 1]);
    }
    const typed = await type(right);
    expect([typed.stderr, typed.exitCode]).toEqual(['', 0]);
    // What it started in the background takes a moment.
    await waitFor(async () => (await minidock('lab', 'check', lesson)).exitCode === 0, `${lesson} to pass`);
  } finally {
    await minidock('lab', 'end', lesson);
  }
}

/** Has the steps before the one that is meant done by the lab itself. */
async function reach(name: string, step: string | undefined, minidock: TestHost['minidock']): Promise<void> {
  const steps = allLessons.find((lesson) => lesson.name === name)?.steps ?? [];
  const index = step === undefined ? steps.length - 1 : steps.findIndex(({ id }) => id === step);
  for (const before of steps.slice(0, index)) {
    expect([before.id, (await minidock('lab', 'next', name)).exitCode]).toEqual([before.id, 0]);
  }
}
